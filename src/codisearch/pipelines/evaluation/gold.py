"""An adapter for real mentions: any file of `query`, `code` and perhaps `language` becomes test queries."""

import csv
import io
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from codisearch.codes import normalise_code
from codisearch.errors import InputError
from codisearch.languages import Language, check_language

GOLD_STYLE: Final = "mention"
REQUIRED_COLUMNS: Final = ("query", "code")
_DELIMITERS: Final = ("\t", ",", ";", "|")
_JSON_LINES: Final = (".jsonl", ".ndjson", ".json")
_UNREADABLE: Final = "row that does not fit the header"


@dataclass(frozen=True)
class Gold:
    """Real mentions as test queries, and what of the file could not be used.

    Attributes:
        queries: Frame of `schemas.QUERIES`.
        rows: How many rows the file has.
        skipped: Reason -> how many rows were skipped for it.
    """

    queries: pd.DataFrame
    rows: int
    skipped: dict[str, int]


@dataclass(frozen=True)
class _CodeSet:
    """The known codes, sorted, so that a code without its last characters finds the longer ones."""

    codes: list[str]

    @classmethod
    def of(cls, codes: Iterable[str]) -> "_CodeSet":
        return cls(sorted(set(codes)))

    def answers(self, code: str) -> bool:
        """Tell whether `code` is one of the codes or the beginning of one."""
        place = bisect_left(self.codes, code)
        return place < len(self.codes) and self.codes[place].startswith(code)


@dataclass
class _Mention:
    """One query with the codes gathered for it so far."""

    query: str
    language: Language
    codes: list[str] = field(default_factory=list)


def read_gold(
    path: str | Path, known_codes: Collection[str], training_codes: Collection[str], default_language: str
) -> Gold:
    """Read a CSV, TSV or JSON-lines file of mentions and their codes.

    Columns may come in any order and case, further ones are ignored. Rows with the same query (whatever its
    case and spacing) and language become one query with several codes. A code without its seventh character
    is kept as it is where longer codes begin with it; score such a file with `match="prefix"`.

    Args:
        path: The file, UTF-8 with or without a byte order mark.
        known_codes: All codes of the code set.
        training_codes: Codes with a pair in the training split; a query is seen if one of its codes, or a
        longer one
            that begins with it, is among them.
        default_language: The language of rows that do not name theirs.

    Raises:
        InputError: If the file cannot be read, lacks a column or holds no usable row.
    """
    fallback = check_language(default_language)
    text = _read_text(Path(path))
    rows = list(
        _json_rows(text, path) if Path(path).suffix.lower() in _JSON_LINES else _table_rows(text, path)
    )
    known, skipped = _CodeSet.of(known_codes), Counter[str]()
    mentions: dict[tuple[str, str], _Mention] = {}
    for row in rows:
        _gather(row, mentions, skipped, known, fallback)
    if not mentions:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in skipped.most_common()) or "it is empty"
        raise InputError(
            f"No usable row in {path}: expected a query and an ICD-10-CM code in each, found {reasons}."
        )
    return Gold(
        _as_queries(mentions.values(), _CodeSet.of(training_codes)), len(rows), dict(skipped.most_common())
    )


def _read_text(path: Path) -> str:
    """Return the content of the file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}."
        ) from error
    except OSError as error:
        raise InputError(f"Cannot read the gold file {path}: {error.strerror or error}.") from error


def _table_rows(text: str, path: str | Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a delimited table; one that has more cells than the header is empty."""
    header_line = next(iter(text.splitlines()), "")
    headers = {
        delimiter: _names(next(csv.reader([header_line], delimiter=delimiter), []))
        for delimiter in _DELIMITERS
    }
    delimiter = max(
        _DELIMITERS, key=lambda mark: (set(REQUIRED_COLUMNS) <= set(headers[mark]), len(headers[mark]))
    )
    header = headers[delimiter]
    _check_columns(header, path)
    source = io.StringIO(text, newline="")
    lines = (
        csv.reader(source, delimiter=delimiter, quoting=csv.QUOTE_NONE)  # bare quotes are text there
        if delimiter == "\t"
        else csv.reader(source, delimiter=delimiter)
    )
    try:
        next(lines)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield dict(zip(header, cells, strict=False)) if len(cells) <= len(header) else {}
    except csv.Error as error:
        raise InputError(f"{path}, line {lines.line_num}: not a well-formed table ({error}).") from error


def _json_rows(text: str, path: str | Path) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a JSON-lines file; a line that is none is empty."""
    rows: list[dict[str, Any]] = []
    for line in io.StringIO(text):
        if line.strip():
            try:
                value = json.loads(line)
            except json.JSONDecodeError:
                value = None
            rows.append(
                dict(zip(_names(value), value.values(), strict=True)) if isinstance(value, dict) else {}
            )
    _check_columns(list(dict.fromkeys(name for row in rows for name in row)), path)
    yield from rows


def _names(header: Iterable[str]) -> list[str]:
    """Return column names without case and spacing."""
    return [name.strip().lower() for name in header]


def _check_columns(found: Collection[str], path: str | Path) -> None:
    """Refuse a file without the columns that are needed."""
    missing = [name for name in REQUIRED_COLUMNS if name not in found]
    if missing:
        raise InputError(
            f"{path} lacks the column {' and '.join(missing)}: expected {', '.join(REQUIRED_COLUMNS)} and, "
            f"if wanted, language; found {', '.join(found) or 'none'}."
        )


def _gather(
    row: Mapping[str, Any],
    mentions: dict[tuple[str, str], _Mention],
    skipped: Counter[str],
    known: _CodeSet,
    fallback: Language,
) -> None:
    """Add a row to its mention, or count why it cannot be used."""
    query, code, tag = (
        " ".join(str(row.get(name) or "").split()) for name in (*REQUIRED_COLUMNS, "language")
    )
    if not row or not query:
        skipped["empty query" if row else _UNREADABLE] += 1
        return
    try:
        language = check_language(tag.lower()) if tag else fallback
    except InputError:
        skipped["unknown language"] += 1
        return
    try:
        code = normalise_code(code)
    except InputError:
        skipped["malformed code"] += 1
        return
    if not known.answers(code):
        skipped["code not in the code set"] += 1
        return
    mention = mentions.setdefault((language, query.casefold()), _Mention(query, language))
    if code not in mention.codes:
        mention.codes.append(code)


def _as_queries(mentions: Iterable[_Mention], training: _CodeSet) -> pd.DataFrame:
    """Return the mentions as a frame of `schemas.QUERIES`, numbered in the order of the file."""
    return pd.DataFrame(
        [
            {
                "query_id": f"gold-{number:04d}",
                "query": mention.query,
                "language": mention.language,
                "style": GOLD_STYLE,
                "seen": any(training.answers(code) for code in mention.codes),
                "codes": mention.codes,
            }
            for number, mention in enumerate(mentions, start=1)
        ]
    )
