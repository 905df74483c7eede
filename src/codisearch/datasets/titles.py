"""National titles of codes, a CSV file for each language."""

import csv
from pathlib import Path
from typing import Any, Final, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from codisearch.datasets.errors import DataFileError
from codisearch.languages import check_language

_COLUMNS: Final = ("code", "title")


class TitlesDataset(AbstractDataset[NoReturn, pd.DataFrame]):
    """One language's titles: a CSV file (UTF-8) with the columns `code` and `title`.

    Further columns are ignored. The file may be absent, which is the same as one without rows. The dataset is
    read-only.
    """

    def __init__(self, *, filepath: str, language: str, metadata: dict[str, Any] | None = None) -> None:
        """Point at a file.

        Args:
            filepath: The CSV file.
            language: The language of its titles.
            metadata: Anything for plugins.

        Raises:
            InputError: If the language is not one of the six.
        """
        self._filepath = Path(filepath)
        self._language = check_language(language)
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Return `code`, `title` and `language` of every row, texts as they stand in the file.

        Raises:
            DataFileError: If the file is not UTF-8, lacks a column or has rows of another length.
        """
        rows: list[tuple[str, str]] = []
        if self._filepath.exists():
            rows = self._read()
        return pd.DataFrame(rows, columns=list(_COLUMNS), dtype="str").assign(
            language=pd.Series([self._language] * len(rows), dtype="str")
        )

    def _read(self) -> list[tuple[str, str]]:
        try:
            with self._filepath.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                header = [name.strip() for name in next(reader, [])]
                self._check_header(header)
                code, title = (header.index(name) for name in _COLUMNS)
                return [
                    (row[code], row[title]) for row in reader if self._whole(row, header, reader.line_num)
                ]
        except UnicodeDecodeError as error:
            raise DataFileError(
                f"{self._filepath} is not UTF-8: {error}. Expected columns: code,title."
            ) from error
        except csv.Error as error:
            raise DataFileError(
                f"{self._filepath} is not CSV: {error}. Expected columns: code,title."
            ) from error

    def _check_header(self, header: list[str]) -> None:
        if not set(_COLUMNS) <= set(header):
            raise DataFileError(
                f"{self._filepath}: expected a header with the columns code,title, separated by a comma; "
                f"found {','.join(header)!r}."
            )

    def _whole(self, row: list[str], header: list[str], line: int) -> bool:
        """Tell whether a row has its fields; an empty line has none and is passed over."""
        if row and len(row) != len(header):
            raise DataFileError(
                f"{self._filepath}, line {line}: expected {len(header)} fields ({','.join(header)}), "
                f"found {len(row)}."
            )
        return bool(row)

    def save(self, data: NoReturn) -> None:
        """Refuse: titles are written by the site that owns them.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"{self._filepath} is read-only.")

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "language": self._language}
