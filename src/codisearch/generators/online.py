"""Requests sent one by one, many at a time: retries, rate limits, the budget, and a ledger of it all."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator
from dataclasses import dataclass

from aiolimiter import AsyncLimiter

from codisearch.generators.contract import (
    Answer,
    ExhaustedFault,
    FatalFault,
    Fault,
    Generator,
    Request,
    RequestFault,
    TransientFault,
)
from codisearch.generators.ledger_writer import LedgerWriter
from codisearch.generators.meter import Meter, cost_of
from codisearch.generators.retries import retrying
from codisearch.generators.settings import Pace

logger = logging.getLogger(__name__)

Heard = Callable[[Request, Answer | None], None]
"""What is told of every request that is over: with its answer, or with None if it was given up."""
_MINUTE = 60.0
_STEPS = 3  # turns of the event loop until a request that is prepared is on its way


@dataclass(frozen=True)
class Ended:
    """How a run of requests ended.

    Attributes:
        stopped: Why it ended before all requests were sent; empty if it did not.
    """

    stopped: str = ""


class _HaltedError(Exception):
    """A try that is not made, since the run has to stop."""


class Gate:
    """Lets requests through no faster than the pace, and none while the service asks to wait.

    Args:
        pace: How fast.
        sleep: What waits; it may raise to end the wait early.
    """

    def __init__(self, pace: Pace, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._requests = _limiter(pace.requests_per_minute)
        self._tokens = AsyncLimiter(pace.tokens_per_minute, _MINUTE) if pace.tokens_per_minute else None
        self._closed_until = 0.0

    def close_for(self, seconds: float) -> None:
        """Let nothing through for some seconds."""
        self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    async def passing(self, tokens: float) -> None:
        """Wait for the turn of a request that is expected to come to some tokens."""
        if self._requests:
            await self._requests.acquire()
        if self._tokens:
            await self._tokens.acquire(min(tokens, self._tokens.max_rate))
        while (wait := self._closed_until - time.monotonic()) > 0:
            await self._sleep(wait)


def _limiter(per_minute: float | None) -> AsyncLimiter | None:
    """Return a limiter that spreads requests over the minute rather than sending them in its first second."""
    if per_minute is None:
        return None
    return (
        AsyncLimiter(per_minute / _MINUTE, 1)
        if per_minute > _MINUTE
        else AsyncLimiter(1, _MINUTE / per_minute)
    )


class OnlineRun:
    """Sends requests to one generator.

    Args:
        generator: An open generator.
        writer: The ledger.
        pace: How fast, and how often again.
        meter: What is spent and may be spent.
        heard: Told of every request that is over.
        suspects: Keys of requests that had a fault in an earlier run. They come first when a run goes on, and
            may fail again: that does not tell that the service is down.
    """

    def __init__(
        self,
        generator: Generator,
        writer: LedgerWriter,
        pace: Pace,
        meter: Meter,
        heard: Heard,
        suspects: Container[str] = (),
    ) -> None:
        self._generator = generator
        self._writer = writer
        self._pace = pace
        self._meter = meter
        self._heard = heard
        self._suspects = suspects
        self._gate = Gate(pace, self._sleep)
        self._halt = asyncio.Event()
        self._leaving = asyncio.Lock()
        self._stopped = ""
        self._refused: FatalFault | None = None
        self._given_up = 0

    async def send(self, requests: Iterable[Request]) -> Ended:
        """Send requests, drawn one at a time as there is room, until all are over or the run has to stop.

        Raises:
            GeneratorError: If the service refuses the key or the model. What was answered is in the ledger.
        """
        pending = iter(requests)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._pace.concurrency):
                    group.create_task(self._work(pending))
        except ExceptionGroup as several:  # such as a full disk, which every task meets
            raise several.exceptions[0] from None
        if self._refused:
            raise self._generator.refused(self._refused)
        return Ended(self._stopped)

    async def _work(self, pending: Iterator[Request]) -> None:
        while not self._stopped:
            request = next(pending, None)
            if request is None:
                return
            await self._settle(request)

    async def _settle(self, request: Request) -> None:
        """Bring one request to its end, whatever that is."""
        try:
            answer: Answer = await retrying(self._pace, self._sleep)(self._try, request)
        except (TransientFault, RequestFault) as fault:
            self._heard(request, None)
            self._given_up += request.key not in self._suspects
            if self._given_up >= self._pace.give_up_after:
                self._stop(f"{self._given_up} requests in a row brought no answer; the last: {fault}")
        except ExhaustedFault as fault:
            self._stop(f"the service's quota is used up ({fault.message})")
        except FatalFault as fault:
            self._refused = fault
            self._stop(fault.message)
        except _HaltedError as halted:
            self._stop(str(halted))
        else:
            self._given_up = 0
            self._heard(request, answer)

    async def _try(self, request: Request) -> Answer:
        await self._gate.passing(self._meter.expected.tokens)
        if reason := self._stopped or self._meter.refusal():
            raise _HaltedError(reason)
        self._writer.sent([request])
        self._meter.send()
        settled = False
        try:
            answer = await self._ask(request)
            money = cost_of(answer.usage, self._generator.settings.prices)
            self._writer.answered(request.key, request.task, answer, money)
            self._meter.settle(answer.usage, money)
            settled = True
            return answer
        except Fault as fault:
            self._writer.fault(request.key, request.task, fault)
            if fault.retry_after:
                self._gate.close_for(fault.retry_after)
            raise
        finally:
            if not settled:
                self._meter.drop()

    async def _ask(self, request: Request) -> Answer:
        limit = self._generator.settings.timeout_seconds
        asked: asyncio.Task[Answer] | None = None
        try:
            async with asyncio.timeout(limit):
                # One after the other: of many that wake together none would leave before all are prepared.
                async with self._leaving:
                    asked = asyncio.create_task(self._generator.answer(request))
                    for _ in range(_STEPS):
                        await asyncio.sleep(0)
                return await asked
        except TimeoutError:
            raise TransientFault("timeout", f"no answer within {limit:g} s") from None
        finally:
            if asked:
                asked.cancel()

    async def _sleep(self, seconds: float) -> None:
        """Wait, but no longer than the run goes on."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._halt.wait()
        if self._stopped:
            raise _HaltedError(self._stopped)

    def _stop(self, reason: str) -> None:
        if not self._stopped:
            logger.warning("No further requests are sent: %s.", reason)
            self._stopped = reason
            self._halt.set()
