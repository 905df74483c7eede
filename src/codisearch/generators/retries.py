"""How long to wait before a request is sent again."""

import asyncio
from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_base, wait_random_exponential

from codisearch.generators.contract import TransientFault
from codisearch.generators.settings import Pace


class WaitAsAsked(wait_base):
    """Waits as long as the service asks, and a time drawn by chance on top, longer with every try."""

    def __init__(self, pace: Pace) -> None:
        self._jitter = wait_random_exponential(
            multiplier=pace.first_wait_seconds, max=pace.longest_wait_seconds
        )

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return seconds."""
        fault = retry_state.outcome.exception() if retry_state.outcome else None
        asked = fault.retry_after if isinstance(fault, TransientFault) else None
        return (asked or 0.0) + self._jitter(retry_state)


def retrying(pace: Pace, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> AsyncRetrying:
    """Return what calls a coroutine again as long as it raises `TransientFault`, and then raises the last.

    Args:
        pace: How often, and how long to wait in between.
        sleep: What waits.
    """
    return AsyncRetrying(
        sleep=sleep,
        retry=retry_if_exception_type(TransientFault),
        stop=stop_after_attempt(pace.tries),
        wait=WaitAsAsked(pace),
        reraise=True,
    )
