"""The routes under `/fhir`."""

import json
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from starlette.responses import Response

from codisearch.errors import InputError, UnknownCodeError
from codisearch.service.fhir.code_system import IDENTIFIER, check_system, code_system, looked_up, validated
from codisearch.service.fhir.metadata import capability_statement, terminology_capabilities
from codisearch.service.fhir.outcomes import FHIR_PREFIX, FHIR_TYPE, FORMATS
from codisearch.service.fhir.parameters import (
    ExpandParams,
    LookupParams,
    Operation,
    ParametersBody,
    SearchParams,
    ValidateParams,
    language_of,
    read_parameters,
)
from codisearch.service.fhir.value_set import expand
from codisearch.service.limits import Once
from codisearch.service.problems import Problem, ProblemError, not_found
from codisearch.service.records import record_of
from codisearch.service.state import ServiceState, State

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
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
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


router = APIRouter(
    prefix=FHIR_PREFIX,
    tags=["FHIR R4"],
    dependencies=[Depends(check_format), Depends(Once("property"))],
    responses=_ANSWERS,
    default_response_class=Response,
)
Posted = Annotated[ParametersBody, Body(media_type=FHIR_TYPE)]


def _resource(content: dict[str, Any]) -> Response:
    return Response(json.dumps(content), media_type=FHIR_TYPE)


class MetadataParams(Operation):
    """Parameters of the capabilities."""

    mode: Literal["full", "normative", "terminology"] = "full"


@router.get("/metadata")
async def read_metadata(asked: Annotated[MetadataParams, Query()], state: State) -> Response:
    """State what the server can do: CapabilityStatement, or TerminologyCapabilities by `mode=terminology`."""
    state_of = terminology_capabilities if asked.mode == "terminology" else capability_statement
    return _resource(state_of(state.retriever.manifest))


@router.get("/CodeSystem/$lookup")
async def lookup(asked: Annotated[LookupParams, Query()], state: State) -> Response:
    """Tell what is known of a code."""
    return await _lookup(asked, state)


@router.post("/CodeSystem/$lookup")
async def lookup_posted(body: Posted, state: State) -> Response:
    """Tell what is known of a code or coding."""
    return await _lookup(read_parameters(body, LookupParams), state)


async def _lookup(asked: LookupParams, state: ServiceState) -> Response:
    retriever = state.retriever
    check_system(asked.system, asked.version, retriever.manifest)
    try:
        card = await state.runner.call(retriever.lookup, asked.code, language_of(asked.displayLanguage))
    except UnknownCodeError as error:
        raise ProblemError(not_found(error)) from error
    return _resource(looked_up(card, asked, retriever.manifest))


@router.get("/CodeSystem/$validate-code")
async def validate_code(asked: Annotated[ValidateParams, Query()], state: State) -> Response:
    """Tell whether a code exists, and whether a display is one of its titles."""
    return await _validate(asked, state)


@router.post("/CodeSystem/$validate-code")
async def validate_code_posted(body: Posted, state: State) -> Response:
    """Tell whether a code or coding exists, and whether its display is one of its titles."""
    return await _validate(read_parameters(body, ValidateParams), state)


async def _validate(asked: ValidateParams, state: ServiceState) -> Response:
    retriever = state.retriever
    if None not in {asked.url, asked.system} and asked.url != asked.system:
        raise ProblemError(Problem(400, "`url` and the coding's `system` differ; give one, or the same."))
    check_system(asked.url or asked.system, asked.version, retriever.manifest)
    try:
        found = await state.runner.call(retriever.lookup, asked.code, language_of(asked.displayLanguage))
    except InputError as error:
        return _resource(validated(error, asked))
    return _resource(validated(found, asked))


@router.get("/ValueSet/$expand")
async def expand_value_set(
    asked: Annotated[ExpandParams, Query()], state: State, request: Request
) -> Response:
    """List the codes of a value set. Use POST for a filter that may be patient data."""
    return await _expand(asked, state, request)


@router.post("/ValueSet/$expand")
async def expand_value_set_posted(body: Posted, state: State, request: Request) -> Response:
    """List the codes of a value set."""
    return await _expand(read_parameters(body, ExpandParams), state, request)


async def _expand(asked: ExpandParams, state: ServiceState, request: Request) -> Response:
    if asked.filter:
        record_of(request).queries.append(asked.filter)
    try:
        return _resource(await expand(state.retriever, state.runner, asked))
    except UnknownCodeError as error:
        raise ProblemError(not_found(error)) from error


@router.get("/CodeSystem/{identifier}")
async def read_code_system(identifier: Annotated[str, Path(examples=[IDENTIFIER])], state: State) -> Response:
    """Return the code system, without its concepts."""
    manifest = state.retriever.manifest
    if identifier != IDENTIFIER:
        raise ProblemError(Problem(404, f"Unknown code system {identifier[:100]!r}; served is {IDENTIFIER}."))
    return _resource(code_system(manifest))


@router.get("/CodeSystem")
async def search_code_systems(
    asked: Annotated[SearchParams, Query()], state: State, request: Request
) -> Response:
    """Find the code system by its address, version or identifier."""
    found = code_system(state.retriever.manifest)
    wanted = {"url": asked.url, "version": asked.version, "id": asked.id}
    fits = all(value is None or found[name] == value for name, value in wanted.items())
    address = f"{str(request.base_url).rstrip('/')}{FHIR_PREFIX}/CodeSystem/{IDENTIFIER}"
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": int(fits)}
    if fits:
        bundle["entry"] = [{"fullUrl": address, "resource": found, "search": {"mode": "match"}}]
    return _resource(bundle)
