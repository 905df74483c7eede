"""The workers: what waits, what is answered together, and what is never done."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from codisearch.retrieval.queries import SearchOptions
from codisearch.service.metrics import Metrics
from codisearch.service.problems import ProblemError
from codisearch.service.runner import Runner
from codisearch.service.settings import ServiceSettings

PLAIN = SearchOptions()


class Searcher:
    """Stands for a retriever: notes what it is asked, and answers each query with itself when it may."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.may_answer = threading.Event()

    def search_many(self, queries: Sequence[str], **options: Any) -> list[str]:
        self.calls.append(tuple(queries))
        self.may_answer.wait(10)
        if "bad" in queries:
            raise ValueError("bad")
        return [f"{query} {options['top']}" for query in queries]


def run(scenario: Any, **settings: Any) -> Searcher:
    """Run a scenario with a runner of these settings; return what the searcher noted."""
    searcher = Searcher()

    async def play() -> None:
        runner = Runner(ServiceSettings(**settings), Metrics())
        try:
            await scenario(runner, searcher)
        finally:
            searcher.may_answer.set()
            runner.close()

    asyncio.run(play())
    return searcher


async def started(*searches: Any) -> list[asyncio.Task[Any]]:
    """Start searches in order, and let each reach its place."""
    tasks = []
    for search in searches:
        tasks.append(asyncio.create_task(search))
        await asyncio.sleep(0.02)
    return tasks


def test_waiting_searches_are_answered_together() -> None:
    """While one is searched, others with the same options gather; each gets its own answer."""

    async def scenario(runner: Runner, searcher: Searcher) -> None:
        tasks = await started(*(runner.search(searcher, [text], PLAIN) for text in "abcd"))  # type: ignore[arg-type]
        searcher.may_answer.set()
        assert await asyncio.gather(*tasks) == [["a 10"], ["b 10"], ["c 10"], ["d 10"]]

    assert run(scenario, workers=2).calls == [("a",), ("b", "c", "d")]


def test_no_more_together_than_allowed() -> None:
    async def scenario(runner: Runner, searcher: Searcher) -> None:
        texts = (["a"], ["b"], ["c", "d"], ["e"])
        tasks = await started(*(runner.search(searcher, text, PLAIN) for text in texts))  # type: ignore[arg-type]
        searcher.may_answer.set()
        assert (await asyncio.gather(*tasks))[2] == ["c 10", "d 10"]

    assert run(scenario, workers=1, merge=2).calls == [("a",), ("b", "e"), ("c", "d")]


def test_other_options_are_searched_apart() -> None:
    async def scenario(runner: Runner, searcher: Searcher) -> None:
        other = SearchOptions(top=3)
        asked = (("a", PLAIN), ("b", PLAIN), ("c", other), ("d", PLAIN))
        tasks = await started(*(runner.search(searcher, [text], options) for text, options in asked))  # type: ignore[arg-type]
        searcher.may_answer.set()
        assert await asyncio.gather(*tasks) == [["a 10"], ["b 10"], ["c 3"], ["d 10"]]

    assert run(scenario, workers=2).calls == [("a",), ("c",), ("b", "d")]


def test_without_merging_workers_search_side_by_side() -> None:
    async def scenario(runner: Runner, searcher: Searcher) -> None:
        tasks = await started(*(runner.search(searcher, [text], PLAIN) for text in "abc"))  # type: ignore[arg-type]
        assert searcher.calls == [("a",), ("b",)]
        searcher.may_answer.set()
        await asyncio.gather(*tasks)

    assert run(scenario, workers=2, merge=1).calls == [("a",), ("b",), ("c",)]


def test_an_error_ends_only_its_own_search() -> None:
    async def scenario(runner: Runner, searcher: Searcher) -> None:
        tasks = await started(*(runner.search(searcher, [text], PLAIN) for text in ("a", "b", "bad")))  # type: ignore[arg-type]
        searcher.may_answer.set()
        assert await tasks[1] == ["b 10"]
        with pytest.raises(ValueError, match="bad"):
            await tasks[2]

    assert run(scenario, workers=1).calls == [("a",), ("b", "bad"), ("b",), ("bad",)]


def test_full_queue() -> None:
    """One is searched and two wait; the next is told to come back."""

    async def scenario(runner: Runner, searcher: Searcher) -> None:
        tasks = await started(*(runner.search(searcher, [text], PLAIN) for text in "abc"))  # type: ignore[arg-type]
        with pytest.raises(ProblemError) as caught:
            await runner.search(searcher, ["d"], PLAIN)  # type: ignore[arg-type]
        assert (caught.value.problem.status, caught.value.problem.headers) == (503, {"Retry-After": "1"})
        assert "2 searches wait already" in caught.value.problem.detail
        searcher.may_answer.set()
        await asyncio.gather(*tasks)
        assert await runner.search(searcher, ["e"], PLAIN) == ["e 10"]  # type: ignore[arg-type]

    assert ("d",) not in run(scenario, workers=1, queue=2).calls


def test_what_nobody_waits_for_is_not_done() -> None:
    """A search that was given up leaves the queue; one being done keeps its worker until it ends."""

    async def scenario(runner: Runner, searcher: Searcher) -> None:
        tasks = await started(*(runner.search(searcher, [text], PLAIN) for text in "abc"))  # type: ignore[arg-type]
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.sleep(0.02)
        assert searcher.calls == [("a",)]
        searcher.may_answer.set()
        assert await tasks[2] == ["c 10"]

    assert run(scenario, workers=1).calls == [("a",), ("c",)]


def test_many_queries_are_searched_in_parts() -> None:
    texts = [str(number) for number in range(150)]

    async def scenario(runner: Runner, searcher: Searcher) -> None:
        searcher.may_answer.set()
        assert await runner.search(searcher, texts, PLAIN) == [f"{text} 10" for text in texts]  # type: ignore[arg-type]

    assert [len(call) for call in run(scenario, workers=2).calls] == [64, 64, 22]


def test_other_work_does_not_wait_for_a_search() -> None:
    async def scenario(runner: Runner, searcher: Searcher) -> None:
        (task,) = await started(runner.search(searcher, ["a"], PLAIN))  # type: ignore[arg-type]
        assert await runner.call(divmod, 7, 2) == (3, 1)
        searcher.may_answer.set()
        await task

    run(scenario, workers=2)
