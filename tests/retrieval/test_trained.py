"""Trained models as folders."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codisearch.errors import ModelError, StorageError
from codisearch.retrieval.encoder import encode, open_encoder
from codisearch.retrieval.trained import TrainedModel, fingerprint_of_training, open_cross_encoder

FACTS = {
    "fingerprint": "0123456789abcdef",
    "seconds": 1.5,
    "history": [{"step": 1, "metric": "loss", "value": 2.0}],
}
PAIRS = [("asthma", "Asthma"), ("asthma", "Pain in throat")]


@pytest.fixture
def bi_encoder(tiny_encoder: Path) -> TrainedModel:
    """Return the tiny encoder with facts and a card."""
    return TrainedModel("bi_encoder", open_encoder(str(tiny_encoder)), "# Card: Català", FACTS)


def test_bi_encoder_round_trip(bi_encoder: TrainedModel, tmp_path: Path) -> None:
    """Vectors, card and facts come back; weights are safetensors and nothing is a pickle."""
    folder = tmp_path / "model"
    bi_encoder.save(folder)
    loaded = TrainedModel.load(folder, "bi_encoder")
    np.testing.assert_allclose(
        encode(loaded.model, ["asthma"]), encode(bi_encoder.model, ["asthma"]), atol=1e-6
    )
    assert (loaded.card, loaded.facts, loaded.fingerprint) == ("# Card: Català", FACTS, FACTS["fingerprint"])
    files = {path.name for path in folder.rglob("*") if path.is_file()}
    assert "model.safetensors" in files
    assert not any(name.endswith((".bin", ".pkl", ".pt")) for name in files)


def test_cross_encoder_round_trip(tiny_cross_encoder: Path, tmp_path: Path) -> None:
    """A cross-encoder gives the same scores after a save and a load."""
    model = open_cross_encoder(str(tiny_cross_encoder), max_length=32)
    scores = model.predict(PAIRS)
    assert scores.shape == (2,)
    TrainedModel("cross_encoder", model, "card", {}).save(tmp_path / "model")
    loaded = TrainedModel.load(tmp_path / "model", "cross_encoder")
    np.testing.assert_allclose(loaded.model.predict(PAIRS), scores, atol=1e-6)
    assert loaded.fingerprint == ""


def test_missing_cross_encoder(tmp_path: Path) -> None:
    """A folder that holds no model is named in the message."""
    with pytest.raises(ModelError, match="Cannot load the cross-encoder") as caught:
        open_cross_encoder(str(tmp_path))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["training.json", "README.md"])
def test_incomplete_folder(bi_encoder: TrainedModel, tmp_path: Path, name: str) -> None:
    """A folder without facts or card says which is missing and what to do."""
    bi_encoder.save(tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    with pytest.raises(ModelError, match=rf"No trained bi_encoder in .*{name} is missing; train it again"):
        TrainedModel.load(tmp_path / "model", "bi_encoder")


@pytest.mark.parametrize(("name", "content"), [("training.json", b"{"), ("README.md", b"\xff")])
def test_damaged_folder(bi_encoder: TrainedModel, tmp_path: Path, name: str, content: bytes) -> None:
    """Facts that are no JSON and a card that is no text are model errors, not a traceback."""
    bi_encoder.save(tmp_path / "model")
    (tmp_path / "model" / name).write_bytes(content)
    with pytest.raises(ModelError, match=r"cannot be read: .*train it again"):
        TrainedModel.load(tmp_path / "model", "bi_encoder")


def test_failed_save_keeps_the_model(bi_encoder: TrainedModel, tmp_path: Path) -> None:
    """Where the disk fills up while a second model is written, the first is still there, whole."""

    class FullDisk:
        def save_pretrained(self, folder: str, **_: object) -> None:
            (Path(folder) / "model.safetensors").touch()
            raise RuntimeError("I/O error: No space left on device (os error 28)")

    folder = tmp_path / "model"
    bi_encoder.save(folder)
    with pytest.raises(StorageError, match="No space left to write"):
        TrainedModel("bi_encoder", FullDisk(), "", {}).save(folder)
    assert TrainedModel.load(folder, "bi_encoder").facts == FACTS
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_facts_are_readable(bi_encoder: TrainedModel, tmp_path: Path) -> None:
    """The facts are JSON that a person can open."""
    bi_encoder.save(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "training.json").read_text(encoding="utf-8")) == FACTS


def test_fingerprint_of_training() -> None:
    """Equal parts give equal fingerprints whatever the order of keys; each part, cell and order counts."""
    frame = pd.DataFrame({"query": ["a", "b"], "relevant": [["I10"], ["I10", "E11"]]})
    parts = ("recipe", frame, {"a": 1, "b": (2, 3)})
    found = fingerprint_of_training(*parts)
    assert found == fingerprint_of_training("recipe", frame.copy(), {"b": (2, 3), "a": 1})
    assert len(found) == 16
    others = [
        ("recipe-2", frame, parts[2]),
        ("recipe", frame.iloc[::-1], parts[2]),
        ("recipe", frame.assign(query=["a", "c"]), parts[2]),
        ("recipe", frame, {"a": 1, "b": (2, 4)}),
        ("recipe", frame),
    ]
    assert len({found, *(fingerprint_of_training(*other) for other in others)}) == 6
