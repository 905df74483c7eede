"""Queries: what may be searched for, and where."""

import re
from dataclasses import dataclass, replace
from typing import Final, TypedDict

from codisearch.chapters import check_chapter
from codisearch.codes import normalise_code
from codisearch.errors import InputError
from codisearch.languages import check_language

MAX_TOP: Final = 100
MIN_PRECISION: Final = 0.5
MAX_PRECISION: Final = 0.99
MAX_CHARACTERS: Final = 2_000
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # what Python makes of arguments that are not UTF-8


class SearchKeywords(TypedDict, total=False):
    """What `Retriever.search` takes by name alone."""

    billable_only: bool
    chapter: str | None
    under: str | None
    rerank: bool
    grouped: bool
    precision: float | None
    display_language: str | None


@dataclass(frozen=True)
class SearchOptions:
    """How to search; see `Retriever.search`."""

    language: str | None = None
    top: int = 10
    billable_only: bool = False
    chapter: str | None = None
    under: str | None = None
    rerank: bool = True
    grouped: bool = False
    precision: float | None = None
    display_language: str | None = None

    def checked(self) -> "SearchOptions":
        """Return the options in their normal form: chapter in two digits, code dotted.

        Raises:
            InputError: If one of them is not allowed.
        """
        for language in (self.language, self.display_language):
            if language is not None:
                check_language(language)
        if not 1 <= self.top <= MAX_TOP:
            raise InputError(f"`top` must be between 1 and {MAX_TOP}, came {self.top}.")
        if self.precision is not None:
            check_precision(self.precision)
        return replace(
            self,
            chapter=None if self.chapter is None else check_chapter(self.chapter),
            under=None if self.under is None else normalise_code(self.under.strip().rstrip(".-")),
            display_language=self.display_language or self.language,
        )


def check_query(text: str, number: int = 1) -> str:
    """Return a query with every run of white space as one blank.

    Args:
        text: The query.
        number: Its place among all, from 1, for the message.

    Raises:
        InputError: If it is empty, too long or not UTF-8.
    """
    squeezed = " ".join(text.split())
    if _SURROGATE.search(squeezed):
        raise InputError(f"Query {number} holds bytes that are not UTF-8: {text!a}; expected UTF-8 text.")
    if not any(letter.isalpha() for letter in squeezed):
        raise InputError(f"Query {number} is empty: expected a clinical phrase with letters, came {text!r}.")
    if len(squeezed) > MAX_CHARACTERS:
        raise InputError(
            f"Query {number} has {len(squeezed)} characters; at most {MAX_CHARACTERS} are allowed. "
            "Search one diagnosis at a time."
        )
    return squeezed


def check_precision(value: float) -> float:
    """Return a precision that can be asked for.

    Raises:
        InputError: If it is not between 0.5 and 0.99.
    """
    if not MIN_PRECISION <= value <= MAX_PRECISION:
        raise InputError(f"`precision` must be between {MIN_PRECISION} and {MAX_PRECISION}, came {value}.")
    return value
