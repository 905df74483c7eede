"""Errors as HTTP answers: RFC 9457 problems, and FHIR operation outcomes under `/fhir`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from codisearch.errors import InputError, UnknownCodeError
from codisearch.retrieval.answers import CodeName
from codisearch.service.fhir.outcomes import FHIR_PREFIX, FHIR_TYPE, operation_outcome

PROBLEM_TYPE: Final = "application/problem+json"
SHOWN_ERRORS: Final = 5
SHOWN_CHARACTERS: Final = 60
LONGEST_LINE: Final = 1_000


@dataclass(frozen=True)
class Problem:
    """What is wrong with a request, or with the service.

    Attributes:
        status: HTTP status.
        detail: What was wrong, what is allowed and what came, in one line.
        issue: FHIR issue type; empty to take the one that belongs to the status.
        suggestions: Codes that may have been meant.
        headers: Further headers of the answer.
    """

    status: int
    detail: str
    issue: str = ""
    suggestions: tuple[CodeName, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the members of an RFC 9457 problem; its type is `about:blank`: the status says it."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.suggestions:
            body["suggestions"] = [asdict(name) for name in self.suggestions]
        return body


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


INTERNAL: Final = Problem(500, "The service failed to answer. The log holds the cause, by X-Request-ID.")


def of_input(error: InputError, status: int) -> Problem:
    """Return the problem of an input that cannot be used."""
    suggestions = error.suggestions if isinstance(error, UnknownCodeError) else ()
    return Problem(status, one_line(str(error)), suggestions=suggestions)


def not_found(error: UnknownCodeError) -> Problem:
    """Return the problem of a code that does not exist, where the code itself was asked for."""
    return Problem(404, one_line(str(error)), suggestions=error.suggestions)


def one_line(text: str) -> str:
    """Return a text on one line that can be encoded; of a long one, both ends."""
    line = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    return (
        line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE // 2]} ... {line[-LONGEST_LINE // 2 :]}"
    )


def problem_response(problem: Problem, path: str) -> Response:
    """Return the answer for a problem in the form that belongs to the path."""
    if path.startswith(FHIR_PREFIX):
        body, media_type = operation_outcome(problem.status, problem.detail, problem.issue), FHIR_TYPE
        if problem.suggestions:
            nearest = ", ".join(f"{name.code} {name.title}" for name in problem.suggestions)
            body["issue"][0]["diagnostics"] += f" Nearest: {nearest}."
    else:
        body, media_type = problem.to_dict(), PROBLEM_TYPE
    return Response(json.dumps(body), problem.status, headers=dict(problem.headers), media_type=media_type)


async def send_problem(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with a problem, from a middleware."""
    app: ASGIApp = problem_response(problem, scope["path"])
    await app(scope, receive, send)


def add_handlers(app: FastAPI, max_body: int, routes: Sequence[BaseRoute]) -> None:
    """Give every error that a route can end with its problem."""

    async def refuse(request: Request, error: Exception) -> Response:
        path = request.scope["path"]
        unusable = 400 if path.startswith(FHIR_PREFIX) else 422
        match error:
            case HTTPException(status_code=405):
                problem = _not_allowed(path, routes, error)
            case HTTPException(__cause__=ProblemError(problem=cause)):  # of a body, while it was read
                problem = cause
            case HTTPException():
                problem = _of_http(error, max_body)
            case RequestValidationError():
                problem = of_validation(error.errors(), unusable)
            case InputError():
                problem = of_input(error, unusable)
            case ProblemError():
                problem = error.problem
            case _:  # pragma: no cover  # no other is registered
                raise error
        return problem_response(problem, path)

    for kind in (ProblemError, InputError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, refuse)


def _not_allowed(path: str, routes: Sequence[BaseRoute], error: HTTPException) -> Problem:
    """Return the problem of a wrong method, with those that the path's routes allow together."""
    there = [route for route in routes if isinstance(route, APIRoute) and route.path_regex.match(path)]
    methods = sorted({method for route in there for method in route.methods or ()})
    allowed = ", ".join(methods) or (error.headers or {}).get("Allow", "GET")
    return Problem(405, f"Allowed here: {allowed}.", headers={"Allow": allowed})


def _of_http(error: HTTPException, max_body: int) -> Problem:
    details = {
        400: "The body cannot be read: expected JSON in UTF-8, without deep nesting or endless numbers.",
        404: "Nothing is at this address; /docs lists what there is.",
        413: too_large(max_body),
    }
    detail = details.get(error.status_code, one_line(str(error.detail)))
    return Problem(error.status_code, detail, headers=error.headers or {})


def repeated(names: Sequence[str]) -> Problem:
    """Return the problem of parameters that came more than once."""
    shown = ", ".join(f"`{name[:SHOWN_CHARACTERS]}`" for name in names[:SHOWN_ERRORS])
    return Problem(400, one_line(f"Give each parameter once; {shown} came more than once."))


def too_large(max_body: int) -> str:
    """Return what is said about a body that is too large."""
    return f"The body has more than {max_body:,} bytes, which is what the service accepts."


def of_validation(errors: Sequence[Any], status: int) -> Problem:
    """Return the problem of parameters that do not fit; the first few are named."""
    details = [_describe(error) for error in errors[:SHOWN_ERRORS]]
    if len(errors) > SHOWN_ERRORS:
        details.append(f"and {len(errors) - SHOWN_ERRORS} more")
    unsupported = bool(errors) and all(error["type"] == "extra_forbidden" for error in errors)
    return Problem(status, one_line("; ".join(details)) + ".", issue="not-supported" if unsupported else "")


def _describe(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return f"The body is not JSON: {error['ctx']['error']} at character {error['loc'][-1]}"
    place = ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
    message = error["msg"][0].lower() + error["msg"][1:]
    if error["type"] == "extra_forbidden":
        return f"`{place[:SHOWN_CHARACTERS]}`: no such parameter"
    came = error.get("input")
    if error["type"] == "missing" or not isinstance(came, str | int | float | bool):
        return f"`{place}`: {message}"
    return f"`{place}`: {message}, came {_shown(came)}"


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > SHOWN_CHARACTERS:
        return "a huge number"  # Python refuses to write those of thousands of digits
    text = ascii(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
