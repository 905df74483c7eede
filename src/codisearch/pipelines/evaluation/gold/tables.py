"""Delimited tables and JSON lines of `query`, `code` and perhaps `language` and `source`."""

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from codisearch.errors import InputError
from codisearch.pipelines.evaluation.gold.rows import MENTION_STYLE, MISFIT, Row, clean

REQUIRED_COLUMNS: Final = ("query", "code")
OPTIONAL_COLUMNS: Final = ("language", "source")
OTHER_SEPARATOR: Final = "row with another separator"
MOST_SOURCES: Final = 12
_DELIMITERS: Final = ("\t", ",", ";", "|")
_NAME: Final = re.compile(r"[\w .-]{1,24}")
_SHOWN: Final = 200
_END: Final = "end of the file"


@dataclass(frozen=True)
class Table:
    """The rows of a table and what became of its column `source`.

    Attributes:
        rows: In the order of the file.
        sources: A sentence for the report.
    """

    rows: list[Row]
    sources: str


def read_table(text: str, name: str) -> Table:
    """Read a delimited table whose first line that is not blank is its header.

    Raises:
        InputError: If a column lacks or a quotation mark is never closed.
    """
    header, delimiter = _read_header(text, name)
    rows = []
    for line, raw, cells in _records(text, delimiter, name):
        if any(cell.strip() for cell in cells):
            rows.append(_row_of_cells(f"line {line}", raw, cells, header, delimiter))
    return _with_styles(rows[1:], "source" in header)


def read_json_lines(text: str, name: str) -> Table:
    """Read a file of one JSON object per line.

    Raises:
        InputError: If a column lacks.
    """
    rows, names = [], dict[str, None]()
    for number, line in enumerate(io.StringIO(text), start=1):
        if line.strip():
            value = _json_object(line)
            names.update(dict.fromkeys(value))
            rows.append(_row(f"line {number}", line, value))
    check_columns(names, name)
    return _with_styles(rows, "source" in names)


def has_columns(text: str) -> bool:
    """Tell whether the first line names the columns of a table."""
    return any(set(REQUIRED_COLUMNS) <= set(names) for names in _headers(_first_line(text)).values())


def check_columns(found: Collection[str], name: str) -> None:
    """Refuse a file without the columns that are needed."""
    if not found:
        raise InputError(
            f"{name} is empty or has no header: expected a table with {', '.join(REQUIRED_COLUMNS)}."
        )
    missing = [column for column in REQUIRED_COLUMNS if column not in found]
    if missing:
        raise InputError(
            f"{name} lacks the column {' and '.join(missing)}: expected {', '.join(REQUIRED_COLUMNS)} and, "
            f"if wanted, {', '.join(OPTIONAL_COLUMNS)}; found {_shown(found)}."
        )


def _shown(columns: Collection[str]) -> str:
    """Return column names; a file without a header has a patient's words there, which are not repeated."""
    names = [name if _NAME.fullmatch(name) else "(a text)" for name in map(clean, columns)]
    return ", ".join(names)[:_SHOWN] or "none"


def _first_line(text: str) -> str:
    return next((line for line in io.StringIO(text, newline="") if line.strip()), "")


def _headers(line: str) -> dict[str, list[str]]:
    """Return the column names that each delimiter gives."""
    try:
        return {mark: _names(next(_reader([line], mark), [])) for mark in _DELIMITERS}
    except csv.Error:  # a cell of more than 128 KiB
        return {mark: [] for mark in _DELIMITERS}


def _names(header: Iterable[str]) -> list[str]:
    """Return column names without case and spacing."""
    return [name.strip().lower() for name in header]


def _read_header(text: str, name: str) -> tuple[list[str], str]:
    """Return the column names and the delimiter that gives them."""
    headers = _headers(_first_line(text))
    delimiter = max(
        _DELIMITERS, key=lambda mark: (set(REQUIRED_COLUMNS) <= set(headers[mark]), len(headers[mark]))
    )
    check_columns([column for column in headers[delimiter] if column], name)
    return headers[delimiter], delimiter


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Return a reader in which quotation marks are text where tabs separate."""
    if delimiter == "\t":
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter)


def _records(text: str, delimiter: str, name: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the line that each record begins in, the record as it stands, and its cells."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in chain(io.StringIO(text, newline=""), (_END,)):
            taken.append(line)
            yield line

    reader, first = _reader(lines(), delimiter), 1
    try:
        for cells in reader:
            if taken[-1] is not _END:
                yield first, "".join(taken), cells
            elif len(taken) > 1:  # an open cell has swallowed the end
                raise InputError(f"{name}, line {first}: a quotation mark opens a cell that is never closed.")
            first += len(taken)
            taken.clear()
    except csv.Error as error:
        raise InputError(f"{name}, line {first}: not a well-formed table ({error}).") from error


def _row_of_cells(place: str, raw: str, cells: list[str], header: list[str], delimiter: str) -> Row:
    """Return a record as a row, read with another separator where only that fits the header."""
    if len(cells) == len(header):
        return _row(place, raw, dict(zip(header, cells, strict=True)))
    for mark in _DELIMITERS:
        others = _cells_of_one(raw, mark)
        if len(others) == len(header):
            row = _row(place, raw, dict(zip(header, others, strict=True)))
            return replace(row, notes=(OTHER_SEPARATOR,))
    if len(cells) > len(header) or len(cells) <= max(map(header.index, REQUIRED_COLUMNS)):
        return Row(place, raw, fault=MISFIT)
    return _row(place, raw, dict(zip(header, cells, strict=False)))  # the last cells may be left out


def _cells_of_one(raw: str, delimiter: str) -> list[str]:
    """Return the cells that a delimiter gives; none where it does not give exactly one record."""
    try:
        records = list(_reader(io.StringIO(raw, newline=""), delimiter))
    except csv.Error:
        return []
    return records[0] if len(records) == 1 else []


def _json_object(line: str) -> dict[str, Any]:
    """Return the object of a line by column, empty if the line holds none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return dict(zip(_names(value), value.values(), strict=True)) if isinstance(value, dict) else {}


def _row(place: str, raw: str, cells: Mapping[str, Any]) -> Row:
    """Return named cells as a row whose style is its source."""
    if not cells:
        return Row(place, raw, fault=MISFIT)
    query, code, language, source = map(cells.get, (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS))
    codes = code if isinstance(code, list) else [code]
    return Row(
        place,
        raw,
        query=clean(query),
        code=" ".join(filter(None, map(clean, codes))),
        language=clean(language),
        style=clean(source),
    )


def _with_styles(rows: list[Row], has_sources: bool) -> Table:
    """Return the rows with their source as style, unless the file has none or too many."""
    sources = {row.style for row in rows if row.style and not row.fault}
    if has_sources and len(sources) <= MOST_SOURCES:
        shown = [replace(row, style=row.style or MENTION_STYLE) for row in rows]
        return Table(shown, f"used as style, {len(sources)} different")
    missing = f"not used as style: {len(sources)} different, at most {MOST_SOURCES} can be shown"
    return Table([replace(row, style=MENTION_STYLE) for row in rows], missing if has_sources else "none")
