"""Where a coding is written and in which format: each follows from the other where only one is given."""

from pathlib import Path
from typing import Final

from codisearch.coding.params import OUTPUT_FORMATS, STREAM, OutputFormat
from codisearch.errors import InputError

_ENDINGS: Final[dict[str, OutputFormat]] = {
    ".usagi.csv": "usagi",
    ".sssom.tsv": "sssom",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "fhir",
}
_NAMES: Final[dict[OutputFormat, str]] = {
    "csv": ".coded.csv",
    "jsonl": ".coded.jsonl",
    "usagi": ".usagi.csv",
    "sssom": ".sssom.tsv",
    "fhir": ".fhir.json",
}


def target_of(file: Path, output: Path | None, to: str | None) -> tuple[Path, OutputFormat]:
    """Return where to write, by default beside the input, and in which format, by default CSV.

    Raises:
        InputError: If `to` is no format, or without it the output's name says none.
    """
    known = next((one for one in OUTPUT_FORMATS if one == to), None)
    if to is not None and known is None:
        raise InputError(f"--to {to!r}: allowed are {', '.join(OUTPUT_FORMATS)}.")
    if output is None:
        name = f"{file.name.removesuffix(file.suffix)}{_NAMES[known or 'csv']}"
        return (STREAM if file == STREAM else file.with_name(name)), known or "csv"
    if known is not None or output == STREAM:
        return output, known or "csv"
    ending = next((ending for ending in _ENDINGS if output.name.lower().endswith(ending)), None)
    if ending is None:
        raise InputError(
            f"{output} has the suffix {output.suffix!r}, which says no format; allowed are "
            f"{', '.join(_ENDINGS)}, or give --to."
        )
    return output, _ENDINGS[ending]
