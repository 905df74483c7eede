"""Where a coding is written and in which format: each follows from the other where only one is given."""

from pathlib import Path
from typing import Final

from codisearch.coding.job import part_of
from codisearch.coding.params import OUTPUT_FORMATS, STREAM, OutputFormat, WriteParams
from codisearch.errors import InputError

_ENDINGS: Final[dict[str, OutputFormat]] = {
    ".usagi.csv": "usagi",
    ".sssom.tsv": "sssom",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "fhir",
}
_NAMES: Final[dict[OutputFormat, str]] = {
    "csv": ".coded",
    "jsonl": ".coded.jsonl",
    "usagi": ".usagi.csv",
    "sssom": ".sssom.tsv",
    "fhir": ".fhir.json",
}
_TABS: Final = frozenset({".tsv", ".tab"})
_TEXTS: Final = frozenset({".csv", ".txt", *_TABS})


def target_of(file: Path, output: Path | None, to: str | None) -> tuple[Path, OutputFormat]:
    """Return where to write, by default beside the input, and in which format, by default CSV.

    Raises:
        InputError: If `to` is no format, or without it the output's name says none.
    """
    known = next((one for one in OUTPUT_FORMATS if one == to), None)
    if to is not None and known is None:
        raise InputError(f"--to {to!r}: allowed are {', '.join(OUTPUT_FORMATS)}.")
    if output is None:
        return (STREAM if file == STREAM else file.with_name(_name(file, known or "csv"))), known or "csv"
    if known is not None or output == STREAM:
        return output, known or "csv"
    ending = next((ending for ending in _ENDINGS if output.name.lower().endswith(ending)), None)
    if ending is None:
        raise InputError(
            f"{output} has the suffix {output.suffix!r}, which says no format; allowed are "
            f"{', '.join(_ENDINGS)}, or give --to."
        )
    return output, _ENDINGS[ending]


def separator_of(write: WriteParams, separator: str) -> str:
    """Return what separates the fields of a CSV output: what the user says, else the input's.

    A name says it as well: tabs stand in `.tsv` and `.tab`, and never in `.csv`.
    """
    suffix = write.path.suffix.lower()
    if write.separator is not None:
        return write.separator
    if suffix in _TABS:
        return "\t"
    return "," if suffix == ".csv" and separator == "\t" else separator


def check_output(file: Path, output: Path, *, overwrite: bool) -> None:
    """Check that an output may be written.

    Raises:
        InputError: If it is a folder, exists and may not be replaced, or if it or a part of it is the input
            itself, by whatever name.
    """
    if output == STREAM:
        return
    if output.is_dir():
        raise InputError(f"{output} is a folder: give a file with --output.")
    for path in (output, part_of(output)):
        if file != STREAM and path.exists() and file.exists() and path.samefile(file):
            raise InputError(f"{path} is the input: choose another output with --output.")
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists: choose another with --output, or replace it with --overwrite.")


def _name(file: Path, output_format: OutputFormat) -> str:
    """Return the name of an output beside the input; CSV keeps the suffix of a text file."""
    suffix = (file.suffix if file.suffix.lower() in _TEXTS else ".csv") if output_format == "csv" else ""
    return f"{file.name.removesuffix(file.suffix)}{_NAMES[output_format]}{suffix}"
