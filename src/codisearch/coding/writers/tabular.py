"""CSV: the input's columns, then what the coding adds."""

from collections.abc import Sequence

from codisearch.coding.entries import text_of
from codisearch.coding.formulas import guarded
from codisearch.coding.rows import CodedRow
from codisearch.coding.writers.cells import check_columns, lines, own_cells, own_columns
from codisearch.coding.writers.contract import Head


class CsvWriter:
    """Writes CSV as the input was, comma or semicolon, so that the same programs open it."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._columns = (*head.columns, *own_columns(head.top))

    def header(self) -> str:
        """Return the names of the columns."""
        names = lines(
            [dict(zip(self._columns, self._columns, strict=True))], self._columns, self._head.separator
        )
        return ("\ufeff" if self._head.bom else "") + names

    def rows(self, rows: Sequence[CodedRow], *, before: int) -> str:
        """Return a line for each row.

        Raises:
            InputError: If a row of JSON Lines has a key that the first had not.
        """
        return lines([self._cells(row) for row in rows], self._columns, self._head.separator)

    def end(self, rows: int) -> str:
        """Return nothing."""
        return ""

    def _cells(self, row: CodedRow) -> dict[str, str]:
        check_columns(row.entry, self._head.columns)
        own = {name: guarded(text) for name, text in own_cells(row).items()}
        return {name: text_of(value) for name, value in row.entry.kept.items()} | own
