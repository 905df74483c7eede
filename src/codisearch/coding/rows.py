"""A row on its way through: as it stands in the file, as it is understood, and coded."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from codisearch.codes import normalise_code
from codisearch.retrieval.answers import Hit

Status = Literal["coded", "unknown", "invalid", "empty", "kept", "changed", "retired", "heading"]
Review = Literal["", "approved", "rejected"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
REVIEWS: Final[tuple[Review, ...]] = get_args(Review)
FLAGGED: Final[tuple[Status, ...]] = ("changed", "retired", "heading")
"""What became of approved rows that a person should look at again."""
_HASH_LENGTH: Final = 16


@dataclass(frozen=True)
class InputRow:
    """A row as it stands in the file.

    Attributes:
        number: Its number, from 1, without the header.
        place: Where it stands, for messages: `line 7` of a text file, `row 7` of a sheet.
        values: Column -> value; texts but in JSON Lines.
    """

    number: int
    place: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Earlier:
    """What an earlier coding and a reviewer wrote into a row.

    Attributes:
        review: What the reviewer decided.
        code: The code, dotted; empty where there was none.
        title: Its title then.
        billable: Whether it could be billed then; None where the file does not say.
        probability: As it was; None where the file does not say.
        known: Likewise.
        alias: The text that matched, likewise empty.
        alias_language: Its language.
        alias_source: Its source.
        suggested: The code that all this was said of, which the reviewer may have replaced by another; empty
            where the file does not say.
        rejected: Codes that reviewers have rejected for this phrase, this time or before.
    """

    review: Review
    code: str = ""
    title: str = ""
    billable: bool | None = None
    probability: float | None = None
    known: bool | None = None
    alias: str = ""
    alias_language: str = ""
    alias_source: str = ""
    suggested: str = ""
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A row as it is understood.

    Attributes:
        number: Its number, from 1.
        place: Where it stands, as in `InputRow`.
        phrase: The phrase as it stands in the file.
        identifier: What the file calls it; empty where it has no such column.
        language: Its language as it stands in the file; empty where it does not say.
        frequency: How often it occurs; 1 where the file does not say.
        kept: The input's columns that the output keeps, under their names in the output.
        earlier: What was decided before; None in a file that is coded for the first time.
    """

    number: int
    place: str
    phrase: str
    identifier: str
    language: str
    frequency: int
    kept: Mapping[str, Any]
    earlier: Earlier | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing stands in it."""
        return not any(squeeze(str(value)) for value in self.kept.values() if value is not None)

    @property
    def key(self) -> str:
        """Identify the phrase: by what the file calls it, else by the beginning of its SHA-256."""
        text = " ".join(self.identifier.split())
        return text or hashlib.sha256(squeeze(self.phrase).encode()).hexdigest()[:_HASH_LENGTH]


@dataclass(frozen=True)
class Candidate:
    """A code for a phrase.

    Attributes:
        code: Dotted code.
        title: Its title, as in `Hit`; of an approved code, the one that was approved.
        official_title: The official English title of the present release; empty if it does not have the code.
        probability: As in `Hit`; None where nobody says.
        billable: Whether it can be billed; None where the present release does not have it.
        alias: The text that matched.
        alias_language: Language of that text.
        alias_source: Where it comes from.
        path: The codes above it, from the category down.
    """

    code: str
    title: str
    official_title: str
    probability: float | None
    billable: bool | None
    alias: str
    alias_language: str
    alias_source: str
    path: tuple[str, ...]

    @classmethod
    def from_hit(cls, hit: Hit) -> "Candidate":
        """Return what a search found."""
        return cls(
            code=hit.code,
            title=hit.title,
            official_title=hit.official_title,
            probability=round(hit.probability, 4),
            billable=hit.billable,
            alias=hit.alias,
            alias_language=hit.alias_language,
            alias_source=hit.alias_source,
            path=hit.path,
        )


@dataclass(frozen=True)
class CodedRow:
    """A row with its codes.

    Attributes:
        entry: The row.
        status: What became of it.
        candidates: The codes, best first; none if it is invalid or nothing fits the filters.
        known: Whether the first is sure enough; None where that was not asked.
        release: Release of the code set that it was coded or checked with.
        note: What a person should know.
        review: What a person decided, where that still holds.
    """

    entry: Entry
    status: Status
    candidates: tuple[Candidate, ...]
    known: bool | None
    release: str
    note: str = ""
    review: Review = ""

    @property
    def first(self) -> Candidate | None:
        """The code of the row."""
        return self.candidates[0] if self.candidates else None

    @property
    def suggested(self) -> str:
        """The code that the search proposed: of an approved row, before the review."""
        if self.review == "approved" and self.entry.earlier is not None:
            return self.entry.earlier.suggested
        return self.first.code if self.first else ""


def squeeze(text: str) -> str:
    """Return a text on one line with single spaces."""
    return " ".join(text.split())


def normalise_if_code(value: str) -> str | None:
    """Return a code dotted, or None where the text does not have the form of one."""
    try:
        return normalise_code(value)
    except ValueError:
        return None


REJECTED: Final = "rejected: "


def remembered(rejected: Sequence[str], note: str) -> str:
    """Return a note that begins with the codes that reviewers have rejected, so that none is forgotten."""
    return "; ".join(part for part in (REJECTED + ", ".join(rejected) if rejected else "", note) if part)
