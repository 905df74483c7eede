"""The routes under `/fhir`."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from codisearch.errors import InputError, UnknownCodeError
from codisearch.retrieval.answers import CodeCard
from codisearch.service.bodies import StrictRoute
from codisearch.service.fhir.code_system import (
    IDENTIFIER,
    check_system,
    check_version,
    code_system,
    looked_up,
    subsumed,
    validated,
)
from codisearch.service.fhir.metadata import capability_statement, terminology_capabilities
from codisearch.service.fhir.outcomes import FHIR_PREFIX
from codisearch.service.fhir.parameters import (
    ExpandParams,
    LookupParams,
    MemberParams,
    Operation,
    SearchParams,
    SubsumesParams,
    ValidateParams,
)
from codisearch.service.fhir.posted import read_parameters
from codisearch.service.fhir.routing import ANSWERS, Posted, check_format, known, resource, wishes
from codisearch.service.fhir.value_set import expand, within
from codisearch.service.inputs import preferred_language
from codisearch.service.problems import Problem, ProblemError, not_found
from codisearch.service.records import record_of
from codisearch.service.state import ServiceState, State

router = APIRouter(
    prefix=FHIR_PREFIX,
    tags=["FHIR R4"],
    dependencies=[Depends(check_format)],
    responses=ANSWERS,
    default_response_class=Response,
    route_class=StrictRoute,
)


class MetadataParams(Operation):
    """Parameters of the capabilities."""

    mode: Literal["full", "normative", "terminology"] = "full"


@router.get("/metadata", dependencies=known(MetadataParams))
async def read_metadata(asked: Annotated[MetadataParams, Query()], state: State) -> Response:
    """State what the server can do: CapabilityStatement, or TerminologyCapabilities by `mode=terminology`."""
    state_of = terminology_capabilities if asked.mode == "terminology" else capability_statement
    return resource(state_of(state.retriever.manifest))


@router.get("/CodeSystem/$lookup", dependencies=known(LookupParams, "property"))
async def lookup(asked: Annotated[LookupParams, Query()], state: State, request: Request) -> Response:
    """Tell what is known of a code."""
    return await _lookup(asked, state, request)


@router.post("/CodeSystem/$lookup")
async def lookup_posted(body: Posted, state: State, request: Request) -> Response:
    """Tell what is known of a code or coding."""
    return await _lookup(read_parameters(body, LookupParams, request), state, request)


async def _lookup(asked: LookupParams, state: ServiceState, request: Request) -> Response:
    retriever = state.retriever
    check_system(asked.system, asked.version, retriever.manifest)
    language = preferred_language(wishes(asked, request))
    try:
        card = await state.runner.call(partial(retriever.lookup, exact=True), asked.code, language)
    except UnknownCodeError as error:
        raise ProblemError(not_found(error)) from error
    return resource(looked_up(card, asked, retriever.manifest))


@router.get("/CodeSystem/$validate-code", dependencies=known(ValidateParams))
async def validate_code(
    asked: Annotated[ValidateParams, Query()], state: State, request: Request
) -> Response:
    """Tell whether a code exists, and whether a display is one of its titles."""
    return await _validate(asked, state, request)


@router.post("/CodeSystem/$validate-code")
async def validate_code_posted(body: Posted, state: State, request: Request) -> Response:
    """Tell whether a code or coding exists, and whether its display is one of its titles."""
    return await _validate(read_parameters(body, ValidateParams, request), state, request)


async def _validate(asked: ValidateParams, state: ServiceState, request: Request) -> Response:
    retriever = state.retriever
    if None not in {asked.url, asked.system} and asked.url != asked.system:
        raise ProblemError(Problem(400, "`url` and the coding's `system` differ; give one, or the same."))
    check_system(asked.url or asked.system, asked.version, retriever.manifest)
    return resource(validated(await _find(asked, state, request), asked))


async def _find(
    asked: ValidateParams | MemberParams, state: ServiceState, request: Request
) -> CodeCard | InputError:
    """Return what is known of a code, or why nothing is."""
    language = preferred_language(wishes(asked, request))
    try:
        return await state.runner.call(partial(state.retriever.lookup, exact=True), asked.code, language)
    except InputError as error:
        return error


@router.get("/CodeSystem/$subsumes", dependencies=known(SubsumesParams))
async def subsumes(asked: Annotated[SubsumesParams, Query()], state: State) -> Response:
    """Tell whether one of two codes is above the other in the tree."""
    return _subsumes(asked, state)


@router.post("/CodeSystem/$subsumes")
async def subsumes_posted(body: Posted, state: State, request: Request) -> Response:
    """Tell whether one of two codes or codings is above the other in the tree."""
    return _subsumes(read_parameters(body, SubsumesParams, request), state)


def _subsumes(asked: SubsumesParams, state: ServiceState) -> Response:
    retriever = state.retriever
    check_system(asked.system, asked.version, retriever.manifest)
    try:
        return resource(subsumed(retriever.codebook, asked))
    except UnknownCodeError as error:
        raise ProblemError(not_found(error)) from error


@router.get("/ValueSet/$validate-code", dependencies=known(MemberParams))
async def validate_member(
    asked: Annotated[MemberParams, Query()], state: State, request: Request
) -> Response:
    """Tell whether a code is in a value set, and whether a display is one of its titles."""
    return await _validate_member(asked, state, request)


@router.post("/ValueSet/$validate-code")
async def validate_member_posted(body: Posted, state: State, request: Request) -> Response:
    """Tell whether a code or coding is in a value set, and whether its display is one of its titles."""
    return await _validate_member(read_parameters(body, MemberParams, request), state, request)


async def _validate_member(asked: MemberParams, state: ServiceState, request: Request) -> Response:
    retriever = state.retriever
    check_system(asked.system, asked.systemVersion or asked.version, retriever.manifest)
    check_version(asked.valueSetVersion, retriever.manifest)
    found = await _find(asked, state, request)
    try:
        return resource(validated(within(retriever.codebook, asked.url, found), asked))
    except UnknownCodeError as error:
        raise ProblemError(not_found(error)) from error


@router.get("/ValueSet/$expand", dependencies=known(ExpandParams))
async def expand_value_set(
    asked: Annotated[ExpandParams, Query()], state: State, request: Request
) -> Response:
    """List the codes of a value set. Use POST for a filter that may be patient data."""
    return await _expand(asked, state, request)


@router.post("/ValueSet/$expand")
async def expand_value_set_posted(body: Posted, state: State, request: Request) -> Response:
    """List the codes of a value set."""
    return await _expand(read_parameters(body, ExpandParams, request), state, request)


async def _expand(asked: ExpandParams, state: ServiceState, request: Request) -> Response:
    if asked.filter:
        record_of(request).queries.append(asked.filter)
    check_version(asked.valueSetVersion, state.retriever.manifest)
    asked = asked.model_copy(update={"displayLanguage": wishes(asked, request)})
    try:
        return resource(await expand(state.retriever, state.runner, asked))
    except UnknownCodeError as error:
        raise ProblemError(not_found(error)) from error


@router.get("/CodeSystem/{identifier}", dependencies=known(Operation))
async def read_code_system(identifier: Annotated[str, Path(examples=[IDENTIFIER])], state: State) -> Response:
    """Return the code system, without its concepts."""
    manifest = state.retriever.manifest
    if identifier != IDENTIFIER:
        raise ProblemError(Problem(404, f"Unknown code system {identifier[:100]!r}; served is {IDENTIFIER}."))
    return resource(code_system(manifest))


@router.get("/CodeSystem", dependencies=known(SearchParams))
async def search_code_systems(
    asked: Annotated[SearchParams, Query()], state: State, request: Request
) -> Response:
    """Find the code system by its address, version or identifier."""
    found = code_system(state.retriever.manifest)
    wanted = {"url": asked.url, "version": asked.version, "id": asked.id}
    fits = all(value is None or found[name] == value for name, value in wanted.items())
    fits &= found["name"].casefold().startswith((asked.name or "").casefold())
    address = f"{str(request.base_url).rstrip('/')}{FHIR_PREFIX}/CodeSystem/{IDENTIFIER}"
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": int(fits)}
    if fits and asked.count != 0:
        bundle["entry"] = [{"fullUrl": address, "resource": found, "search": {"mode": "match"}}]
    return resource(bundle)
