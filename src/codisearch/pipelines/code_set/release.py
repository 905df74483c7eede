"""A release as its source gives it, and the table that is made of it."""

import logging
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import pandas as pd

from codisearch.codes import CATEGORY_LENGTH, CODE_PATTERN, category_of
from codisearch.errors import InputError

logger = logging.getLogger(__name__)

_CODE: Final = re.compile(CODE_PATTERN)


@dataclass(frozen=True)
class Entry:
    """One code of a release.

    Attributes:
        code: The dotted code.
        title: Its full official title.
        chapter: Number of its chapter in two digits (`09`), so that chapters sort.
        billable: Whether it can be billed, that is, has no code below it.
        terms: Its own inclusion terms and includes; those of the codes above it are not repeated.
        excludes: What it does not include (both kinds), likewise.
    """

    code: str
    title: str
    chapter: str
    billable: bool
    terms: tuple[str, ...]
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """All codes of one release, with its label."""

    label: str
    entries: tuple[Entry, ...]


def chapter_label(number: str) -> str:
    """Return a chapter's number in two digits: `9` becomes `09`."""
    return number.strip().zfill(2)


def squeeze(text: str) -> str:
    """Return `text` with every run of white space as one blank."""
    return " ".join(text.split())


def unique_terms(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the terms squeezed, each once whatever its case, without empty ones, in their order."""
    found: dict[str, str] = {}
    for term in map(squeeze, terms):
        if term:
            found.setdefault(term.casefold(), term)
    return tuple(found.values())


def parent_of(code: str, codes: Container[str]) -> str:
    """Return the longest of `codes` that `code` begins with and is longer than, or an empty string.

    This also jumps over the placeholder X of codes whose shorter forms do not exist: the parent of `W01.0XXA`
    is `W01.0`.
    """
    for end in range(len(code) - 1, CATEGORY_LENGTH - 1, -1):
        prefix = code[:end].removesuffix(".")
        if prefix in codes:
            return prefix
    return ""


def frame_of(release: Release) -> pd.DataFrame:
    """Return the code set of a release, in code order, with the columns of `schemas.CODE_SET`.

    Codes of another form than `codes.CODE_PATTERN` are left out and counted in a warning.

    Raises:
        InputError: If a code stands twice or without its category.
    """
    entries = sorted(filter(_well_formed, release.entries), key=lambda entry: entry.code)
    if len(entries) < len(release.entries):
        odd = sorted({entry.code for entry in release.entries if not _well_formed(entry)})
        logger.warning("%s: codes of another form are left out: %s.", release.label, _some(odd))
    codes = {entry.code for entry in entries}
    _check(entries, codes, release.label)
    text = {
        "code": [entry.code for entry in entries],
        "title": [entry.title for entry in entries],
        "category": [category_of(entry.code) for entry in entries],
        "chapter": [entry.chapter for entry in entries],
        "parent": [parent_of(entry.code, codes) for entry in entries],
    }
    return pd.DataFrame(text, dtype="str").assign(
        billable=pd.Series([entry.billable for entry in entries], dtype=bool),
        inclusion_terms=pd.Series([list(entry.terms) for entry in entries], dtype=object),
        release=pd.Series([release.label] * len(entries), dtype="str"),
    )


def notes_of(release: Release) -> pd.DataFrame:
    """Return what the codes of a release exclude, in code order (`schemas.CODE_NOTES`)."""
    noted = {entry.code: list(entry.excludes) for entry in release.entries if entry.excludes}
    codes = sorted(code for code in noted if _CODE.match(code))
    return pd.DataFrame({"code": codes}, dtype="str").assign(
        excludes=pd.Series([noted[code] for code in codes], dtype=object)
    )


def _well_formed(entry: Entry) -> bool:
    return _CODE.match(entry.code) is not None


def _check(entries: list[Entry], codes: set[str], label: str) -> None:
    repeated = [first.code for first, second in pairwise(entries) if first.code == second.code]
    if repeated:
        raise InputError(f"{label} must hold each code once; repeated are {_some(repeated)}.")
    orphans = [entry.code for entry in entries if category_of(entry.code) not in codes]
    if orphans:
        raise InputError(
            f"{label} must hold the category of every code; without theirs are {_some(orphans)}."
        )


def _some(codes: list[str]) -> str:
    return f"{len(codes)} codes, such as {', '.join(codes[:5])}"
