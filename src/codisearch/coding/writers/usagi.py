"""The CSV file that OHDSI Usagi imports with File > Import codes; see docs/coding-files.md for the columns.

Usagi reads line by line, knows commas only and wants inner quotes escaped by a backslash, see its
`ReadCSVFile.java`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from codisearch.coding.entries import text_of
from codisearch.coding.rows import CodedRow, squeeze
from codisearch.coding.writers.cells import check_columns, lines, own_cells, own_columns
from codisearch.coding.writers.contract import Head

_SOURCE: Final = ("sourceCode", "sourceName", "sourceFrequency")


class UsagiWriter:
    """Writes the source codes for Usagi, with the found codes as additional information."""

    def __init__(self, head: Head) -> None:
        self._kept = head.columns
        self._names = {name: f"input_{name}" if name in _SOURCE else name for name in head.columns}
        self._columns = (*_SOURCE, *own_columns(head.top), *self._names.values())

    def header(self) -> str:
        """Return the names of the columns."""
        return self._lines([dict(zip(self._columns, self._columns, strict=True))])

    def rows(self, rows: Sequence[CodedRow], *, before: int) -> str:
        """Return a line for each row.

        Raises:
            InputError: If a row of JSON Lines has a key that the first had not.
        """
        return self._lines([self._cells(row) for row in rows])

    def end(self, rows: int) -> str:
        """Return nothing."""
        return ""

    def _cells(self, row: CodedRow) -> dict[str, str]:
        entry = row.entry
        check_columns(entry, self._kept)
        source = zip(_SOURCE, (entry.key, entry.phrase, str(entry.frequency)), strict=True)
        kept = {self._names[name]: text_of(value) for name, value in entry.kept.items()}
        cells = dict(source) | own_cells(_in_english(row)) | kept
        return {name: squeeze(value) for name, value in cells.items()}

    def _lines(self, rows: list[dict[str, str]]) -> str:
        return lines(rows, self._columns, ",", escape="\\")


def _in_english(row: CodedRow) -> CodedRow:
    """Return a row with official titles: Usagi finds concepts by English names only."""
    official = tuple(replace(one, title=one.official_title or one.title) for one in row.candidates)
    return replace(row, candidates=official)
