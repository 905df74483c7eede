"""The dataset of trained models."""

import logging
from pathlib import Path

import pytest
from kedro.io import DatasetError

from codisearch.datasets.trained_model import TrainedModelDataset
from codisearch.errors import ModelError
from codisearch.retrieval.encoder import fingerprint_of, open_encoder
from codisearch.retrieval.trained import TrainedModel


@pytest.fixture
def model(tiny_encoder: Path) -> TrainedModel:
    """Return the tiny encoder as a trained model."""
    return TrainedModel("bi_encoder", open_encoder(str(tiny_encoder)), "card", {"fingerprint": "f"})


def test_round_trip(model: TrainedModel, tmp_path: Path) -> None:
    """What was saved is loaded, and the dataset exists from then on."""
    dataset = TrainedModelDataset(str(tmp_path / "m"), "bi_encoder", metadata={"layer": "models"})
    assert not dataset.exists()
    dataset.save(model)
    assert dataset.exists()
    loaded = dataset.load()
    assert (loaded.fingerprint, loaded.card) == ("f", "card")
    assert fingerprint_of(loaded.model) == fingerprint_of(model.model)
    assert dataset.metadata == {"layer": "models"}
    assert str(tmp_path / "m") in str(dataset)


def test_missing_model(tmp_path: Path) -> None:
    """A model that was never trained is an error whose text reaches the user."""
    dataset = TrainedModelDataset(str(tmp_path / "m"), "bi_encoder")
    with pytest.raises((ModelError, DatasetError), match=r"No trained bi_encoder in .*train it again"):
        dataset.load()


def test_optional_model_that_is_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An optional model that is not there is None, without a word."""
    with caplog.at_level(logging.WARNING, "codisearch"):
        assert TrainedModelDataset(str(tmp_path / "m"), "bi_encoder", optional=True).load() is None
    assert not caplog.records


def test_optional_model_that_is_there(model: TrainedModel, tmp_path: Path) -> None:
    """An optional model that is there is loaded."""
    model.save(tmp_path / "m")
    loaded = TrainedModelDataset(str(tmp_path / "m"), "bi_encoder", optional=True).load()
    assert loaded.fingerprint == "f"


@pytest.mark.parametrize("name", ["training.json", "model.safetensors"])
def test_optional_model_that_is_damaged(
    model: TrainedModel, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """An optional model that cannot be read is None, and a warning says why."""
    model.save(tmp_path / "m")
    (tmp_path / "m" / name).write_bytes(b"{")
    with caplog.at_level(logging.WARNING, "codisearch"):
        assert TrainedModelDataset(str(tmp_path / "m"), "bi_encoder", optional=True).load() is None
    assert "The earlier bi_encoder is left aside" in caplog.text


def test_optional_model_is_not_written(model: TrainedModel, tmp_path: Path) -> None:
    """Saving under the optional name is refused, and nothing is written."""
    with pytest.raises(DatasetError, match="read-only under this name"):
        TrainedModelDataset(str(tmp_path / "m"), "bi_encoder", optional=True).save(model)
    assert not (tmp_path / "m").exists()
