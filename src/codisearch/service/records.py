"""One record of each request: its identifier, a line in the log, and its metrics."""

import logging
import re
import time
import traceback
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codisearch.service.metrics import Metrics
from codisearch.service.problems import INTERNAL, send_problem
from codisearch.service.security import HEADERS

LOGGER: Final = logging.getLogger("codisearch.service")
METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")
CLIENT_LEFT: Final = 499
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_KEY: Final = "codisearch.record"


@dataclass
class RequestRecord:
    """What becomes known of a request while it is answered.

    Attributes:
        identifier: What the client calls it, or a new one.
        queries: The texts that were searched.
        status: Status of the answer; as if the client had left until there is one.
        started: When it came, on the clock of `time.perf_counter`.
    """

    identifier: str
    queries: list[str] = field(default_factory=list)
    status: int = CLIENT_LEFT
    started: float = field(default_factory=time.perf_counter)


def record_of(request: Request) -> RequestRecord:
    """Return the record of a request."""
    record: RequestRecord = request.scope[_KEY]
    return record


class Recorder:
    """Records every request, gives each answer its headers, and turns a failure into a plain problem."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log_queries: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._log_queries = log_queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        record = scope[_KEY] = RequestRecord(_identifier(scope))
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                record.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = record.identifier
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            LOGGER.error("failure", extra={"request_id": record.identifier, "cause": _cause(error)})
            if started:
                raise ConnectionAbortedError("the answer broke off") from None
            await send_problem(INTERNAL, scope, receive, sending)
        finally:
            self._note(scope, record)

    def _note(self, scope: Scope, record: RequestRecord) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = _template(scope)
        seconds = time.perf_counter() - record.started
        self._metrics.observe(method, route, record.status, seconds, len(record.queries))
        facts: dict[str, Any] = {
            "method": method,
            "route": route,
            "status": record.status,
            "milliseconds": round(seconds * 1000, 1),
            "queries": len(record.queries),
            "request_id": record.identifier,
        }
        if self._log_queries and record.queries:
            facts["query_texts"] = record.queries
        LOGGER.info("request", extra=facts)


def _identifier(scope: Scope) -> str:
    came = Headers(scope=scope).get("x-request-id", "")
    return came if _IDENTIFIER.fullmatch(came) else uuid.uuid4().hex


def _template(scope: Scope) -> str:
    """Return the route as it is declared; a path may hold what no log should. Folders are their own route."""
    return getattr(scope.get("route"), "path", "") or scope.get("root_path") or "none"


def _cause(error: Exception) -> str:
    """Return the kind of an error and where it was raised; its message may hold a query."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-3:])
    places = (f"{frame.name} {frame.filename}:{frame.lineno}" for frame in frames)
    return " < ".join([type(error).__name__, *places])


def log_to(handler: logging.Handler) -> None:
    """Send the log of the whole process to a handler, one JSON object a line.

    Control characters and line breaks are escaped in JSON, so no value can break or forge a line.
    """
    formatter = JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
        reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # uvicorn's second message, with colours
    )
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
