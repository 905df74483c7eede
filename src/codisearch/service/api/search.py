"""`/v1/search`, `/v1/batch` and `/v1/suggest`."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from codisearch.errors import InputError
from codisearch.retrieval.answers import Answer
from codisearch.retrieval.queries import SearchOptions
from codisearch.service.api.responses import json_response, problems
from codisearch.service.bodies import StrictRoute
from codisearch.service.inputs import check_characters, read_query
from codisearch.service.limits import Once
from codisearch.service.problems import Problem, ProblemError, of_input, of_validation
from codisearch.service.records import record_of
from codisearch.service.schemas import (
    BatchAnswers,
    BatchItem,
    BatchRequest,
    SearchRequest,
    Suggestions,
    SuggestRequest,
)
from codisearch.service.state import ServiceState, State

router = APIRouter(prefix="/v1", tags=["search"], route_class=StrictRoute)
_ITEM: TypeAdapter[str | BatchItem] = TypeAdapter(str | BatchItem)
_once = [Depends(Once())]


@router.get("/search", response_model=Answer, responses=problems(), dependencies=_once)
async def search(asked: Annotated[SearchRequest, Query()], state: State, request: Request) -> Response:
    """Find the codes of a phrase. Use POST for what may be patient data: it stays out of addresses."""
    return await _search(asked, state, request)


@router.post("/search", response_model=Answer, responses=problems(body=True), dependencies=_once)
async def search_posted(asked: SearchRequest, state: State, request: Request) -> Response:
    """Find the codes of a phrase."""
    return await _search(asked, state, request)


async def _search(asked: SearchRequest, state: ServiceState, request: Request) -> Response:
    query = read_query(asked.query, 1)
    record_of(request).queries.append(query)
    answers = await state.runner.search(state.retriever, [query], asked.options())
    return json_response(answers[0].to_dict())


@router.post("/batch", response_model=BatchAnswers, responses=problems(body=True), dependencies=_once)
async def search_batch(asked: BatchRequest, state: State, request: Request) -> Response:
    """Find the codes of many phrases, each answered or refused in its place."""
    limit, options_of_all = state.settings.max_batch, asked.options()
    if len(asked.queries) > limit:
        detail = f"`queries`: at most {limit} in one request, came {len(asked.queries)}."
        raise ProblemError(Problem(422, detail))
    retriever = state.retriever
    places: dict[SearchOptions, list[int]] = defaultdict(list)
    queries: dict[int, str] = {}
    answers: dict[int, Answer | Problem] = {}
    for place, item in enumerate(asked.queries):
        try:
            queries[place], options = _read_item(item, place + 1, options_of_all)
            places[options].append(place)
        except ProblemError as error:
            answers[place] = error.problem
    record_of(request).queries += queries.values()
    for options, together in places.items():
        found = await state.runner.search(retriever, [queries[place] for place in together], options)
        answers |= zip(together, found, strict=True)
    # Writing many answers takes a while; meanwhile other requests are answered.
    return await asyncio.to_thread(_write_answers, [answers[place] for place in range(len(asked.queries))])


def _write_answers(answers: Sequence[Answer | Problem]) -> Response:
    return json_response(
        {
            "answers": [
                {"error": answer.to_dict()} if isinstance(answer, Problem) else answer.to_dict()
                for answer in answers
            ]
        }
    )


def _read_item(item: object, number: int, options: SearchOptions) -> tuple[str, SearchOptions]:
    """Return the query of an item of a batch, and its options.

    Raises:
        ProblemError: If it cannot be searched.
    """
    if not isinstance(item, str | dict):
        detail = f"Query {number} must be a text or an object with `query`, came {type(item).__name__}."
        raise ProblemError(Problem(422, detail))
    try:
        read = _ITEM.validate_python(item) if isinstance(item, str) else BatchItem.model_validate(item)
        if isinstance(read, str):
            return read_query(read, number), options
        own = options if read.language is None else replace(options, language=read.language)
        return read_query(read.query, number), own
    except ValidationError as error:
        errors = [{**found, "loc": ("queries", number, *found["loc"])} for found in error.errors()]
        raise ProblemError(of_validation(errors, 422)) from error
    except InputError as error:
        raise ProblemError(of_input(error, 422)) from error


@router.get("/suggest", response_model=Suggestions, responses=problems(), dependencies=_once)
async def suggest(asked: Annotated[SuggestRequest, Query()], state: State) -> Response:
    """Complete what is being typed. Use POST for what may be patient data."""
    return await _suggest(asked, state)


@router.post("/suggest", response_model=Suggestions, responses=problems(body=True), dependencies=_once)
async def suggest_posted(asked: SuggestRequest, state: State) -> Response:
    """Complete what is being typed."""
    return await _suggest(asked, state)


async def _suggest(asked: SuggestRequest, state: ServiceState) -> Response:
    check_characters(asked.q)
    found = await state.runner.call(state.retriever.suggest, asked.q, asked.language, asked.top)
    return json_response({"suggestions": [asdict(suggestion) for suggestion in found]})
