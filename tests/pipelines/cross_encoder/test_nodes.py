"""The nodes of the cross-encoder pipeline."""

import logging
import shutil
from pathlib import Path

import pandas as pd
import pytest

from codisearch.pipelines.cross_encoder import create_pipeline, nodes
from codisearch.pipelines.cross_encoder.params import CrossEncoderParams, FusionGrid, GroupParams
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import EncoderSpec, identity_of
from codisearch.retrieval.index import DenseRanker
from codisearch.retrieval.reranker import Documents
from codisearch.retrieval.trained import TrainedModel

NOT_LISTED = pd.DataFrame({"code": [], "confusable": [], "qualifier": [], "difference": []}, dtype=str)
Stage = tuple[DenseRanker, Documents]


@pytest.fixture(scope="module")
def stage(
    trained_encoder: TrainedModel,
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    no_aliases: pd.DataFrame,
    no_titles: pd.DataFrame,
    embedding_cache: EmbeddingCache,
) -> Stage:
    """Return the first stage and the documents."""
    return nodes.build_first_stage(
        trained_encoder, tiny_code_set, tiny_pairs, no_aliases, no_titles, embedding_cache
    )


@pytest.fixture(scope="module")
def params(tiny_cross_encoder: Path) -> CrossEncoderParams:
    """Return parameters for two steps of training."""
    return CrossEncoderParams(
        encoder=EncoderSpec(source=str(tiny_cross_encoder)),
        layers=None,
        groups=GroupParams(queries=6, candidates=4, from_tree=1, depth=8),
        batch_size=4,
        max_steps=2,
        max_length=32,
        fusion=FusionGrid(depths=(3, 5), weights=(0.2,), queries=3),
    )


@pytest.fixture(scope="module")
def groups(
    stage: Stage, tiny_pairs: pd.DataFrame, tiny_code_set: pd.DataFrame, params: CrossEncoderParams
) -> pd.DataFrame:
    """Return the groups of six training queries."""
    return nodes.mine_reranker_groups(*stage, tiny_pairs, tiny_code_set, NOT_LISTED, params)


@pytest.fixture(scope="module")
def trained(
    groups: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    tiny_code_set: pd.DataFrame,
    stage: Stage,
    params: CrossEncoderParams,
) -> TrainedModel:
    """Return the trained cross-encoder."""
    return nodes.train_cross_encoder(groups, tiny_pairs, tiny_code_set, *stage, None, params)


def test_pipeline() -> None:
    """The pipeline makes the groups, the model and what it tells of its training."""
    outputs = {"cross_encoder", "fusion_choice", "cross_encoder_history", "cross_encoder_metrics"}
    assert outputs | {"reranker_groups"} <= create_pipeline().all_outputs()


def test_first_stage_holds_no_query(stage: Stage, tiny_pairs: pd.DataFrame) -> None:
    """Aliases of the first stage are all but corpus queries, which the mined queries would find at once."""
    first, documents = stage
    assert set(documents.sources) == {"official_title", "inclusion_term"}
    assert not set(documents.aliases) & set(tiny_pairs["query"])
    assert first.index.ntotal == len(documents.aliases) == 18


def test_groups_of_training_queries(groups: pd.DataFrame, tiny_pairs: pd.DataFrame) -> None:
    """Groups are of training queries alone, one right candidate in each."""
    train = set(tiny_pairs.loc[tiny_pairs["split"] == "train", "query"])
    assert set(groups["query"]) <= train
    assert groups["group"].nunique() == 6
    assert (groups.groupby("group")["label"].sum() == 1).all()


def test_facts(trained: TrainedModel, groups: pd.DataFrame, params: CrossEncoderParams) -> None:
    """The model knows what it was made of, and its card says so."""
    facts = trained.facts
    assert facts["groups"] == 6
    assert facts["origins"]["right"] == 6
    assert sum(facts["origins"].values()) == len(groups)
    assert facts["validation_queries"] == 3
    assert facts["fusion"]["depth"] in {0, 3, 5}
    assert len(facts["fusion_table"]) == 3 * 3  # none, depth 3, depth 5; es, fr, all
    assert facts["training"]["max_steps"] == params.max_steps
    assert "6 listwise groups" in trained.card
    assert f"depth {facts['fusion']['depth']}" in trained.card


def test_description(trained: TrainedModel) -> None:
    """Fusions, history and the losses for tracking are those of the facts."""
    table, history, tracked = nodes.describe_reranker(trained)
    assert table["chosen"].sum() == 3
    assert history["candidate"].unique().tolist() == ["cross_encoder"]
    assert [entry["step"] for entry in tracked["reranker_train_loss"]] == [1, 2]
    assert tracked["reranker_train_loss"][0]["value"] == history["value"].iloc[0]


def test_previous_model_is_kept(
    trained: TrainedModel,
    groups: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    tiny_code_set: pd.DataFrame,
    stage: Stage,
    params: CrossEncoderParams,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With nothing new, the model of the earlier run is the result."""
    with caplog.at_level(logging.INFO, "codisearch"):
        again = nodes.train_cross_encoder(groups, tiny_pairs, tiny_code_set, *stage, trained, params)
    assert again is trained
    assert "the trained one is kept" in caplog.text


def test_what_decides_a_training(
    trained: TrainedModel,
    groups: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    tiny_code_set: pd.DataFrame,
    stage: Stage,
    params: CrossEncoderParams,
    tiny_cross_encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other groups, parameters, aliases or weights train anew."""

    class TrainingError(Exception):
        """Raised instead of a training."""

    def train(*_: object) -> None:
        raise TrainingError

    monkeypatch.setattr(nodes, "train_reranker", train)
    first, documents = stage
    folder = tmp_path / "copy"
    shutil.copytree(tiny_cross_encoder, folder)
    (folder / "model.safetensors").write_bytes(b"other weights")
    changes = [
        (groups.head(-1), documents, params),
        (groups, documents, params.model_copy(update={"seed": 8})),
        (groups, Documents(documents.titles, documents.aliases[:-1], documents.sources[:-1]), params),
        (groups, documents, params.model_copy(update={"encoder": EncoderSpec(source=str(folder))})),
    ]
    for changed_groups, changed_documents, changed in changes:
        with pytest.raises(TrainingError):
            nodes.train_cross_encoder(
                changed_groups, tiny_pairs, tiny_code_set, first, changed_documents, trained, changed
            )


def test_identity_of_weights(tiny_cross_encoder: Path, tmp_path: Path) -> None:
    """The identity of a folder is that of its weights, wherever it lies; a hub model's is its id."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny_cross_encoder, copy)
    assert identity_of(str(copy)) == identity_of(str(tiny_cross_encoder))
    (copy / "model.safetensors").write_bytes(b"other weights")
    assert identity_of(str(copy)) != identity_of(str(tiny_cross_encoder))
    assert identity_of("owner/name") == "owner/name"
