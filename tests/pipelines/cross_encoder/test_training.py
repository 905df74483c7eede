"""Training on listwise groups."""

from pathlib import Path

import pandas as pd
import pytest

from codisearch.errors import ModelError
from codisearch.pipelines.cross_encoder.params import CrossEncoderParams
from codisearch.pipelines.cross_encoder.training import train_reranker
from codisearch.retrieval.encoder import EncoderSpec


@pytest.fixture
def params(tiny_cross_encoder: Path) -> CrossEncoderParams:
    """Return parameters that learn the toy preference in seconds."""
    return CrossEncoderParams(
        encoder=EncoderSpec(source=str(tiny_cross_encoder)),
        layers=None,
        batch_size=8,
        learning_rate=2e-3,
        epochs=8,
        max_length=16,
    )


def test_learns_a_preference(toy_groups: pd.DataFrame, params: CrossEncoderParams) -> None:
    """After training, the document that was always right is preferred for a query that was never asked."""
    training = train_reranker(toy_groups, params)
    throat, asthma = training.model.predict([("juvenile", "pain in throat"), ("juvenile", "asthma")])
    assert throat > asthma
    losses = [entry["value"] for entry in training.history]
    assert losses[-1] < losses[0]
    assert [entry["step"] for entry in training.history] == list(range(1, 25))  # 24 groups / 8 x 8 epochs
    assert training.pairs == 24 * 3 * 8
    assert training.seconds > 0


@pytest.mark.parametrize("loss", ["lambda", "p_list_mle"])
def test_other_losses(toy_groups: pd.DataFrame, params: CrossEncoderParams, loss: str) -> None:
    """The other losses run as well; a limit of steps and of layers holds."""
    few = params.model_copy(update={"loss": loss, "max_steps": 2, "layers": 1})
    training = train_reranker(toy_groups, few)
    assert training.model.model.config.num_hidden_layers == 1
    assert training.pairs == 2 * 8 * 3
    assert {entry["metric"] for entry in training.history} == {"loss"}


def test_no_encoder(toy_groups: pd.DataFrame, params: CrossEncoderParams, tmp_path: Path) -> None:
    """An empty folder is no encoder to start from."""
    broken = params.model_copy(update={"encoder": EncoderSpec(source=str(tmp_path))})
    with pytest.raises(ModelError, match=str(tmp_path)):
        train_reranker(toy_groups, broken)


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_on_a_processor(
    toy_groups: pd.DataFrame, params: CrossEncoderParams, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    """A processor with bfloat16 trains with it, one without trains without."""
    monkeypatch.setattr("codisearch.pipelines.cross_encoder.training.supports_bfloat16", lambda: native)
    training = train_reranker(toy_groups, params.model_copy(update={"max_steps": 1}))
    assert training.pairs == 8 * 3
