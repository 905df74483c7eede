"""Lines and records of text files, with the line number in every error."""

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final

from codisearch.coding.params import SEPARATORS, ReadParams, Separator
from codisearch.errors import InputError

_SAMPLE: Final = 50
NAMES: Final = {",": "comma", ";": "semicolon", "|": "bar", "\t": "tab"}
"""In characters; without a limit, a quote left open would read the whole file into memory."""
_NOTHING: Final = "\x1f"  # stands in no text, so it separates nothing
_TRY: Final = "give the file's own with --encoding, for example cp1252 or utf-16"


def decoded_lines(file: IO[bytes], params: ReadParams) -> Iterator[str]:
    """Return the lines of a file with their ends.

    Raises:
        InputError: If bytes do not fit the encoding, with the line that they stand in.
    """
    if "\n".encode(params.encoding) != b"\n":  # UTF-16 and such: a line cannot be found among bytes
        yield from _wide_lines(file, params)
        return
    # Latin-1 has a letter for each byte; lines end with \n, \r\n or \r, which old programs write.
    for number, line in enumerate(io.TextIOWrapper(file, "latin-1", newline=""), start=1):
        content = line.encode("latin-1")
        try:
            yield content.decode(params.encoding)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{params.path}, line {number}: byte 0x{content[error.start]:02x} does not fit the encoding "
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


def records(
    lines: Iterable[str], separator: str, path: Path, *, first: int = 1, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """Return the records of a CSV file with the line that each begins in; empty lines are none.

    Args:
        lines: The lines.
        separator: What separates the fields; empty if there is one column.
        path: The file, for messages.
        first: Number of the first line.
        strict: Whether quotes must fit.

    Raises:
        InputError: If quotes do not fit or a field is too long.
    """
    reader = csv.reader(lines, delimiter=separator or _NOTHING, strict=strict)
    begins = first
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}, line {begins}: {_advice(str(error))}") from error
        if fields is None:
            return
        if fields:
            yield begins, fields
        begins = first + reader.line_num


def _advice(problem: str) -> str:
    """Return what the library found wrong, and what to do."""
    if "field limit" in problem:
        return f"a field has more than {csv.field_size_limit():,} characters; is a quote left open?"
    problem = problem.replace(_NOTHING, "end of line")
    return f"{problem}; a quote inside a quoted field must be doubled, and every quoted field must end."


def guess_separator(lines: Iterable[str], params: ReadParams) -> tuple[str, Iterator[str]]:
    """Return what separates the fields of a CSV file, and its lines again.

    It is what splits the header into several fields and the rows that follow into as many; if nothing splits
    the header, there is one column, and it is empty.

    Raises:
        InputError: If several would do, or the first line looks like a title above a table.
    """
    rest = iter(lines)
    sample = list(islice(rest, _SAMPLE))
    widths = {separator: _widths(sample, separator, params.path) for separator in SEPARATORS}
    splits = {separator: found for separator, found in widths.items() if found and found[0] > 1}
    if not splits and params.header_row is None:
        _check_list(widths, params.path)
    even = {separator: found for separator, found in splits.items() if len(set(found)) == 1} or splits
    most = max((found[0] for found in even.values()), default=1)
    best = [separator for separator, found in even.items() if found[0] == most]
    if len(best) > 1:
        names = " and ".join(NAMES[separator] for separator in best)
        raise InputError(
            f"{params.path}: {names} both split its first line into {most} fields; give --separator."
        )
    return (best[0] if best else ""), chain(sample, rest)


def _check_list(widths: dict[Separator, list[int]], path: Path) -> None:
    """Raise an error for a list of one column whose rows are those of a table: they all split alike.

    A comma in every row is usual in texts, two are not.
    """
    for separator, (_, *fields) in ((one, found) for one, found in widths.items() if found):
        if len(fields) > 1 and len(set(fields)) == 1 and fields[0] > (2 if separator == "," else 1):
            raise InputError(
                f"{path}: its first line holds no {NAMES[separator]}, but each row has {fields[0]} fields; "
                "give the line of the header with --header-row, such as 2; 1 if there is one column."
            )


def _widths(sample: list[str], separator: str, path: Path) -> list[int]:
    """Return the number of fields of each record of the sample; the last may be cut and is left out."""
    rows: list[int] = []
    may_be_cut = False
    with suppress(InputError):  # reading with the right separator says what is wrong, and where
        rows.extend(len(fields) for _, fields in records(sample, separator, path, strict=False))
        may_be_cut = len(sample) == _SAMPLE
    return rows[:-1] if may_be_cut else rows
