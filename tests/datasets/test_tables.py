"""Tests of Parquet tables with lists."""

from pathlib import Path

import pandas as pd

from codisearch.datasets.tables import ListParquetDataset, OptionalCsvDataset


def test_lists_come_back_as_lists(tmp_path: Path):
    """Lists, empty ones too, keep their type through a file; other columns are untouched."""
    dataset = ListParquetDataset(filepath=tmp_path / "table.parquet")
    table = pd.DataFrame(
        {"code": pd.Series(["I10", "A00"], dtype="str"), "terms": [["a", "b"], []], "n": [1, 2]}
    )
    dataset.save(table)
    found = dataset.load()
    assert found["terms"].tolist() == [["a", "b"], []]
    assert all(type(cell) is list for cell in found["terms"])
    pd.testing.assert_frame_equal(found, table)


def test_preview_can_be_written_as_json(tmp_path: Path):
    """The rows that Kedro-Viz shows hold lists, not arrays."""
    dataset = ListParquetDataset(filepath=tmp_path / "table.parquet")
    dataset.save(pd.DataFrame({"code": ["I10", "A00"], "terms": [["a"], []]}))
    assert dataset.preview(1) == {"index": [0], "columns": ["code", "terms"], "data": [["I10", ["a"]]]}


def test_table_without_rows(tmp_path: Path):
    """An empty table is read as it is."""
    dataset = ListParquetDataset(filepath=tmp_path / "table.parquet")
    dataset.save(pd.DataFrame({"code": pd.Series([], dtype="str")}))
    assert dataset.load().empty


def test_optional_csv(tmp_path: Path) -> None:
    """An absent file is an empty table; one that is there is read."""
    dataset = OptionalCsvDataset(filepath=str(tmp_path / "table.csv"))
    assert dataset.load().empty
    (tmp_path / "table.csv").write_text("a,b\n1,x\n", encoding="utf-8")
    assert dataset.load().to_dict(orient="list") == {"a": [1], "b": ["x"]}
