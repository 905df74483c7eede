"""What the routes under `/fhir` share: what they may answer, and what is read from every request."""

import json
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from fastapi import Body, Depends, Request
from starlette.responses import Response

from codisearch.service.fhir.handling import Known
from codisearch.service.fhir.outcomes import FHIR_TYPE, FORMATS
from codisearch.service.fhir.parameters import (
    ExpandParams,
    LookupParams,
    MemberParams,
    Operation,
    ValidateParams,
)
from codisearch.service.fhir.posted import ParametersBody
from codisearch.service.problems import Problem, ProblemError

_RESOURCE: Final[dict[str, Any]] = {"type": "object", "required": ["resourceType"]}
_STATUSES: Final = {
    400: "The parameters do not fit.",
    401: "An API key is needed.",
    404: "There is no such code, code system or value set.",
    406: "Only JSON is spoken.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The expansion would be too large.",
    500: "The service failed.",
    503: "The service is starting, busy, or took too long.",
}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": description, "content": {FHIR_TYPE: {"schema": _RESOURCE}}}
    for status, description in {200: "The resource.", **_STATUSES}.items()
}


async def check_format(request: Request) -> None:
    """Refuse to speak anything but JSON.

    Raises:
        ProblemError: If `_format` or the header Accept want something else.
    """
    asked = (
        parse_qs(request.url.query, keep_blank_values=True)
        .get("_format", ["json"])[-1]
        .partition(";")[0]
        .strip()
    )
    accepted = request.headers.get("accept", "*/*").lower()
    speaks = any(kind in accepted for kind in ("json", "*/*", "application/*"))
    if asked.replace(" ", "+") not in FORMATS or not speaks:
        raise ProblemError(Problem(406, f"Only JSON is spoken here: {FHIR_TYPE}."))


Posted = Annotated[ParametersBody, Body(media_type=FHIR_TYPE)]


def known(model: type[Operation], *repeatable: str) -> list[Any]:
    """Return the dependencies of a route that has these parameters in its address."""
    return [Depends(Known(model, *repeatable))]


def wishes(
    asked: LookupParams | ValidateParams | MemberParams | ExpandParams, request: Request
) -> str | None:
    """Return the wishes for a language: those of the parameter, else those of the header."""
    return asked.displayLanguage or request.headers.get("accept-language")


def resource(content: dict[str, Any]) -> Response:
    """Return a resource as an answer."""
    return Response(json.dumps(content), media_type=FHIR_TYPE)
