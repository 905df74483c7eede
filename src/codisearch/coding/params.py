"""What a coding of a file is asked to do."""

import codecs
import re
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from codisearch.languages import Language

InputFormat = Literal["csv", "tsv", "xlsx", "jsonl"]
OutputFormat = Literal["csv", "jsonl", "usagi", "sssom", "fhir"]
Separator = Literal[",", ";", "|", "\t"]

INPUT_FORMATS: Final[tuple[InputFormat, ...]] = get_args(InputFormat)
OUTPUT_FORMATS: Final[tuple[OutputFormat, ...]] = get_args(OutputFormat)
SEPARATORS: Final[tuple[Separator, ...]] = get_args(Separator)
STREAM: Final = Path("-")
"""Standard input or standard output."""
UNSPECIFIED_LICENSE: Final = "https://w3id.org/sssom/license/unspecified"
PHRASES_SYSTEM: Final = "urn:codisearch:phrases"
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+")


class ReadParams(BaseModel):
    """What is read, and which of its columns mean what.

    Attributes:
        path: The file, or `-` for standard input.
        format: Its format.
        encoding: Its encoding; a byte order mark is removed.
        separator: What separates the fields of a CSV file; None guesses it.
        sheet: The sheet of a workbook; None is the first.
        header_row: The line or row that holds the names of the columns; None is the first that is not empty.
        column: The column of phrases; None guesses it.
        id_column: The column of identifiers, likewise.
        language_column: The column of the phrases' languages, likewise.
        frequency_column: The column of how often a phrase occurs, likewise; only Usagi has a use for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    format: InputFormat
    encoding: str = "utf-8"
    separator: Separator | None = None
    sheet: str | None = None
    header_row: int | None = Field(default=None, ge=1)
    column: str | None = None
    id_column: str | None = None
    language_column: str | None = None
    frequency_column: str | None = None

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name
        except LookupError as error:
            raise ValueError(
                "is not an encoding that Python knows, such as utf-8, cp1252 or utf-16"
            ) from error


class SearchParams(BaseModel):
    """How phrases are coded; see `Retriever.search` for all but the first.

    Attributes:
        batch: How many rows are searched and written at a time.
        top: Codes a row.
        language: Language of the rows that name none; None detects it.
        billable_only: Whether only billable codes are answers.
        chapter: Number of the only chapter that answers come from.
        under: The code that all answers are below of.
        precision: Share of codes that should be right among those that are `known`; None is the bundle's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch: int = Field(default=256, ge=1, le=10_000)
    top: int = Field(default=1, ge=1, le=20)
    language: Language | None = None
    billable_only: bool = False
    chapter: str | None = None
    under: str | None = None
    precision: float | None = None


class WriteParams(BaseModel):
    """What is written.

    Attributes:
        path: The file, or `-` for standard output.
        format: Its format.
        separator: What separates the fields of a CSV file; None: see `targets.separator_of`.
        source_system: URI of the phrases as a code system, for SSSOM and FHIR.
        license: URI of the licence of a mapping set, for SSSOM.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    format: OutputFormat = "csv"
    separator: Separator | None = None
    source_system: str = PHRASES_SYSTEM
    license: str = UNSPECIFIED_LICENSE

    @field_validator("source_system", "license")
    @classmethod
    def _is_uri(cls, value: str) -> str:
        if not _URI.fullmatch(value):
            raise ValueError("is not an absolute URI such as urn:hospital:diagnoses")
        return value


class CodingParams(BaseModel):
    """All that a coding is asked to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read: ReadParams
    search: SearchParams = SearchParams()
    write: WriteParams
