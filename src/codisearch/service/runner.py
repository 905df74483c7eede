"""The workers: at most so many searches at once, a bounded queue, and waiting searches answered together."""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from codisearch.retrieval import Retriever
from codisearch.retrieval.answers import Answer
from codisearch.retrieval.queries import SearchOptions
from codisearch.service.limits import RETRY_AFTER
from codisearch.service.metrics import Metrics
from codisearch.service.problems import Problem, ProblemError
from codisearch.service.settings import ServiceSettings

T = TypeVar("T")
Work = Callable[[Sequence[str]], Sequence[Any]]
"""What a worker does: queries in, one result for each out."""

_ALONE: Final = object()
_PART: Final = 64


@dataclass(eq=False)
class _Job:
    """Queries that wait for a worker.

    Attributes:
        work: What is to be done with them.
        queries: The queries.
        alike: Equal for jobs whose work is the same.
        future: Where the results are awaited; done early if nobody waits any more.
    """

    work: Work
    queries: Sequence[str]
    alike: Hashable
    future: asyncio.Future[Sequence[Any]]


class Runner:
    """Runs searches in worker threads; all its methods belong to one event loop."""

    def __init__(self, settings: ServiceSettings, metrics: Metrics) -> None:
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="search")
        self._free = settings.workers
        self._queue = settings.queue
        self._merge = settings.merge
        self._waiting: deque[_Job] = deque()
        self._searching: set[Hashable] = set()
        self._metrics = metrics

    async def search(
        self, retriever: Retriever, queries: Sequence[str], options: SearchOptions
    ) -> list[Answer]:
        """Return the answers to checked queries, all with the same options.

        Many queries are done one part after the other, so that other requests get their turn, and a request
        that ran out of time ends between two parts.
        """
        answers: list[Answer] = []
        work = partial(_search, retriever, options)
        for start in range(0, len(queries), _PART):
            answers += await self._do(work, queries[start : start + _PART], options)
        return answers

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401
        """Return what a function of the retriever returns."""
        found: Sequence[T] = await self._do(lambda _: [work(*arguments)], [""], _ALONE)
        return found[0]

    def close(self) -> None:
        """Let go of the workers; what waits is not done."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _do(self, work: Work, queries: Sequence[str], alike: Hashable) -> Sequence[Any]:
        self._drop_abandoned()
        if len(self._waiting) >= self._queue + self._free:
            self._metrics.count_busy()
            raise ProblemError(
                Problem(
                    503,
                    f"The service is busy: {self._queue} searches wait already. Try again in a second.",
                    headers=RETRY_AFTER,
                )
            )
        job = _Job(work, queries, alike, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._start()
        return await job.future

    def _drop_abandoned(self) -> None:
        self._waiting = deque(job for job in self._waiting if not job.future.done())

    def _start(self) -> None:
        """Give free workers what waits."""
        self._drop_abandoned()
        while self._free and (jobs := self._take()):
            working = asyncio.get_running_loop().run_in_executor(self._pool, _answer, jobs)
            working.add_done_callback(partial(self._finish, jobs))
            self._free -= 1
            self._searching.add(jobs[0].alike)
            self._metrics.running.inc()
            self._metrics.observe_merged(sum(len(job.queries) for job in jobs))
        self._metrics.waiting.set(len(self._waiting))

    def _take(self) -> list[_Job]:
        """Return the job that has waited longest, and others like it; none where all have to wait on.

        A search waits while one with equal options is being done: those that come meanwhile are then done
        together, which takes less time than one beside the other.
        """
        first = next((job for job in self._waiting if not self._must_wait(job)), None)
        if first is None:
            return []
        jobs, room = [first], self._merge - len(first.queries)
        if first.alike is not _ALONE:
            for job in self._waiting:
                if job is not first and job.alike == first.alike and len(job.queries) <= room:
                    jobs.append(job)
                    room -= len(job.queries)
        for job in jobs:
            self._waiting.remove(job)
        return jobs

    def _must_wait(self, job: _Job) -> bool:
        return self._merge > 1 and job.alike is not _ALONE and job.alike in self._searching

    def _finish(self, jobs: list[_Job], working: asyncio.Future[list[Any]]) -> None:
        self._free += 1
        self._searching.discard(jobs[0].alike)
        self._metrics.running.dec()
        if working.cancelled():  # the service is closing
            return
        for job, outcome in zip(jobs, working.result(), strict=True):
            if job.future.done():
                continue
            if isinstance(outcome, Exception):
                job.future.set_exception(outcome)
                job.future.exception()  # asyncio would log it, query and all, if nobody took it
            else:
                job.future.set_result(outcome)
        self._start()


def _search(retriever: Retriever, options: SearchOptions, queries: Sequence[str]) -> Sequence[Answer]:
    return retriever.search_many(queries, **asdict(options))


def _answer(jobs: list[_Job]) -> list[Sequence[Any] | Exception]:
    """Return for each job its results, or the error that ends it."""
    try:
        results = jobs[0].work([query for job in jobs for query in job.queries])
    except Exception as error:
        # One job's error must not end the others: each is tried alone.
        return [error] if len(jobs) == 1 else [outcome for job in jobs for outcome in _answer([job])]
    ends = iter(results)
    return [list(islice(ends, len(job.queries))) for job in jobs]
