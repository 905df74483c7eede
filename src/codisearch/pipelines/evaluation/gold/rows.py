"""What every adapter hands over: one row of a file, with its place and what is wrong with it."""

import re
from dataclasses import dataclass
from typing import Final

MENTION_STYLE: Final = "mention"
DOCUMENT_STYLE: Final = "document"
MISFIT: Final = "row that does not fit the header"
_EXAMPLE_LENGTH: Final = 80
_EXAMPLE_READ: Final = 4 * _EXAMPLE_LENGTH  # of a long row; spaces shrink
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Row:
    """One row of a gold file, read but not yet judged.

    Attributes:
        place: Where it stands, e.g. `line 12`: the line that the row begins in.
        raw: The row as it stands, for examples.
        query: The mention, spaces made single.
        code: What stands in its code cell, perhaps several codes.
        language: What stands in its language cell.
        style: The style of its query.
        group: Rows are merged into one query only within a group.
        fault: Why the row cannot be used, if reading it has shown that.
        notes: What is worth counting although the row is used.
    """

    place: str
    raw: str
    query: str = ""
    code: str = ""
    language: str = ""
    style: str = MENTION_STYLE
    group: str = ""
    fault: str = ""
    notes: tuple[str, ...] = ()

    @property
    def example(self) -> str:
        """Return the row in a line of at most 80 characters."""
        text = f"{self.place}: {clean(self.raw[:_EXAMPLE_READ])}"
        return text if len(text) <= _EXAMPLE_LENGTH else f"{text[: _EXAMPLE_LENGTH - 1]}…"


def clean(value: object) -> str:
    """Return a cell as text with single spaces; what is neither text nor a number is empty.

    Halves of surrogate pairs, which JSON can hold and no encoding can write, become replacement characters.
    """
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        return ""
    return _SURROGATES.sub("\ufffd", " ".join(str(value).split()))
