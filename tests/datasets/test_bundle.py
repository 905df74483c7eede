"""The dataset of the bundle."""

from pathlib import Path

import pandas as pd
import pytest
from bundles import make_bundle
from kedro.io import DatasetError

from codisearch.datasets.bundle import BundleDataset
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.encoder import open_encoder
from codisearch.retrieval.trained import open_cross_encoder


@pytest.fixture(scope="module")
def bundle(tiny_encoder: Path, tiny_cross_encoder: Path) -> Bundle:
    """Return a bundle of one code."""
    encoder = open_encoder(str(tiny_encoder))
    return make_bundle(
        encoder,
        open_cross_encoder(str(tiny_cross_encoder)),
        pd.DataFrame({"code": ["J45"], "title": ["Asthma"], "billable": [False]}),
        pd.DataFrame(
            {"alias": ["Asthma"], "code": ["J45"], "language": ["en"], "source": ["official_title"]}
        ),
    )


def test_round_trip(bundle: Bundle, tmp_path: Path) -> None:
    """What was saved is loaded, and the dataset exists from then on."""
    dataset = BundleDataset(str(tmp_path / "bundle"), metadata={"layer": "models"})
    assert not dataset.exists()
    dataset.save(bundle)
    assert dataset.exists()
    loaded = dataset.load()
    pd.testing.assert_frame_equal(loaded.codes, bundle.codes)
    assert loaded.manifest.checksums
    assert loaded.manifest.created == bundle.manifest.created
    assert dataset.metadata == {"layer": "models"}
    assert str(tmp_path / "bundle") in str(dataset)


def test_damaged_bundle(bundle: Bundle, tmp_path: Path) -> None:
    """The reason why a bundle cannot be read reaches the user through Kedro."""
    dataset = BundleDataset(str(tmp_path / "bundle"))
    dataset.save(bundle)
    (tmp_path / "bundle" / "codes.parquet").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"is corrupted: codes\.parquet should have SHA-256"):
        dataset.load()


def test_missing_bundle(tmp_path: Path) -> None:
    """A bundle that was never made is an error that says how to make one."""
    with pytest.raises(DatasetError, match=r"No bundle at .* `kedro run` makes one"):
        BundleDataset(str(tmp_path / "bundle")).load()
