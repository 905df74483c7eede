"""What is said of a coding: how the input was understood, and what became of its rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from codisearch.coding.job import part_of, rows_kept
from codisearch.coding.rows import Status
from codisearch.coding.runner import Inspection, Outcome
from codisearch.coding.text_files import NAMES

if TYPE_CHECKING:
    from rich.console import Console

MEANINGS: Final[dict[Status, str]] = {
    "coded": "the code is sure enough",
    "unknown": "not sure enough: the code is a guess",
    "invalid": "the phrase or its language cannot be used",
    "empty": "nothing stands in the row",
    "kept": "approved before, nothing has changed",
    "changed": "approved before, the title is another now",
    "retired": "approved before, the code is no longer there",
    "heading": "approved before, cannot be billed now",
}


def understood(inspection: Inspection) -> list[str]:
    """Return lines that say how an input was understood."""
    columns = inspection.columns
    named = {
        "phrases": columns.phrase,
        "identifiers": columns.identifier,
        "languages": columns.language,
        "frequencies": columns.frequency,
    }
    parts = [f"{what} in {name!r}" for what, name in named.items() if name]
    if inspection.separator:
        parts.append(f"separated by {NAMES[inspection.separator]}")
    if columns.reviewed:
        parts.append("coded and reviewed before")
    renamed = [
        f"Your column {name!r} is called {new!r} in the output." for name, new in columns.renamed.items()
    ]
    return [f"{inspection.rows:,} rows: {', '.join(parts)}.", *renamed]


def interrupted(output: Path, rows: int) -> str:
    """Return a line that says what is kept of a run that a person ended."""
    kept = rows_kept(output)
    if not kept:
        return f"Interrupted before any of {rows:,} rows was done."
    return f"{kept:,} of {rows:,} rows done and kept in {part_of(output)}; the same command goes on."


def print_summary(outcome: Outcome, console: "Console") -> None:
    """Print how many rows have which status."""
    from rich.table import Table

    table = Table(title="Rows by status", title_justify="left")
    table.add_column("status", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("meaning")
    for status, meaning in MEANINGS.items():
        if count := outcome.counts.get(status, 0):
            table.add_row(status, f"{count:,}", meaning)
    table.add_row("all", f"{sum(outcome.counts.values()):,}", "", style="bold")
    console.print(table)
    if outcome.resumed:
        console.print(f"{outcome.resumed:,} of them were done by an earlier run.", highlight=False)
    if outcome.flagged:
        console.print(f"{outcome.flagged:,} approved rows need another look; see `note`.", highlight=False)
