"""Rows become mentions: judged, gathered by query, and counted where they cannot be used."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from codisearch.codes import normalise_code
from codisearch.errors import InputError
from codisearch.languages import Language, check_language
from codisearch.pipelines.evaluation.gold.rows import Row

EMPTY: Final = "empty query"
NO_LANGUAGE: Final = "unknown language"
MALFORMED: Final = "malformed code"
UNKNOWN: Final = "code not in the code set"
LACKED: Final = "code of the gold's own list that the code set lacks"
ON_NEITHER: Final = "unknown code: neither in the code set nor on the gold's own list"
SOME_UNKNOWN: Final = "row with further codes that the code set lacks"
PLACEHOLDER: Final = "code with an X at its end that the code set does not have"
SEVERAL_SPLITS: Final = "query that several splits have"
EMPTY_CODE: Final = "empty code"
_MERGED: Final = "row of a query that an earlier row has"
HEADER: Final = "header codes"
BILLABLE: Final = "billable codes"
SHORT: Final = "codes without their seventh character"
_EXAMPLES: Final = 3
_SIX_CHARACTERS: Final = 7  # with the dot; what is longer differs in the seventh alone
_SEPARATORS: Final = re.compile(r"[\s;|,]+")
_MARKS: Final = "-+*†‡!. "  # of ICD-10: "any further character", dagger and asterisk


@dataclass(frozen=True)
class Gold:
    """Real mentions as test queries, and what of the file could not be used.

    Attributes:
        queries: Frame of `schemas.QUERIES`.
        rows: How many rows the file has.
        skipped: Reason -> how many rows were skipped for it.
        notes: What is worth knowing of rows that were used -> how many.
        examples: Reason or note -> up to three rows, with their line numbers.
        kinds: Kind of code -> how many of the queries' codes are of it.
        origin: The file's name, SHA-256 and the like.
    """

    queries: pd.DataFrame
    rows: int
    skipped: dict[str, int]
    notes: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """Return all that a report says of the file; parts that are empty are left out but `left out`.

        Of rows that could not be used it has the lines, not the text: that may be a patient's.
        """
        merged = self.rows - sum(self.skipped.values()) - len(self.queries)
        repeats = {_MERGED: merged} if merged > 0 else {}
        parts = {
            "notes": {**self.notes, **repeats},
            "kinds of codes": self.kinds,
            "queries by style": self.queries["style"].value_counts(sort=False).to_dict(),
            "queries by language": self.queries["language"].value_counts(sort=False).to_dict(),
            "where to look": {
                reason: [text.split(": ", 1)[0] for text in texts] for reason, texts in self.examples.items()
            },
        }
        return {
            **self.origin,
            "rows": self.rows,
            "queries": len(self.queries),
            "left out": dict(self.skipped),
            **{name: part for name, part in parts.items() if part},
        }


@dataclass(frozen=True)
class SortedCodes:
    """Codes in order, so that a code without its last characters finds the longer ones."""

    codes: list[str]

    @classmethod
    def of(cls, codes: Iterable[str]) -> "SortedCodes":
        """Sort `codes`."""
        return cls(sorted(set(codes)))

    def answers(self, code: str) -> bool:
        """Tell whether `code` is one of the codes or the beginning of one."""
        place = bisect_left(self.codes, code)
        return place < len(self.codes) and self.codes[place].startswith(code)

    def kind_of(self, code: str) -> str:
        """Return the kind of a code that is one of these or the beginning of one."""
        place = bisect_right(self.codes, code)
        if place == 0 or self.codes[place - 1] != code:
            return SHORT
        if place == len(self.codes) or not self.codes[place].startswith(code):
            return BILLABLE
        return SHORT if len(code) == _SIX_CHARACTERS else HEADER


@dataclass
class _Mention:
    """One query with the codes gathered for it so far."""

    query: str
    language: Language
    style: str
    codes: dict[str, None] = field(default_factory=dict)


@dataclass
class Collector:
    """Gathers rows into mentions and counts those that it cannot use.

    Attributes:
        known: The codes of the code set.
        own_codes: The codes that the gold's own list allows; None: it has none.
        fallback: The language of rows that do not name theirs.
    """

    known: SortedCodes
    own_codes: SortedCodes | None
    fallback: Language
    rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    mentions: dict[tuple[str, str, str], _Mention] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Add a row to its mention, or count why it cannot be used."""
        self.rows += 1
        language = self._language_of(row)
        codes = _codes_of(row.code)
        found = {code: self._known_form(code) for code in codes}
        usable = [form for form in found.values() if form]
        fault = row.fault or _first(
            {
                EMPTY: not row.query,
                NO_LANGUAGE: language is None,
                EMPTY_CODE: not row.code,
                MALFORMED: not codes,
                self._why_unknown(codes): not usable,
            }
        )
        if fault or language is None:
            self._count(self.skipped, fault, row)
            return
        key = (row.group, language, row.query.casefold())
        mention = self.mentions.setdefault(key, _Mention(row.query, language, row.style))
        mention.codes.update(dict.fromkeys(usable))
        self._count_notes(row, found)

    def _language_of(self, row: Row) -> Language | None:
        """Return the language of a row, `es-ES` being `es`; None if it is not one of the six."""
        tag = row.language.lower().replace("_", "-").partition("-")[0]
        try:
            return check_language(tag) if row.language else self.fallback
        except InputError:
            return None

    def _known_form(self, code: str) -> str | None:
        """Return the code as the code set has it or begins it, without an X that it does not have.

        Some releases of ICD-10 fill short codes up: `I10X` is `I10`, `S52.501X` is `S52.501`.
        """
        bare = code.rstrip("X").rstrip(".")
        return next((form for form in (code, bare) if form[2:] and self.known.answers(form)), None)

    def _why_unknown(self, codes: list[str]) -> str:
        """Return the reason for a row without a code that the code set has."""
        if self.own_codes is None:
            return UNKNOWN
        return LACKED if any(map(self.own_codes.answers, codes)) else ON_NEITHER

    def _count_notes(self, row: Row, found: Mapping[str, str | None]) -> None:
        """Count what is worth knowing of a row that is used."""
        notes = list(row.notes)
        if not all(found.values()):
            notes.append(SOME_UNKNOWN)
        if any(form and form != code for code, form in found.items()):
            notes.append(PLACEHOLDER)
        for note in notes:
            self._count(self.notes, note, row)
        if not row.language:
            self.notes[f"row without a language, read as {self.fallback}"] += 1

    def _count(self, counter: Counter[str], reason: str, row: Row) -> None:
        counter[reason] += 1
        if counter[reason] <= _EXAMPLES:
            self.examples.setdefault(reason, []).append(row.example)

    def as_gold(self, training: SortedCodes, origin: dict[str, Any]) -> Gold:
        """Return what was gathered; a query is seen if `training` answers one of its codes."""
        queries = [
            {
                "query_id": f"gold-{number:04d}",
                "query": mention.query,
                "language": mention.language,
                "style": mention.style,
                "seen": any(map(training.answers, mention.codes)),
                "codes": list(mention.codes),
            }
            for number, mention in enumerate(self.mentions.values(), start=1)
        ]
        repeated = sum(count > 1 for count in Counter(key[1:] for key in self.mentions).values())
        notes = self.notes + Counter({SEVERAL_SPLITS: repeated})  # a sum leaves zeros out
        kinds = Counter(
            self.known.kind_of(code) for mention in self.mentions.values() for code in mention.codes
        )
        return Gold(
            pd.DataFrame(queries),
            self.rows,
            skipped=dict(self.skipped.most_common()),
            notes=dict(notes.most_common()),
            examples=self.examples,
            kinds=dict(kinds.most_common()),
            origin=origin,
        )


def _first(reasons: Mapping[str, bool]) -> str:
    """Return the first reason that holds, or nothing."""
    return next((reason for reason, holds in reasons.items() if holds), "")


def _codes_of(cell: str) -> list[str]:
    """Return the codes of a cell, normalised: one, or several if each part has the form of one."""
    try:
        return [normalise_code(cell.rstrip(_MARKS))]
    except InputError:
        parts = [part.rstrip(_MARKS) for part in _SEPARATORS.split(cell) if part]
    if not all(part[1:2].isdigit() for part in parts):  # short words have the form of a code as well
        return []
    try:
        return [normalise_code(part) for part in parts]
    except InputError:
        return []
