"""The rows of corpus files, and the rules for them.

Every rule that is broken becomes a `Problem`, so that one message can name them all.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codisearch.codes import CODE_PATTERN
from codisearch.languages import LANGUAGES, NOISES, STYLES
from codisearch.schemas import RAW_PAIRS

COLUMNS: Final[tuple[str, ...]] = tuple(str(name) for name in RAW_PAIRS.columns)
_DATE: Final = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_NOT_EMPTY: Final = ("pair_id", "query", "source")


@dataclass(frozen=True)
class Problem:
    """A row, or a whole file, that breaks a rule.

    Attributes:
        file: Name of the file.
        line: Its line, counted from 1; for a row of several lines the first.
        rule: What is wrong, what is allowed and what came.
    """

    file: str
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.rule}"


@dataclass(frozen=True)
class Row:
    """A row of a corpus file and where it stands."""

    file: str
    line: int
    values: dict[str, str]


def read_file(path: Path) -> Iterator[Row | Problem]:
    """Yield the rows of a file `<language>.csv` that have their fields, and a problem for all else."""
    if path.stem in LANGUAGES:
        yield from read_rows(path, COLUMNS)
    else:
        rule = f"unknown language in the file's name; allowed are {', '.join(LANGUAGES)}"
        yield Problem(path.name, 1, rule)


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row | Problem]:
    """Yield the rows of a CSV file with these columns, and a problem for all else.

    A file that cannot be read is a problem as well.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        yield Problem(path.name, 1, f"cannot be read: {error.strerror}")
        return
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        yield Problem(path.name, line, f"not UTF-8: byte {error.object[error.start]:#04x}")
        return
    yield from _parse(path.name, text, columns)


def _parse(file: str, text: str, columns: Sequence[str]) -> Iterator[Row | Problem]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        if sorted(header) != sorted(columns):
            yield Problem(file, 1, _header_rule(header, columns))
            return
        line = reader.line_num + 1
        for fields in reader:
            if len(fields) == len(header):
                yield Row(file, line, dict(zip(header, fields, strict=True)))
            else:
                yield Problem(file, line, f"expected {len(header)} fields, found {len(fields)}")
            line = reader.line_num + 1
    except csv.Error as error:
        yield Problem(file, line, f"not CSV from here on: {error}")


def _header_rule(header: list[str], columns: Sequence[str]) -> str:
    missing = [name for name in columns if name not in header]
    fault = f"missing column {', '.join(missing)}" if missing else "unknown or repeated column"
    return f"{fault}; expected {','.join(columns)}, found {','.join(header) or 'nothing'}"


def check_rows(rows: Iterable[Row]) -> Iterator[Problem]:
    """Yield a problem for every rule that a row breaks by itself, and for every pair id that came before."""
    first: dict[str, Row] = {}
    for row in rows:
        for rule in _broken_rules(row):
            yield Problem(row.file, row.line, rule)
        seen = first.setdefault(row.values["pair_id"], row)
        if seen is not row:
            rule = f"duplicate pair_id {row.values['pair_id']!r}, first in {seen.file}, line {seen.line}"
            yield Problem(row.file, row.line, rule)


def _broken_rules(row: Row) -> Iterator[str]:
    values = row.values
    for name in _NOT_EMPTY:
        if not values[name].strip():
            yield f"empty {name}"
    if values["language"] not in LANGUAGES:
        yield f"unknown language {values['language']!r}; allowed are {', '.join(LANGUAGES)}"
    elif row.file.removesuffix(".csv") in set(LANGUAGES) - {values["language"]}:
        yield f"language {values['language']!r} differs from the file's"
    if values["style"] not in STYLES:
        yield f"unknown style {values['style']!r}; allowed are {', '.join(STYLES)}"
    if values["noise"] not in NOISES:
        yield f"unknown noise {values['noise']!r}; allowed are {', '.join(filter(None, NOISES))} or nothing"
    if not re.fullmatch(_DATE, values["created"]):
        yield f"created {values['created']!r} is no date like 2026-11-24"
    if not re.fullmatch(CODE_PATTERN, values["code"]):
        yield f"code {values['code']!r} is not of the ICD-10-CM form, like I10, E11.9 or S52.501A"
