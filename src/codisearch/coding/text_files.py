"""Lines and records of text files, with the line number in every error."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final

from codisearch.coding.params import SEPARATORS, ReadParams
from codisearch.errors import InputError

_SAMPLE: Final = 50
NAMES: Final = {",": "comma", ";": "semicolon", "|": "bar", "\t": "tab"}
_TRY: Final = "give the file's own with --encoding, for example cp1252 or utf-16"


def decoded_lines(file: IO[bytes], params: ReadParams) -> Iterator[str]:
    """Return the lines of a file with their ends.

    Raises:
        InputError: If bytes do not fit the encoding, with the line that they stand in.
    """
    if "\n".encode(params.encoding) != b"\n":  # UTF-16 and such: a line cannot be found among bytes
        yield from _wide_lines(file, params)
        return
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode(params.encoding)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{params.path}, line {number}: byte 0x{line[error.start]:02x} does not fit the encoding "
                f"{params.encoding}; {_TRY}."
            ) from error


def _wide_lines(file: IO[bytes], params: ReadParams) -> Iterator[str]:
    number = 0
    try:
        for number, line in enumerate(io.TextIOWrapper(file, params.encoding, newline=""), start=1):  # noqa: B007
            yield line
    except UnicodeError as error:
        raise InputError(
            f"{params.path}, after line {number}: bytes do not fit the encoding {params.encoding}; {_TRY}."
        ) from error


def records(lines: Iterable[str], separator: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Return the records of a CSV file with the line that each begins in; empty lines are none.

    Raises:
        InputError: If quotes do not fit.
    """
    reader = csv.reader(lines, delimiter=separator, strict=True)
    begins = 1
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise InputError(
                f"{path}, line {begins}: {error}; a quote inside a quoted field must be doubled, and every "
                "quoted field must end."
            ) from error
        if fields is None:
            return
        if fields:
            yield begins, fields
        begins = reader.line_num + 1


def guess_separator(lines: Iterable[str], path: Path) -> tuple[str, Iterator[str]]:
    """Return what separates the fields of a CSV file, and its lines again.

    It is what splits the header into several fields and the rows that follow into as many; if nothing splits
    the header, there is one column, and a comma does.

    Raises:
        InputError: If several would do.
    """
    rest = iter(lines)
    sample = list(islice(rest, _SAMPLE))
    widths = {separator: _widths(sample, separator) for separator in SEPARATORS}
    splits = {separator: found for separator, found in widths.items() if found and found[0] > 1}
    even = {separator: found for separator, found in splits.items() if len(set(found)) == 1} or splits
    most = max((found[0] for found in even.values()), default=1)
    best = [separator for separator, found in even.items() if found[0] == most]
    if len(best) > 1:
        names = " and ".join(NAMES[separator] for separator in best)
        raise InputError(f"{path}: {names} both split its first line into {most} fields; give --separator.")
    return (best[0] if best else ","), chain(sample, rest)


def _widths(sample: list[str], separator: str) -> list[int]:
    """Return the number of fields of each record of the sample; the last may be cut and is left out."""
    rows = [len(fields) for fields in csv.reader(sample, delimiter=separator) if fields]
    return rows[:-1] if len(sample) == _SAMPLE else rows
