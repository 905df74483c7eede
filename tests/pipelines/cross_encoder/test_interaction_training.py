"""Training of an interaction cross-encoder on listwise groups."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch

from codisearch.pipelines.cross_encoder import nodes
from codisearch.pipelines.cross_encoder.card import write_card
from codisearch.pipelines.cross_encoder.params import CrossEncoderParams, FusionGrid, GroupParams
from codisearch.pipelines.cross_encoder.training import train_reranker
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import EncoderSpec, load_encoder, open_encoder
from codisearch.retrieval.interaction import WordInteraction
from codisearch.retrieval.trained import TrainedModel

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SIDES = ["left", "right", "bilateral"]
DISEASES = ["asthma", "hypertension", "nephropathy", "diabetes", "kidney", "throat", "chest", "pain"]
NOT_LISTED = pd.DataFrame({"code": [], "confusable": [], "qualifier": [], "difference": []}, dtype=str)


@pytest.fixture(scope="module")
def encoder(tiny_encoder: Path) -> "SentenceTransformer":
    """Return a static encoder over the tiny encoder's sub-words."""
    return load_encoder(EncoderSpec(source=str(tiny_encoder), kind="static", buckets=512))


@pytest.fixture(scope="module")
def side_groups() -> pd.DataFrame:
    """Return groups whose right title is the disease alone; wrong ones add a side or name another."""
    rng = np.random.default_rng(0)
    rows = []
    for group in range(96):
        right, other = rng.choice(DISEASES[:-2], 2, replace=False)
        rows += [
            (group, right, right, 1),
            (group, right, f"{right} {rng.choice(SIDES)}", 0),
            (group, right, other, 0),
        ]
    frame = pd.DataFrame(rows, columns=["group", "query", "document", "label"])
    return frame.assign(origin=np.where(frame["label"] == 1, "right", "rank"))


@pytest.fixture(scope="module")
def params(tiny_cross_encoder: Path) -> CrossEncoderParams:
    """Return parameters of a small interaction network."""
    return CrossEncoderParams.model_validate(
        {
            "kind": "interaction",
            "encoder": {"source": str(tiny_cross_encoder)},
            "layers": None,
            "max_length": 16,
            "max_steps": 1,
            "interaction": {"hidden": 8, "batch_size": 16, "epochs": 8, "learning_rate": 0.01},
        }
    )


def test_an_extra_word_costs(
    side_groups: pd.DataFrame, params: CrossEncoderParams, encoder: "SentenceTransformer"
) -> None:
    """For a disease that it never saw, a title with a side that was not asked for comes second."""
    training = train_reranker(side_groups, params, encoder)
    assert training.kind == "interaction"
    assert isinstance(training.model[0], WordInteraction)
    for disease, other in (("chest", "pain"), ("pain", "chest")):
        plain, sided, wrong = training.model.predict(
            [(disease, disease), (disease, f"{disease} left"), (disease, other)]
        )
        assert plain > sided
        assert plain > wrong
    losses = [entry["value"] for entry in training.history]
    assert losses[-1] < 0.5 * losses[0]
    assert training.pairs == 96 * 3 * 8  # its own epochs, without the transformer's limit of steps


def test_same_seed_same_model(
    side_groups: pd.DataFrame, params: CrossEncoderParams, encoder: "SentenceTransformer"
) -> None:
    """Two trainings of one seed give the same weights."""
    short = params.model_copy(update={"interaction": params.interaction.model_copy(update={"epochs": 1})})
    first, second = (train_reranker(side_groups, short, encoder).model.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_transformer_beside_a_transformer(
    side_groups: pd.DataFrame,
    params: CrossEncoderParams,
    tiny_encoder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where the bi-encoder has no word vectors, the cross-encoder is a transformer, and the log says so."""
    with caplog.at_level(logging.WARNING, "codisearch"):
        training = train_reranker(side_groups, params, open_encoder(str(tiny_encoder)))
    assert training.kind == "transformer"
    assert training.model.model.config.num_hidden_layers == 2
    assert training.pairs == 16 * 3  # the one step of sixteen groups that the transformer may take
    assert "becomes a transformer" in caplog.text


def test_facts_and_card(
    params: CrossEncoderParams,
    encoder: "SentenceTransformer",
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    no_aliases: pd.DataFrame,
    no_titles: pd.DataFrame,
    tmp_path: Path,
) -> None:
    """The nodes' model knows its kind and its own hyper-parameters, and its card says them."""
    bi_encoder = TrainedModel("bi_encoder", encoder, "# Bi-encoder", {})
    small = params.model_copy(
        update={
            "groups": GroupParams(queries=6, candidates=4, from_tree=1, depth=8),
            "fusion": FusionGrid(depths=(3,), weights=(0.2,), queries=3),
        }
    )
    stage = nodes.build_first_stage(
        bi_encoder, tiny_code_set, tiny_pairs, no_aliases, no_titles, EmbeddingCache(tmp_path / "cache")
    )
    groups = nodes.mine_reranker_groups(*stage, tiny_pairs, tiny_code_set, NOT_LISTED, small)
    model = nodes.train_cross_encoder(groups, tiny_pairs, tiny_code_set, *stage, None, small)
    assert model.facts["kind"] == "interaction"
    assert model.facts["encoder"] == {"source": "the bi-encoder", "kind": "interaction"}
    assert model.facts["training"] == {**small.interaction.model_dump(), "seed": small.seed}
    assert "the word vectors of the bi-encoder" in model.card
    assert "hidden 8" in model.card
    facts = {**model.facts, "kind": "transformer", "encoder": {"source": "x/y"}, "layers": 2}
    assert "`x/y`, first 2 layers" in write_card(facts)


@pytest.mark.parametrize(
    "wrong", [{"kind": "static"}, {"interaction": {"layers": 2}}, {"interaction": {"dropout": 1.0}}]
)
def test_settings_that_are_refused(wrong: dict[str, object]) -> None:
    """An unknown kind, an unknown key of the network and a dropout of everything are errors."""
    with pytest.raises(ValueError, match="1 validation error"):
        CrossEncoderParams.model_validate(wrong)
