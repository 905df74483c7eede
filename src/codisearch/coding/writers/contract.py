"""What every writer does, and what it has to know before the first row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from codisearch.coding.rows import CodedRow


@dataclass(frozen=True)
class Head:
    """What a writer knows before the first row.

    Attributes:
        columns: The kept columns, under their names in the output.
        top: Codes a row.
        release: Release of the code set.
        date: The day on which the coding began, ISO 8601.
        version: Version of codisearch.
        identifier: A URI of what is written: the same for the same input, options and bundle.
        source_system: URI of the phrases as a code system.
        license: URI of the licence.
        separator: What separates the fields of a CSV file.
        bom: Whether a CSV file begins with a byte order mark.
    """

    columns: tuple[str, ...]
    top: int
    release: str
    date: str
    version: str
    identifier: str
    source_system: str
    license: str
    separator: str = ","
    bom: bool = False


class Writer(Protocol):
    """Turns coded rows into text; keeps nothing, so that a file can be gone on with at any row."""

    def header(self) -> str:
        """Return what stands before the first row."""

    def rows(self, rows: Sequence[CodedRow], *, before: int) -> str:
        """Return the text of some rows, `before` rows after the first."""

    def end(self, rows: int) -> str:
        """Return what stands after the last of so many rows."""
