"""What the model is to answer, and how it is read: item by item, so that a bad one costs itself alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from codisearch.codes import Qualifier
from codisearch.generators.contract import Answer, clean
from codisearch.languages import STYLES, Style

ContentFault = Literal["", "empty", "truncated", "invalid_json", "wrong_shape", "safety_block"]
"""Why an answer is of no use as a whole; empty if it is of use."""
RETRIED: Final[frozenset[ContentFault]] = frozenset({"empty", "truncated", "invalid_json", "wrong_shape"})
"""Those that a second answer may not have; a safety block comes again."""


_LONGEST: Final = 200


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class WrongCode(_Item):
    """A plausible wrong code."""

    code: str = Field(description="The wrong ICD-10-CM code, with its dot.")
    qualifier: Qualifier = Field(description="What differs from the right code.")
    difference: str = Field(min_length=1, description="How it differs, in 3 to 12 English words.")


class WrittenQuery(_Item):
    """A query."""

    style: Style
    query: str = Field(min_length=1)
    noise: Literal["none", "accents", "typo"] = (
        "none"  # the service refuses an empty string among the choices
    )


class Written(_Item):
    """The answer to a request for queries; confusable codes come first, for the queries to avoid them."""

    confusables: list[WrongCode]
    queries: list[WrittenQuery]


class BlindCode(_Item):
    """The code that a reader gives a query."""

    number: int
    code: str = Field(min_length=1)


class BlindCodes(_Item):
    """The answer to a request for blind codes."""

    answers: list[BlindCode]


Item = TypeVar("Item", bound=_Item)


@dataclass(frozen=True)
class Malformed:
    """An item that does not have its form.

    Attributes:
        text: The item as it came.
        style: The style that it names, if it names one that there is.
        problem: What is wrong with it.
    """

    text: str
    style: str
    problem: str


@dataclass(frozen=True)
class ReadQueries:
    """An answer to a request for queries.

    Attributes:
        fault: Why it is of no use; then there are no items.
        detail: The same in words.
        queries: The queries, in their order, or what came in their place.
        confusables: The confusable codes, likewise.
    """

    fault: ContentFault
    detail: str = ""
    queries: tuple[WrittenQuery | Malformed, ...] = ()
    confusables: tuple[WrongCode | Malformed, ...] = ()


def schema_of(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of an answer; every field is required, as OpenAI's strict mode wants it."""
    schema = kind.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        part["required"] = list(part["properties"])
        for field in part["properties"].values():
            field.pop("default", None)
            field.pop("minLength", None)
    return schema


def read_queries(answer: Answer) -> ReadQueries:
    """Return what an answer to a request for queries holds."""
    fault, detail, content = _read(answer, ("queries",))
    if fault:
        return ReadQueries(fault, detail)
    return ReadQueries(
        "",
        queries=tuple(_items(content["queries"], WrittenQuery)),
        confusables=tuple(_items(content.get("confusables", []), WrongCode)),
    )


def read_blind_codes(answer: Answer) -> tuple[ContentFault, dict[int, str]]:
    """Return the codes that a reader gave, by the number of the query; the first one counts."""
    fault, _, content = _read(answer, ("answers",))
    codes: dict[int, str] = {}
    for item in _items(content.get("answers", []), BlindCode):
        if isinstance(item, BlindCode):
            codes.setdefault(item.number, item.code)
    return fault, codes


def _read(answer: Answer, lists: Sequence[str]) -> tuple[ContentFault, str, dict[str, Any]]:
    if answer.finish == "safety":
        return "safety_block", answer.detail, {}
    if answer.finish == "length":
        return "truncated", f"{answer.detail} after {len(answer.text)} characters", {}
    if not answer.text.strip():
        return "empty", answer.detail, {}
    try:
        content = json.loads(answer.text)
    except (ValueError, RecursionError) as error:
        return "invalid_json", str(error), {}
    if not isinstance(content, dict) or not all(isinstance(content.get(name), list) for name in lists):
        return "wrong_shape", f"expected an object with lists {', '.join(lists)}: {answer.text[:80]}", {}
    return "", "", content


def _items(raw: object, kind: type[Item]) -> list[Item | Malformed]:
    items: list[Item | Malformed] = []
    for one in raw if isinstance(raw, list) else []:
        try:
            items.append(kind.model_validate(one))
        except ValidationError as error:
            told = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            style = str(one.get("style")) if isinstance(one, dict) else ""
            known = style if style in STYLES else ""
            text = json.dumps(one, ensure_ascii=False)[:_LONGEST]
            items.append(Malformed(clean(text), known, clean("; ".join(told))))
    return items
