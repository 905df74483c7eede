"""`/v1/codes/{code}` and `/v1/info`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

import codisearch
from codisearch.codes import ICD10CM_SYSTEM
from codisearch.errors import UnknownCodeError
from codisearch.languages import LANGUAGE_NAMES
from codisearch.retrieval.answers import CodeCard
from codisearch.retrieval.queries import MAX_CHARACTERS, MAX_TOP
from codisearch.service.api.responses import json_response, problems
from codisearch.service.inputs import LanguageTag
from codisearch.service.limits import Once
from codisearch.service.problems import ProblemError, not_found
from codisearch.service.schemas import Info, LanguageName, Limits
from codisearch.service.state import State

router = APIRouter(prefix="/v1", tags=["codes"])
_once = [Depends(Once())]


@router.get("/codes/{code}", response_model=CodeCard, responses=problems(404), dependencies=_once)
async def read_code(
    code: Annotated[str, Path(description="With or without its dot.", examples=["E11.9", "e119"])],
    state: State,
    language: Annotated[LanguageTag | None, Query(description="Language of the title.")] = None,
) -> Response:
    """Tell all that is known of a code: place in the tree, titles, terms, and what it is confused with."""
    try:
        card = await state.runner.call(state.retriever.lookup, code, language)
    except UnknownCodeError as error:
        raise ProblemError(not_found(error)) from error
    return json_response(card.to_dict())


@router.get("/info", responses=problems())
async def read_info(state: State) -> Info:
    """Tell what is served: release, counts, versions, languages, limits."""
    manifest, settings = state.retriever.manifest, state.settings
    return Info(
        release=manifest.release,
        system=ICD10CM_SYSTEM,
        codes=manifest.codes,
        aliases=manifest.aliases,
        created=manifest.created,
        encoder=manifest.encoder,
        reranker=manifest.reranker,
        version=codisearch.__version__,
        bundle_version=manifest.codisearch,
        languages=[LanguageName(tag=tag, name=name) for tag, name in LANGUAGE_NAMES.items()],
        limits=Limits(
            query_characters=MAX_CHARACTERS,
            top=MAX_TOP,
            batch=settings.max_batch,
            body_bytes=settings.max_body,
            timeout_seconds=settings.timeout,
        ),
    )
