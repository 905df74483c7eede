"""Makes entries of rows: what each column of a row means, checked."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from codisearch.coding.columns import Columns
from codisearch.coding.formulas import unguarded
from codisearch.coding.rows import (
    REJECTED,
    REVIEWS,
    Earlier,
    Entry,
    InputRow,
    Review,
    normalise_if_code,
    squeeze,
)
from codisearch.errors import InputError
from codisearch.retrieval.queries import check_query

_REJECTED: Final = re.compile(rf"{REJECTED}([A-Z0-9., ]+)")
_SHOWN: Final = 40
_NO: Final = frozenset({"false", "falso", "fals", "faux", "no", "0"})  # as spreadsheets write it
_YES: Final = frozenset({"true", "verdadero", "cert", "vero", "verdadeiro", "vrai", "yes", "1"})


def read_entry(row: InputRow, columns: Columns) -> Entry:
    """Return a row as it is understood.

    Raises:
        InputError: If its review or frequency is none, or it is approved without a code.
    """
    return Entry(
        number=row.number,
        place=row.place,
        phrase=text_of(row.values.get(columns.phrase)),
        identifier=_value(row, columns.identifier),
        language=_value(row, columns.language),
        frequency=_frequency(row, columns.frequency),
        kept={new: row.values[name] for name, new in columns.output_names(row.values).items()},
        earlier=_earlier(row) if columns.reviewed else None,
    )


def text_of(value: Any) -> str:  # noqa: ANN401
    """Return a value as a text: JSON for what is none, nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def check_phrase(entry: Entry) -> str:
    """Return the phrase of a row as it can be searched.

    Raises:
        InputError: If it is empty, too long, or no words: a number, a date, a truth.
    """
    phrase = squeeze(entry.phrase)
    if not phrase:
        raise InputError(f"{entry.place}: the phrase is empty.")
    if not any(letter.isalpha() for letter in phrase):
        raise InputError(f"{entry.place}: the phrase has no letters: {phrase[:_SHOWN]!r}.")
    if phrase.lower() in _YES | _NO:
        raise InputError(f"{entry.place}: the phrase is a yes or no, not words: {phrase!r}.")
    try:
        return check_query(phrase, entry.number)
    except InputError as error:  # it counts queries; a person looks for the place in the file
        problem = str(error).removeprefix(f"Query {entry.number} ")
        raise InputError(f"{entry.place}: the phrase {problem}") from error


def _value(row: InputRow, column: str | None) -> str:
    return "" if column is None else text_of(row.values.get(column)).strip()


def _frequency(row: InputRow, column: str | None) -> int:
    value = _value(row, column) or "1"
    if not value.isdecimal():
        raise InputError(f"{row.place}: the frequency must be a whole number, came {value!r}.")
    return int(value)


def _earlier(row: InputRow) -> Earlier:
    review, text = _review(row), text_of(row.values.get("code"))
    code = normalise_if_code(text) or ""
    if review == "approved" and not code:
        raise InputError(
            f"{row.place}: approved with the code {text!r}; expected one of the form I10, E11.9 or S52.501A."
        )
    values = {name: unguarded(text_of(value)) for name, value in row.values.items()}
    return Earlier(
        review=review,
        code=code,
        title=squeeze(values.get("title", "")),
        billable=_flag(values, "billable"),
        probability=_number(values, "probability"),
        known=_flag(values, "known"),
        alias=values.get("alias", ""),
        alias_language=values.get("alias_language", ""),
        alias_source=values.get("alias_source", ""),
        suggested=normalise_if_code(values.get("suggested", "")) or "",
        rejected=_rejected(
            values.get("note", ""),
            code if review == "rejected" else "",
            code if review == "approved" else "",
        ),
    )


def _review(row: InputRow) -> Review:
    value = text_of(row.values.get("review"))
    for review in REVIEWS:
        if value.strip().lower() == review:
            return review
    raise InputError(f"{row.place}: the review must be approved, rejected or empty, came {value!r}.")


def _rejected(note: str, code: str, approved: str) -> tuple[str, ...]:
    """Return the rejected codes: those that the note remembers, and the one rejected now."""
    found = _REJECTED.search(note)
    before = [normalise_if_code(part) for part in found[1].split(",")] if found else []
    return tuple(dict.fromkeys(one for one in (*before, code) if one and one != approved))


def _flag(values: Mapping[str, str], name: str) -> bool | None:
    value = values.get(name, "").strip().lower()
    return True if value in _YES else False if value in _NO else None


def _number(values: Mapping[str, str], name: str) -> float | None:
    try:
        return float(values.get(name, "").replace(",", "."))
    except ValueError:
        return None
