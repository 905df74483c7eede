"""The corpus of pairs: a folder with one CSV file for each language, one row for each pair."""

import csv
import io
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from codisearch.datasets.corpus_rows import COLUMNS, Problem, Row, check_rows, read_file
from codisearch.datasets.errors import DataFileError
from codisearch.errors import StorageError
from codisearch.languages import LANGUAGES, check_language

_SHOWN: Final = 20


class CorpusDataset(AbstractDataset[NoReturn, pd.DataFrame]):
    """A corpus folder as one table (`schemas.RAW_PAIRS`), checked row by row; read-only."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Point at a folder.

        Args:
            filepath: The folder with the files `<language>.csv`.
            metadata: Anything for plugins.
        """
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Return all pairs; see `read_corpus`."""
        return read_corpus(self._filepath)

    def save(self, data: NoReturn) -> None:
        """Refuse: a run never writes its own raw data; tools use `write_corpus`.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"{self._filepath} is read-only in a pipeline; write_corpus writes it.")

    def _exists(self) -> bool:
        return any(self._filepath.glob("*.csv"))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


def read_corpus(folder: Path) -> pd.DataFrame:
    """Return the pairs of every file `<language>.csv` in a folder, language by language, in the files' order.

    Raises:
        DataFileError: If there is no file, or if rows are malformed: all of them in all files are counted,
            and the first 20 named with file, line and rule.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise DataFileError(
            f"No corpus in {folder}: expected at least one file <language>.csv, the language one of "
            f"{', '.join(LANGUAGES)}, with the columns {','.join(COLUMNS)}."
        )
    rows: list[Row] = []
    problems: list[Problem] = []
    for path in files:
        for item in read_file(path):
            if isinstance(item, Row):
                rows.append(item)
            else:
                problems.append(item)
    problems.extend(check_rows(rows))
    if problems:
        raise DataFileError(_report(folder, problems))
    rows.sort(key=lambda row: LANGUAGES.index(row.values["language"]))
    return pd.DataFrame([row.values for row in rows], columns=list(COLUMNS), dtype="str")


def write_corpus(pairs: pd.DataFrame, folder: Path) -> list[Path]:
    """Write each language of `pairs` to its file, ordered by code, style and pair id; return the files.

    The files are written aside, read back with every check, and only then put in place, so a failure leaves
    the folder as it was. Files of languages that `pairs` does not hold are left alone.

    Raises:
        InputError: If a column is missing, a language unknown, or a row could not be read back.
        StorageError: If the folder cannot be written.
    """
    missing = [name for name in COLUMNS if name not in pairs.columns]
    if missing:
        raise DataFileError(f"Pairs without {', '.join(missing)}; expected columns: {','.join(COLUMNS)}.")
    if pairs.empty:
        raise DataFileError("No pairs to write: expected at least one row.")
    for language in pairs["language"].unique():
        check_language(language)  # it becomes a file's name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}.") from error
    try:
        return _write_aside_then_move(pairs, aside, folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_aside_then_move(pairs: pd.DataFrame, aside: Path, folder: Path) -> list[Path]:
    ordered = pairs.sort_values(["code", "style", "pair_id"], kind="stable")
    for language, rows in ordered.groupby("language", sort=True):
        lines = map(_csv_line, [COLUMNS, *rows[list(COLUMNS)].itertuples(index=False)])
        with (aside / f"{language}.csv").open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
    read_corpus(aside)
    return [path.replace(folder / path.name) for path in sorted(aside.glob("*.csv"))]


def _csv_line(fields: Iterable[str]) -> str:
    # With its default line end alone, the writer quotes every field that holds a line break of any kind.
    buffer = io.StringIO()
    csv.writer(buffer).writerow(fields)
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def _report(folder: Path, problems: list[Problem]) -> str:
    ordered = sorted(problems, key=lambda problem: (problem.file, problem.line))
    lines = [f"  {problem}" for problem in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        lines.append(f"  ... and {len(ordered) - _SHOWN} more")
    return "\n".join([f"The corpus in {folder} is malformed in {len(ordered)} places:", *lines])
