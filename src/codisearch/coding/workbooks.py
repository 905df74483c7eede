"""Rows of a workbook's sheet as texts."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import IO, Any, Final

from codisearch.coding.params import ReadParams
from codisearch.errors import InputError

# What the library raises for a damaged file; malformed XML is a SyntaxError, whichever parser it uses.
_DAMAGES: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, LookupError, ValueError, TypeError, AttributeError,
    OSError, NotImplementedError,
)  # fmt: skip
LARGEST_MEMBER: Final = 1 << 30
"""In bytes; a workbook is a ZIP archive, whose members may be small on disk and huge in memory."""
HIGHEST_RATIO: Final = 300
"""Of the size of a member to that on disk; sheets of a single repeated row stay far below."""
_ALWAYS_READ: Final = 1 << 24


def sheet_rows(file: IO[bytes], params: ReadParams) -> Iterator[tuple[int, list[str]]]:
    """Return the rows of a sheet with their numbers; empty cells at the end of a row are left out.

    Raises:
        InputError: If it is no workbook or has no such sheet; also while rows are read, if it is damaged.
    """
    import openpyxl  # type: ignore[import-untyped]
    from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

    path = params.path
    try:
        _check_sizes(_sizes(file), path)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except InputError:
        raise
    except (InvalidFileException, *_DAMAGES) as error:
        raise InputError(f"{path} is not a workbook in XLSX format, or damaged: {_said(error)}.") from error
    sheets = {sheet.title: sheet for sheet in book.worksheets}  # charts have sheets too, without cells
    if not sheets:
        raise InputError(f"{path} has no sheet with cells.")
    if params.sheet is not None and params.sheet not in sheets:
        raise InputError(f"{path} has no sheet {params.sheet!r}; it has {', '.join(sheets)}.")
    sheet = sheets[params.sheet] if params.sheet is not None else next(iter(sheets.values()))
    sheet.reset_dimensions()  # some programs write wrong ones
    return _undamaged(sheet.iter_rows(values_only=True), path)


def to_last_filled(
    rows: Iterator[tuple[int, list[str]]], header: int, width: int
) -> Iterator[tuple[int, list[str]]]:
    """Fill short rows up to a width and leave out the empty rows at the end, of which there may be a million.

    Args:
        rows: The rows below the header.
        header: Number of the header's row.
        width: How many columns the header has.
    """
    before = header
    for number, row in rows:
        if row:
            yield from ((one, [""] * width) for one in range(before + 1, number))
            before = number
            yield number, row + [""] * (width - len(row))


def stray_cell(row: Sequence[str], width: int, header: int) -> str:
    """Say which cell of a row stands beside the table."""
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    place = next(place for place, text in enumerate(row[width:], start=width + 1) if text)
    return f"a value in column {get_column_letter(place)}, which has no name in row {header}"


def _sizes(file: IO[bytes]) -> list[tuple[int, int]]:
    """Return the size of each member and its size on disk; no more than the former is ever read."""
    with zipfile.ZipFile(file) as archive:
        sizes = [(member.file_size, member.compress_size) for member in archive.infolist()]
    file.seek(0)
    return sizes


def _check_sizes(sizes: Sequence[tuple[int, int]], path: Path) -> None:
    for size, on_disk in sizes:
        if size > LARGEST_MEMBER:
            raise InputError(
                f"{path} unpacks to {size >> 20:,} MiB; at most {LARGEST_MEMBER >> 20:,} MiB are read. "
                "Save the sheet as CSV."
            )
        if size > max(_ALWAYS_READ, on_disk * HIGHEST_RATIO):
            raise InputError(
                f"{path} unpacks to more than {HIGHEST_RATIO} times its size, which is read of no workbook. "
                "Save the sheet as CSV."
            )


def _undamaged(rows: Iterator[Sequence[Any]], path: Path) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            yield number, _cells(row)
    except _DAMAGES as error:
        raise InputError(
            f"{path} is damaged: {_said(error)}, after row {number}. Open it and save it again."
        ) from error


def _said(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")


def _cells(row: Sequence[Any]) -> list[str]:
    texts = [_cell(value) for value in row]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _cell(value: Any) -> str:  # noqa: ANN401
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()  # as Excel shows it
    if isinstance(value, datetime):  # a sheet knows no dates without a time
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
