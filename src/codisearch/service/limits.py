"""What a request may bring and how long it may take."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codisearch.service.fhir.outcomes import FHIR_PREFIX, FHIR_TYPE
from codisearch.service.problems import Problem, ProblemError, repeated, send_problem, too_large
from codisearch.service.security import Check

RETRY_AFTER: Final = {"Retry-After": "1"}
_SHOWN_NAME: Final = 40


class Guard:
    """Refuses requests that fail a check, before their body is read."""

    def __init__(self, app: ASGIApp, checks: Sequence[Check]) -> None:
        self._app = app
        self._checks = checks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        checks = self._checks if scope["type"] == "http" else ()
        problem = next((found for check in checks if (found := check(scope)) is not None), None)
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await send_problem(problem, scope, receive, send)


def length_check(max_body: int) -> Check:
    """Return the check that the announced length of a body is within the limit.

    A body that does not announce its length is counted while it is read, by Starlette's own middleware.
    """

    def check(scope: Scope) -> Problem | None:
        announced = Headers(scope=scope).get("content-length", "0")
        if not (announced.isascii() and announced.isdigit()):
            return Problem(400, "Content-Length must be a number.")
        limit = str(max_body)  # compared as texts: Python refuses to read numbers of thousands of digits
        digits = announced.lstrip("0")
        if (len(digits), digits) > (len(limit), limit):
            return Problem(413, too_large(max_body))
        return None

    return check


def check_content_type(scope: Scope) -> Problem | None:
    """Return a problem if a body is posted that does not say that it is JSON."""
    if scope["method"] != "POST":
        return None
    came = Headers(scope=scope).get("content-type", "")
    kind = came.partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return None
    expected = (
        f"{FHIR_TYPE} or application/json" if scope["path"].startswith(FHIR_PREFIX) else "application/json"
    )
    return Problem(415, f"Content-Type must be {expected}, came {came[:_SHOWN_NAME]!a}.")


def check_encoding(scope: Scope) -> Problem | None:
    """Return a problem if path or query string are not UTF-8."""
    try:
        unquote_to_bytes(scope["query_string"]).decode()
        unquote_to_bytes(scope.get("raw_path") or b"").decode()
    except UnicodeDecodeError:
        return Problem(400, "The address holds bytes that are not UTF-8; percent-encode text as UTF-8.")
    return None


class Once:
    """A dependency that refuses a query string that repeats a parameter: there is no right one to take."""

    async def __call__(self, request: Request) -> None:
        """Check a request.

        Raises:
            ProblemError: If a parameter is repeated.
        """
        names = Counter(name for name, _ in parse_qsl(request.url.query, keep_blank_values=True))
        more = [name for name, times in names.items() if times > 1]
        if more:
            raise ProblemError(repeated(more))


class Deadline:
    """Ends requests that take too long; work that has not begun is then never done."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        arrived = started = False

        async def receiving() -> Message:
            nonlocal arrived
            message = await receive()
            arrived = not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self._seconds):
                await self._app(scope, receiving, sending)
        except TimeoutError:
            if started:
                raise
            await send_problem(self._problem(scope, arrived), scope, receive, send)

    def _problem(self, scope: Scope, arrived: bool) -> Problem:
        if scope["method"] == "POST" and not arrived:
            return Problem(408, f"The body did not arrive within {self._seconds:g} seconds.")
        return Problem(
            503,
            f"The answer took longer than {self._seconds:g} seconds.",
            issue="timeout",
            headers=RETRY_AFTER,
        )
