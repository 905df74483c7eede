"""Parquet tables with columns of lists, and CSV tables that may be absent."""

from typing import Any

import numpy as np
import pandas as pd
from kedro_datasets._typing import TablePreview
from kedro_datasets.pandas import CSVDataset, ParquetDataset


class ListParquetDataset(ParquetDataset):  # type: ignore[misc]  # kedro_datasets has no types
    """A Parquet file whose list columns come back as plain lists.

    pandas reads them as numpy arrays, for which `if terms:` and `terms + more` mean something else.
    """

    def load(self) -> pd.DataFrame:
        """Return the table, lists as lists."""
        table: pd.DataFrame = super().load()
        lists = [name for name in table.columns if _holds_arrays(table[name])]
        return table.assign(**{name: table[name].map(_as_list).astype(object) for name in lists})

    def preview(self, nrows: int = 5) -> TablePreview:
        """Return the first rows for Kedro-Viz, lists as lists."""
        split: dict[str, Any] = super().preview(nrows)
        return {**split, "data": [[_as_list(cell) for cell in row] for row in split["data"]]}


class OptionalCsvDataset(CSVDataset):  # type: ignore[misc]  # kedro_datasets has no types
    """A CSV file that another pipeline writes; while it is absent, a table without columns and rows."""

    def load(self) -> pd.DataFrame:
        """Return the table, or an empty one."""
        table: pd.DataFrame = super().load() if self._exists() else pd.DataFrame()
        return table


def _holds_arrays(column: "pd.Series[Any]") -> bool:
    return any(isinstance(cell, np.ndarray) for cell in column.head(1))


def _as_list(cell: object) -> object:
    return cell.tolist() if isinstance(cell, np.ndarray) else cell
