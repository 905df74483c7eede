"""What clients send, as search takes it: language tags of any length, queries without control characters."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

from codisearch.errors import InputError
from codisearch.languages import Language, language_of_tag
from codisearch.retrieval.queries import check_query

# White space is not among them: it is squeezed.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_QUALITY: Final = re.compile(r"\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*")


def _served_language(tag: str) -> Language | None:
    """Return the language of a tag; None if it is none of the six, which is no error here."""
    try:
        return language_of_tag(tag)
    except InputError:
        return None


def preferred_language(tags: str | None) -> Language | None:
    """Return the best liked of the six languages in a list such as the header Accept-Language is."""
    weighted = []
    for wish in (tags or "").split(","):
        tag, _, parameters = wish.partition(";")
        quality = _QUALITY.fullmatch(parameters or "q=1")
        weight = float(quality.group(1)) if quality else 0.0
        if weight and (language := _served_language(tag)):
            weighted.append((weight, language))
    return max(weighted, key=lambda one: one[0])[1] if weighted else None


def _shortened(tag: object) -> object:
    return (_served_language(tag) or tag) if isinstance(tag, str) else tag


LanguageTag = Annotated[Language, BeforeValidator(_shortened)]
"""A language as a parameter of a request: `CA` and `ca-ES` are `ca`."""


def read_query(text: str, number: int = 1) -> str:
    """Return a query as `check_query` does.

    Raises:
        InputError: If it holds control characters, or cannot be searched.
    """
    check_characters(text, number)
    return check_query(text, number)


def check_characters(text: str, number: int = 1) -> None:
    """Refuse a text with control characters; white space is none.

    Raises:
        InputError: If it holds one.
    """
    if found := _CONTROL.search(text):
        raise InputError(f"Query {number} holds a control character, {found.group()!a}; expected text.")
