"""What the routes of the API may answer, for its description, and how an answer is written."""

import json
from typing import Any, Final

from starlette.responses import Response

from codisearch.service.problems import PROBLEM_TYPE

_REASONS: Final[dict[int, str]] = {
    400: "The request cannot be read.",
    401: "An API key is needed.",
    404: "There is no such code.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A parameter does not fit.",
    500: "The service failed.",
    503: "The service is starting, busy, or took too long.",
}
_ALWAYS: Final = (400, 401, 422, 500, 503)
_WITH_BODY: Final = (*_ALWAYS, 408, 413, 415)


def problems(*further: int, body: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a route may end with, as OpenAPI responses."""
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    statuses = sorted({*(_WITH_BODY if body else _ALWAYS), *further})
    return {
        status: {"description": _REASONS[status], "content": {PROBLEM_TYPE: {"schema": schema}}}
        for status in statuses
    }


def json_response(content: object) -> Response:
    """Return an answer as JSON; every character beyond ASCII is escaped, so any text can be written."""
    return Response(json.dumps(content, separators=(",", ":")), media_type="application/json")
