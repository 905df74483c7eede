"""The tables beside the pairs: the listed codes, their confusable codes and the answers of audits.

Each is a CSV file in a folder below the corpus, read row by row so that every broken rule is named.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from codisearch import schemas
from codisearch.codes import QUALIFIERS
from codisearch.datasets.corpus_rows import Problem, Row, read_rows
from codisearch.languages import LANGUAGES, QUERY_STYLES

LISTED_COLUMNS: Final[tuple[str, ...]] = tuple(str(name) for name in schemas.LISTED_CODES.columns)
CONFUSABLE_COLUMNS: Final[tuple[str, ...]] = tuple(str(name) for name in schemas.CONFUSABLES.columns)
ANSWER_COLUMNS: Final = ("round", "pair_id", "language", "style", "query", "code", "answer")


@dataclass(frozen=True)
class TableFile:
    """A table of the corpus.

    Attributes:
        path: Where it lies, below the corpus folder.
        columns: Its columns.
        key: The columns that no two rows share.
        codes: The columns that hold a code of the code set.
        allowed: Column -> the values that it may have.
    """

    path: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    codes: tuple[str, ...]
    allowed: Mapping[str, tuple[str, ...]]


LISTED: Final = TableFile(
    "lists/codes.csv", LISTED_COLUMNS, ("code",), ("code",), {"frequency": schemas.FREQUENCIES}
)
CONFUSABLES: Final = TableFile(
    "lists/confusables.csv",
    CONFUSABLE_COLUMNS,
    ("code", "confusable"),
    ("code", "confusable"),
    {"qualifier": QUALIFIERS},
)
ANSWERS: Final = TableFile(
    "audit/answers.csv",
    ANSWER_COLUMNS,
    ("round", "pair_id"),
    ("code",),
    {"language": LANGUAGES, "style": QUERY_STYLES},
)


@dataclass(frozen=True)
class Read:
    """A table as it was read.

    Attributes:
        rows: Those that break no rule.
        lines: First value of the key -> the line of its first row, rows that break a rule among them.
        problems: Every rule that a row breaks.
    """

    rows: pd.DataFrame
    lines: dict[str, int]
    problems: list[Problem]


def read_table(folder: Path, table: TableFile, is_code: Callable[[str], bool]) -> Read:
    """Return the rows of a table that break no rule, and a problem for every rule that a row breaks.

    Args:
        folder: The corpus.
        table: Which table; a missing file has no rows.
        is_code: Tells whether a code is in the code set.
    """
    path = folder / table.path
    problems: list[Problem] = []
    kept: list[dict[str, str]] = []
    seen: dict[tuple[str, ...], int] = {}
    for item in read_rows(path, table.columns) if path.is_file() else ():
        broken = [item] if isinstance(item, Problem) else list(_problems(item, table, seen, is_code))
        problems += broken
        if isinstance(item, Row) and not broken:
            kept.append(item.values)
    lines = {key[0]: line for key, line in reversed(seen.items())}
    return Read(pd.DataFrame(kept, columns=list(table.columns), dtype="str"), lines, problems)


def _problems(
    row: Row, table: TableFile, seen: dict[tuple[str, ...], int], is_code: Callable[[str], bool]
) -> Iterator[Problem]:
    for rule in _broken_rules(row, table, is_code):
        yield Problem(row.file, row.line, rule)
    key = tuple(row.values[name] for name in table.key)
    first = seen.setdefault(key, row.line)
    if first != row.line:
        yield Problem(row.file, row.line, f"{' '.join(key)} a second time, first in line {first}")


def _broken_rules(row: Row, table: TableFile, is_code: Callable[[str], bool]) -> Iterator[str]:
    values = row.values
    for name in table.columns:
        if not values[name].strip() and name != "answer":  # an auditor may have no answer
            yield f"empty {name}"
    for name, allowed in table.allowed.items():
        if values[name] not in allowed:
            yield f"unknown {name} {values[name]!r}; allowed are {', '.join(allowed)}"
    for name in table.codes:
        if values[name] and not is_code(values[name]):
            yield f"unknown_code: {name} {values[name]!r} is not in the code set"
    if "round" in values and not values["round"].isdecimal():
        yield f"round {values['round']!r} is no number"
    if "confusable" in values and _related(values["code"], values["confusable"]):
        yield f"confusable {values['confusable']!r} is {values['code']!r}, or above or below it in the tree"


def _related(code: str, other: str) -> bool:
    return bool(code and other) and (code.startswith(other) or other.startswith(code))
