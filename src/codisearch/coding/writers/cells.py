"""The values of a coded row by the names of its columns, as texts or as JSON."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from codisearch.coding.columns import OWN
from codisearch.coding.entries import text_of
from codisearch.coding.rows import Candidate, CodedRow, Entry
from codisearch.errors import InputError

_PATH_END: Final = OWN.index("path") + 1
_FURTHER: Final = ("code", "title", "probability", "billable")


def own_columns(top: int) -> tuple[str, ...]:
    """Return the columns that a coding adds: those of the further codes stand after those of the first."""
    further = [f"{name}_{rank}" for rank in range(2, top + 1) for name in _FURTHER]
    return (*OWN[:_PATH_END], *further, *OWN[_PATH_END:])


def own_values(row: CodedRow) -> dict[str, Any]:
    """Return what a coding adds, without the further codes; None where there is nothing to say."""
    first = row.first
    return {
        "code": first.code if first else None,
        "title": first.title if first else None,
        "probability": first.probability if first else None,
        "known": row.known,
        "billable": first.billable if first else None,
        "alias": (first.alias or None) if first else None,
        "alias_language": (first.alias_language or None) if first else None,
        "alias_source": (first.alias_source or None) if first else None,
        "path": list(first.path) if first else None,
        "release": row.release,
        "status": row.status,
        "note": row.note or None,
        "suggested": row.suggested or None,
        "review": row.review or None,
    }


def further_values(row: CodedRow) -> list[dict[str, Any]]:
    """Return what is said of each further code."""
    return [{name: getattr(one, name) for name in _FURTHER} for one in row.candidates[1:]]


def own_cells(row: CodedRow) -> dict[str, str]:
    """Return the texts of all columns that a coding adds."""
    cells = {name: cell(value) for name, value in own_values(row).items()}
    for rank, values in enumerate(further_values(row), start=2):
        cells |= {f"{name}_{rank}": cell(value) for name, value in values.items()}
    return cells


def cell(value: Any) -> str:  # noqa: ANN401
    """Return a value as a text; a path as `E11 > E11.2`."""
    return " > ".join(value) if isinstance(value, list) else text_of(value)


def matched(candidate: Candidate) -> str:
    """Say which text matched; empty where nobody says."""
    if not candidate.alias:
        return ""
    origin = ", ".join(part for part in (candidate.alias_language, candidate.alias_source) if part)
    return f"matched: {candidate.alias} ({origin})"


def lines(
    rows: Iterable[Mapping[str, str]], columns: Sequence[str], separator: str, *, escape: str | None = None
) -> str:
    """Return the lines of a table; quotes are doubled, or escaped where `escape` says by what."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text,
        columns,
        restval="",
        delimiter=separator,
        doublequote=escape is None,
        escapechar=escape,
        lineterminator="\r\n",  # as in RFC 4180; Python then quotes fields that hold either
    )
    writer.writerows(rows)
    return text.getvalue()


def check_columns(entry: Entry, columns: Sequence[str]) -> None:
    """Raise an error for a row of JSON Lines with a key that the header of a table does not have."""
    surplus = [name for name in entry.kept if name not in columns]
    if surplus:
        raise InputError(
            f"{entry.place}: {', '.join(surplus)} is not in the first row, so the table has no such column; "
            "write --to jsonl, which keeps the keys of each row."
        )
