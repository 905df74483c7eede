"""JSON Lines: the input's keys, then what the coding adds, with types."""

import json
from collections.abc import Sequence

from codisearch.coding.rows import CodedRow
from codisearch.coding.writers.cells import further_values, own_values
from codisearch.coding.writers.contract import Head


class JsonLinesWriter:
    """Writes an object a line."""

    def __init__(self, head: Head) -> None:
        self._top = head.top

    def header(self) -> str:
        """Return nothing."""
        return ""

    def rows(self, rows: Sequence[CodedRow], *, before: int) -> str:
        """Return a line for each row; further codes are a list, `alternatives`."""
        return "".join(json.dumps(self._object(row), ensure_ascii=False) + "\n" for row in rows)

    def end(self, rows: int) -> str:
        """Return nothing."""
        return ""

    def _object(self, row: CodedRow) -> dict[str, object]:
        content = {**row.entry.kept, **own_values(row)}
        return content | ({"alternatives": further_values(row)} if self._top > 1 else {})
