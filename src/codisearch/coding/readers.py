"""Reads rows one by one from CSV, TSV, XLSX and JSON Lines."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from typing import IO, Any, Final

from codisearch.coding.params import STREAM, InputFormat, ReadParams
from codisearch.coding.rows import InputRow
from codisearch.coding.text_files import decoded_lines, guess_separator, records
from codisearch.coding.workbooks import sheet_rows, stray_cell, to_last_filled
from codisearch.errors import InputError

_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SUFFIXES: Final[dict[str, InputFormat]] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@dataclass(frozen=True)
class Table:
    """An open file of rows.

    Attributes:
        columns: Its columns; of JSON Lines, the keys of the first row.
        rows: Its rows, to be read once.
        separator: What separates the fields; a comma where the format has none.
        guessed: Whether the separator was guessed.
        bom: Whether spreadsheets need a byte order mark to read a CSV file like this one.
    """

    columns: tuple[str, ...]
    rows: Iterator[InputRow]
    separator: str = ","
    guessed: bool = False
    bom: bool = False


def format_of(path: Path) -> InputFormat:
    """Return the format that a file's suffix stands for; standard input is CSV.

    Raises:
        InputError: If it stands for none.
    """
    if path == STREAM:
        return "csv"
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise InputError(
            f"{path} has the suffix {path.suffix!r}, allowed are {', '.join(_SUFFIXES)}; "
            "give --input-format csv, tsv, xlsx or jsonl."
        ) from None


@contextmanager
def open_table(params: ReadParams) -> Iterator[Table]:
    """Open a file of rows.

    Raises:
        InputError: If there is no such file or it is not what its format says; also while rows are read.
    """
    openers: dict[InputFormat, Callable[[IO[bytes], ReadParams], Table]] = {
        "csv": _separated,
        "tsv": _separated,
        "xlsx": _workbook,
        "jsonl": _json_lines,
    }
    if params.path == STREAM:
        if params.format == "xlsx":
            raise InputError("A workbook cannot be read from standard input: give its path.")
        yield openers[params.format](sys.stdin.buffer, params)
        return
    try:
        file = params.path.open("rb")
    except OSError as error:
        raise InputError(f"Cannot read {params.path}: {error.strerror}.") from error
    with file:
        yield openers[params.format](file, params)


def _separated(file: IO[bytes], params: ReadParams) -> Table:
    lines = decoded_lines(file, params)
    first = next(lines, "")
    header_row = params.header_row or 1
    text: Iterator[str] = islice(chain([first.removeprefix("\ufeff")], lines), header_row - 1, None)
    separator: str | None = "\t" if params.format == "tsv" else params.separator
    guessed = separator is None
    if separator is None:
        separator, text = guess_separator(text, params)
    rows = records(text, separator, params.path, first=header_row)
    columns = _header(next(rows, (0, []))[1], params)

    def misfit(fields: Sequence[str]) -> str:
        return (
            f"{len(fields)} fields where the header has {len(columns)}; a field that holds the separator "
            "must stand in double quotes"
        )

    return Table(
        columns=columns,
        rows=_numbered(columns, rows, "line", params.path, misfit),
        separator=separator or ",",
        guessed=guessed and separator != "",
        bom=first[:1] == "\ufeff" or params.encoding != "utf-8",  # the output is UTF-8, which must be said
    )


def _workbook(file: IO[bytes], params: ReadParams) -> Table:
    rows = sheet_rows(file, params)
    if params.header_row is not None:
        rows = islice(rows, params.header_row - 1, None)
    header, names = next((one for one in rows if one[1] or params.header_row is not None), (0, []))
    columns = _header(names, params)

    def misfit(cells: Sequence[str]) -> str:
        return stray_cell(cells, len(columns), header)

    below = to_last_filled(rows, header, len(columns))
    return Table(columns, _numbered(columns, below, "row", params.path, misfit), bom=True)


def _header(names: Sequence[str], params: ReadParams) -> tuple[str, ...]:
    """Return the names of the columns; one without a name, such as an index, is called by its place."""
    path = params.path
    if not any(name.strip() for name in names):
        if params.header_row is not None:
            raise InputError(f"{path}: --header-row {params.header_row} holds no names of columns.")
        raise InputError(f"{path} is empty: expected a first row with the names of the columns.")
    columns = tuple(name.strip() or f"column_{place}" for place, name in enumerate(names, start=1))
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InputError(f"{path} has several columns of the same name: {', '.join(twice)}.")
    return columns


def _numbered(
    columns: tuple[str, ...],
    rows: Iterator[tuple[int, list[str]]],
    unit: str,
    path: Path,
    misfit: Callable[[Sequence[str]], str],
) -> Iterator[InputRow]:
    for number, (place, fields) in enumerate(rows, start=1):
        if len(fields) != len(columns):
            raise InputError(
                f"{path}, {unit} {place}: {misfit(fields)}; if a title stands above the header, say with "
                f"--header-row which {unit} holds the names."
            )
        yield InputRow(number, f"{unit} {place}", dict(zip(columns, fields, strict=True)))


def _json_lines(file: IO[bytes], params: ReadParams) -> Table:
    if params.header_row is not None:
        raise InputError(f"{params.path}: JSON Lines have no header, so there is no --header-row.")
    rows = _json_rows(file, params)
    first = next(rows, None)
    if first is None:
        raise InputError(f"{params.path} is empty: expected a JSON object in each line.")
    return Table(tuple(first.values), chain([first], rows))


def _json_rows(file: IO[bytes], params: ReadParams) -> Iterator[InputRow]:
    number = 0
    for line, text in enumerate(decoded_lines(file, params), start=1):
        if not text.strip("\ufeff \t\r\n"):
            continue
        number += 1
        place = f"line {line}"
        yield InputRow(number, place, _json_object(text.removeprefix("\ufeff"), f"{params.path}, {place}"))


def _json_object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()  # half of a pair stands for no character
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not a JSON object: {error}.") from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a JSON object, came {text[:40]!r}.")
    return value


def _no_number(text: str) -> float:
    """Refuse `NaN` and `Infinity`, which Python reads and writes, and JSON has not."""
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _no_number(text)
