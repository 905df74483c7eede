"""The ledger in the catalog."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from codisearch.datasets.ledger import LedgerDataset


def test_load_opens_nothing(tmp_path: Path):
    """A ledger that is not there yet can be loaded, and no file is made."""
    dataset = LedgerDataset(filepath=str(tmp_path / "ledger.sqlite"))
    assert dataset.load().totals().spent.requests == 0
    assert list(tmp_path.iterdir()) == []


def test_save_is_refused(tmp_path: Path):
    """It is appended to, never replaced."""
    dataset = LedgerDataset(filepath=str(tmp_path / "ledger.sqlite"))
    with pytest.raises(DatasetError, match="append-only"):
        dataset.save("x")  # type: ignore[arg-type]
    assert "ledger.sqlite" in str(dataset)
