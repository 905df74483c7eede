"""Requests sent one by one: retries, limits, budgets, and ends."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests_to_send import TestGenerator, make_request, make_requests, say

from codisearch.errors import GeneratorError
from codisearch.generators.contract import (
    Answer,
    ExhaustedFault,
    FatalFault,
    Request,
    RequestFault,
    TransientFault,
)
from codisearch.generators.ledger import Ledger
from codisearch.generators.meter import Expected, Meter, Spent
from codisearch.generators.online import Gate, OnlineRun
from codisearch.generators.settings import Budget, Pace

QUICK = {"first_wait_seconds": 0.0, "longest_wait_seconds": 0.0}
Reply = Callable[[Request, int], Answer | Exception]


@dataclass
class Sent:
    """What a run of requests came to."""

    generator: TestGenerator
    stopped: str = ""
    ends: Counter[str] = field(default_factory=Counter)


def send(
    ledger: Ledger,
    reply: Reply,
    requests: Iterable[Request],
    budget: Budget | None = None,
    seconds: float = 0.0,
    **pace: float,
) -> Sent:
    """Send requests to a generator that replies as told."""
    sent = Sent(TestGenerator(reply, seconds))

    def heard(_: Request, answer: Answer | None) -> None:
        sent.ends["answered" if answer else "given up"] += 1

    async def run() -> None:
        meter = Meter(budget or Budget(), ledger.totals().spent, Expected(110, 0.0002))
        with ledger.writing() as writer:
            runner = OnlineRun(sent.generator, writer, Pace(**(QUICK | pace)), meter, heard)
            sent.stopped = (await runner.send(requests)).stopped

    asyncio.run(run())
    return sent


def test_every_request_is_answered_once(ledger: Ledger):
    """Without faults each is sent once and its answer is in the ledger, with its cost."""
    sent = send(ledger, lambda request, _: say(request.subject), make_requests(40), concurrency=8)
    assert sent.stopped == ""
    assert Counter(sent.generator.came) == Counter(request.key for request in make_requests(40))
    found = list(ledger.answers(request.key for request in make_requests(40)))
    assert [one.answer.text for one in found if one] == [request.subject for request in make_requests(40)]
    assert ledger.totals().spent == Spent(40, 40, 4_000, 400, pytest.approx(0.008))


def test_as_many_at_a_time_as_asked(ledger: Ledger):
    """Eight wait together, not more."""
    sent = send(ledger, lambda *_: say(), make_requests(60), seconds=0.01, concurrency=8)
    assert sent.generator.most_under_way == 8


@pytest.mark.parametrize("kind", ["rate_limited", "server_error", "timeout", "connection"])
def test_transient_faults_are_sent_again(ledger: Ledger, kind: str):
    """Twice a fault, then an answer: three tries in the ledger, and their reasons."""

    def reply(_: Request, times: int) -> Answer | Exception:
        return TransientFault(kind, "not now") if times < 3 else say()  # type: ignore[arg-type]

    sent = send(ledger, reply, make_requests(2))
    assert sent.ends == {"answered": 2}
    assert ledger.totals().spent.requests == 6
    assert ledger.totals().faults == {kind: 4}


def test_a_request_is_given_up_after_its_tries(ledger: Ledger):
    """One that never succeeds costs itself alone."""

    def reply(request: Request, _: int) -> Answer | Exception:
        return TransientFault("server_error", "down") if request.meta["code"] == "A03" else say()

    sent = send(ledger, reply, make_requests(6), tries=4)
    assert sent.ends == {"answered": 5, "given up": 1}
    assert sent.stopped == ""
    assert ledger.totals().faults == {"server_error": 4}
    assert ledger.totals().unanswered == 1


def test_a_request_that_is_refused_is_not_sent_again(ledger: Ledger):
    """A fault of the request itself is not tried again in this run; a later one may: it cost nothing."""

    def reply(request: Request, _: int) -> Answer | Exception:
        return RequestFault("bad_request", "too long") if request.meta["code"] == "A01" else say()

    sent = send(ledger, reply, make_requests(3))
    assert sent.generator.came.count(make_request(1).key) == 1
    assert sent.ends == {"answered": 2, "given up": 1}
    assert ledger.last_faults()[make_request(1).key] == ("bad_request", "too long")
    assert make_request(1).key not in ledger.settled_keys()


def test_refusals_in_a_row_end_the_run(ledger: Ledger):
    """A service that refuses everything is not asked for all requests in vain."""
    refuse = RequestFault("bad_request", "unsupported schema")
    sent = send(ledger, lambda *_: refuse, make_requests(99), concurrency=1, give_up_after=5)
    assert "5 requests in a row brought no answer; the last: bad_request: unsupported schema" in sent.stopped
    assert len(sent.generator.came) == 5


def test_what_failed_before_does_not_end_a_run_that_goes_on(ledger: Ledger):
    """Requests that failed in an earlier run come first in the next, and may all fail again."""

    def reply(request: Request, _: int) -> Answer | Exception:
        return RequestFault("bad_request", "never") if request.meta["code"] < "A12" else say()

    generator = TestGenerator(reply)
    ended: list[str] = []

    async def run() -> None:
        with ledger.writing() as writer:
            suspects = {request.key for request in make_requests(12)}
            pace = Pace(**QUICK, give_up_after=5, concurrency=1)
            meter = Meter(Budget(), Spent(), Expected())
            runner = OnlineRun(generator, writer, pace, meter, lambda *_: None, suspects)
            ended.append((await runner.send(make_requests(30))).stopped)

    asyncio.run(run())
    assert ended == [""]
    assert ledger.totals().spent.answers == 18


def test_a_run_that_has_to_end_does_not_wait(ledger: Ledger):
    """While one worker waits for as long as the service asked, another finds the quota used up."""

    def reply(request: Request, _: int) -> Answer | Exception:
        if request.meta["code"] == "A00":
            return TransientFault("rate_limited", "an hour, please", 3_600.0)
        return ExhaustedFault("rate_limited", "per day")

    started = time.monotonic()
    sent = send(ledger, reply, make_requests(50), concurrency=2)
    assert "quota is used up" in sent.stopped
    assert time.monotonic() - started < 5


class Odd(TestGenerator):
    """A generator whose client trips over what came."""

    async def ask(self, request: Request) -> Answer:
        """Fail in a way that nobody thought of, once."""
        self.came.append(request.key)
        if self.came.count(request.key) == 1:
            return Answer(**{"text": {"a": None}["a"], "finish": "stop"})
        return say("half a pair: \ud83d")


def test_a_response_that_nobody_thought_of_does_not_end_a_run(ledger: Ledger):
    """It is a fault like any other; and what cannot be written as UTF-8 is replaced."""
    ends: Counter[str] = Counter()

    async def run() -> None:
        with ledger.writing() as writer:
            meter = Meter(Budget(), Spent(), Expected())
            heard = lambda _, answer: ends.update(["answered" if answer else "given up"])  # noqa: E731
            await OnlineRun(Odd(lambda *_: say()), writer, Pace(**QUICK), meter, heard).send(make_requests(3))

    asyncio.run(run())
    assert ends == {"answered": 3}
    assert ledger.totals().faults == {"server_error": 3}
    (found,) = ledger.answers([make_request(1).key])
    assert found is not None
    assert found.answer.text == "half a pair: \ufffd"


def test_the_service_sets_how_long_to_wait(ledger: Ledger):
    """After a 429 that asks for 0.3 s nothing at all is sent for that long, by any worker."""
    moments: list[float] = []

    def reply(_: Request, times: int) -> Answer | Exception:
        moments.append(time.monotonic())
        first = len(moments) == 1
        return TransientFault("rate_limited", "slow down", 0.3) if first else say()

    send(ledger, reply, make_requests(3), concurrency=1)
    assert moments[1] - moments[0] >= 0.3
    assert len(moments) == 4


def test_no_answer_in_time_is_a_timeout(ledger: Ledger, monkeypatch: pytest.MonkeyPatch):
    """A generator that hangs is cut off after its limit, whatever its own client does."""
    from requests_to_send import SETTINGS

    generator = TestGenerator(lambda *_: say(), seconds=5)
    generator.settings = SETTINGS.model_copy(update={"timeout_seconds": 0.05})
    meter = Meter(Budget(), Spent(), Expected())

    async def run() -> None:
        with ledger.writing() as writer:
            pace = Pace(tries=2, **QUICK)
            await OnlineRun(generator, writer, pace, meter, lambda *_: None).send([make_request()])

    started = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - started < 2
    assert ledger.totals().faults == {"timeout": 2}
    assert meter.under_way == 0


def test_a_service_that_is_down_ends_the_run(ledger: Ledger):
    """Rather than to go through all requests in vain, the run ends after so many in a row."""
    sent = send(
        ledger,
        lambda *_: TransientFault("connection", "refused"),
        make_requests(100),
        concurrency=2,
        tries=2,
        give_up_after=5,
    )
    assert "5 requests in a row brought no answer" in sent.stopped
    assert len(sent.generator.came) <= 2 * (5 + 2)


def test_single_failures_do_not_add_up(ledger: Ledger):
    """Requests that fail between others that succeed never end a run."""

    def reply(request: Request, _: int) -> Answer | Exception:
        odd = int(request.meta["code"][1:]) % 2
        return TransientFault("server_error", "down") if odd else say()

    sent = send(ledger, reply, make_requests(40), concurrency=1, tries=1, give_up_after=3)
    assert sent.stopped == ""
    assert sent.ends == {"answered": 20, "given up": 20}


def test_a_refused_key_ends_the_run_with_an_error(ledger: Ledger):
    """One request is enough to see it; the answers so far stay."""

    def reply(request: Request, _: int) -> Answer | Exception:
        return say() if request.meta["code"] < "A05" else FatalFault("bad_request", "API key not valid.")

    with pytest.raises(GeneratorError, match=r"test refuses every request: API key not valid\."):
        send(ledger, reply, make_requests(100), concurrency=1)
    assert ledger.totals().spent.answers == 5
    assert ledger.totals().spent.requests == 6


def test_a_used_up_quota_ends_the_run_cleanly(ledger: Ledger):
    """A daily quota is no error: what was answered is kept, and the reason is told."""

    def reply(request: Request, _: int) -> Answer | Exception:
        return say() if request.meta["code"] < "A07" else ExhaustedFault("rate_limited", "per day")

    sent = send(ledger, reply, make_requests(100), concurrency=1)
    assert "quota is used up (per day)" in sent.stopped
    assert ledger.totals().spent.answers == 7


@pytest.mark.parametrize(
    ("budget", "most"),
    [(Budget(requests=25), 25), (Budget(tokens=2_750), 25), (Budget(money=0.005), 25)],
)
def test_the_budget_ends_the_run_before_it_is_passed(ledger: Ledger, budget: Budget, most: int):
    """At 110 tokens and 0.0002 a request, each of these budgets allows 25, with eight at a time."""
    sent = send(ledger, lambda *_: say(), make_requests(90), budget, 0.001, concurrency=8)
    assert "budget" in sent.stopped
    assert ledger.totals().spent.requests == most


def test_retries_count_against_the_budget(ledger: Ledger):
    """A request that is sent three times is three requests."""
    sent = send(
        ledger,
        lambda *_: TransientFault("timeout", "x"),
        make_requests(10),
        Budget(requests=3),
        concurrency=1,
    )
    assert "budget of 3 requests" in sent.stopped
    assert len(sent.generator.came) == 3


def test_a_later_run_goes_on(ledger: Ledger):
    """With a larger budget the rest is sent; nothing that was answered is."""
    send(ledger, lambda *_: say(), make_requests(10), Budget(requests=4), concurrency=1)
    done = ledger.settled_keys()
    left = [request for request in make_requests(10) if request.key not in done]
    sent = send(ledger, lambda *_: say(), left, Budget(requests=10))
    assert not set(sent.generator.came) & done
    assert len(ledger.settled_keys()) == 10
    assert ledger.totals().spent.requests == 10


def test_requests_per_minute(ledger: Ledger):
    """At 1,200 a minute, 20 a second, thirty requests take about half a second after the first twenty."""
    started = time.monotonic()
    send(ledger, lambda *_: say(), make_requests(30), concurrency=30, requests_per_minute=1_200)
    assert 0.4 <= time.monotonic() - started < 5


def test_a_slow_pace_is_spread_over_minutes():
    """Below one a second the limit is one in so many seconds."""

    async def take() -> float:
        gate = Gate(Pace(requests_per_minute=30.0))
        await gate.passing(1)
        try:
            async with asyncio.timeout(0.2):
                await gate.passing(1)
        except TimeoutError:
            return 1.0
        return 0.0

    assert asyncio.run(take()) == 1.0


def test_tokens_per_minute_hold_back():
    """Two requests of 600 tokens do not pass at once where 1,000 a minute are allowed; a huge one passes."""

    async def take(tokens: float) -> int:
        gate = Gate(Pace(tokens_per_minute=1_000.0))
        passed = 0
        try:
            async with asyncio.timeout(0.2):
                for _ in range(2):
                    await gate.passing(tokens)
                    passed += 1
        except TimeoutError:
            pass
        return passed

    assert asyncio.run(take(600)) == 1
    assert asyncio.run(take(300)) == 2
    assert asyncio.run(take(5_000)) == 1


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(["ok", "flaky", "dead", "refused"]), min_size=1, max_size=30), st.integers(1, 8)
)
def test_every_request_ends_somehow(tmp_path_factory: pytest.TempPathFactory, fates: list[str], workers: int):
    """Whatever the faults, answered and given up add up to what was asked, and the ledger agrees."""
    ledger = Ledger(tmp_path_factory.mktemp("any") / "ledger.sqlite")

    def reply(request: Request, times: int) -> Answer | Exception:
        fate = fates[int(request.meta["code"][1:])]
        if fate == "refused":
            return RequestFault("bad_request", "no")
        if fate == "dead" or (fate == "flaky" and times == 1):
            return TransientFault("server_error", "down")
        return say()

    sent = send(ledger, reply, make_requests(len(fates)), concurrency=workers, tries=3, give_up_after=1_000)
    good = sum(fate in {"ok", "flaky"} for fate in fates)
    assert sent.ends["answered"] == good == ledger.totals().spent.answers
    assert sent.ends["given up"] == len(fates) - good
    assert ledger.totals().unanswered == fates.count("dead") + fates.count("refused")
    expected = len(fates) + fates.count("flaky") + 2 * fates.count("dead")
    assert ledger.totals().spent.requests == expected
