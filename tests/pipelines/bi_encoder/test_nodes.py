"""The nodes, and the pipeline that they form."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from codisearch.pipelines.bi_encoder import create_pipeline, nodes
from codisearch.pipelines.bi_encoder.params import (
    BiEncoderParams,
    CandidateParams,
    TrainingDataParams,
    ValidationParams,
)
from codisearch.retrieval.encoder import identity_of
from codisearch.retrieval.trained import TrainedModel

Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def params(static_candidate: CandidateParams, transformer_candidate: CandidateParams) -> BiEncoderParams:
    """Return parameters with a candidate that hardly learns before one that does."""
    return BiEncoderParams(
        seed=1,
        data=TrainingDataParams(corpus_repeats=1, code_set_pairs=False, title_noise=0),
        validation=ValidationParams(documents=30),
        candidates=(transformer_candidate, static_candidate),
    )


@pytest.fixture(scope="module")
def groups(toy_pairs: pd.DataFrame, toy_code_set: pd.DataFrame, params: BiEncoderParams) -> pd.DataFrame:
    """Return the groups of the toy task, by the node."""
    columns = ("alias", "title", "code", "language", "source", "confusable")
    nothing = pd.DataFrame(columns=columns, dtype=str)
    return nodes.build_bi_encoder_groups(toy_pairs, toy_code_set, nothing, nothing, nothing, params)


@pytest.fixture(scope="module")
def frames(groups: pd.DataFrame, toy_pairs: pd.DataFrame, toy_code_set: pd.DataFrame) -> Frames:
    """Return what a training is given."""
    return groups, toy_pairs, toy_code_set


@pytest.fixture(scope="module")
def trained(frames: Frames, params: BiEncoderParams) -> TrainedModel:
    """Return the model of a first run."""
    return nodes.train_bi_encoder(*frames, None, params)


def test_groups_node(groups: pd.DataFrame) -> None:
    """The node makes a group of each of the 40 training rows."""
    assert groups["source"].tolist() == ["corpus:formal"] * 40


def test_better_candidate_is_chosen(trained: TrainedModel) -> None:
    """The candidate with the higher recall is the model, and both are told."""
    assert trained.facts["chosen"] == "static"
    candidates = pd.DataFrame(trained.facts["candidates"])
    assert candidates["encoder"].tolist() == ["transformer", "static"]
    assert candidates["chosen"].tolist() == [False, True]
    assert candidates["recall@5"].iloc[1] > candidates["recall@5"].iloc[0]
    assert candidates["pairs"].iloc[0] == 16
    assert (candidates["pairs_per_second"] > 0).all()
    assert trained.facts["encoder"]["kind"] == "static"
    assert trained.facts["groups"] == {"corpus:formal": 40}
    assert trained.facts["validation"] == {"queries": 20, "documents": 24}


def test_facts_survive_json(trained: TrainedModel) -> None:
    """Nothing in the facts is lost in a JSON file."""
    assert json.loads(json.dumps(trained.facts)) == trained.facts


def test_model_card(trained: TrainedModel, tiny_encoder: Path) -> None:
    """The card tells the start, the kind, the data, the seed and what validation said of each candidate."""
    assert trained.card.startswith("---\nlibrary_name: sentence-transformers\n")
    for part in (
        "# Bi-encoder for ICD-10-CM codes: static",
        f"`{tiny_encoder}`, used as a static embedding",
        "40 corpus:formal",
        "batch_size 16",
        "seed 1;",
        "**Validation** (20 queries against 24 codes)",
        "transformer recall@5 ",
        f"-> {trained.facts['candidates'][1]['recall@5']:.3f}",
        "not verified by clinicians",
    ):
        assert part in trained.card
    assert "{" not in trained.card


def test_kept_when_nothing_changed(
    trained: TrainedModel, frames: Frames, params: BiEncoderParams, tmp_path: Path
) -> None:
    """A second run with the same inputs returns the earlier model itself, also when read from its folder."""
    assert nodes.train_bi_encoder(*frames, trained, params) is trained
    trained.save(tmp_path / "m")
    loaded = TrainedModel.load(tmp_path / "m", "bi_encoder")
    assert nodes.train_bi_encoder(*frames, loaded, params) is loaded


def one_step(params: BiEncoderParams, **update: object) -> BiEncoderParams:
    """Return parameters with one step of the second candidate only, and an update."""
    quick = params.candidates[1].model_copy(update={"max_steps": 1, **update})
    return params.model_copy(update={"candidates": (quick,)})


def test_trained_again_when_something_changed(frames: Frames, params: BiEncoderParams) -> None:
    """Another parameter, group, validation query, relevant code or title gives another fingerprint."""
    groups, pairs, code_set = frames
    first = nodes.train_bi_encoder(*frames, None, one_step(params))
    asked = (pairs["split"] == "validation") & (pairs["code"] == "A00.0")
    new_query = pairs.assign(query=pairs["query"].mask(asked, "new"))
    new_code = pairs.assign(code=pairs["code"].mask(asked, "A01.3"))
    new_title = code_set.assign(title=code_set["title"].replace("zone 3", "area 3"))
    changes = [
        ((groups, pairs, code_set), one_step(params, learning_rate=0.04)),
        ((groups.iloc[1:], pairs, code_set), one_step(params)),
        ((groups, new_query, code_set), one_step(params)),
        ((groups, new_code, code_set), one_step(params)),
        ((groups, pairs, new_title), one_step(params)),
    ]
    found = [nodes.train_bi_encoder(*inputs, first, changed) for inputs, changed in changes]
    assert all(model is not first for model in found)
    assert len({first.fingerprint, *(model.fingerprint for model in found)}) == 6


def test_trained_again_when_the_start_changed(
    frames: Frames, params: BiEncoderParams, tiny_encoder: Path, tmp_path: Path
) -> None:
    """Other weights in the folder that training starts from are noticed, though its name is the same."""
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "start"))
    encoder = params.candidates[1].encoder.model_copy(update={"source": str(folder)})
    quick = one_step(params, encoder=encoder)
    first = nodes.train_bi_encoder(*frames, None, quick)
    assert nodes.train_bi_encoder(*frames, first, quick) is first
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.word_embeddings.weight"] += 1
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert nodes.train_bi_encoder(*frames, first, quick) is not first


def test_hub_id_is_its_own_identity() -> None:
    """A hub model is known by its id, since its weights are not at hand."""
    assert identity_of("owner/name") == "owner/name"


def test_description(trained: TrainedModel) -> None:
    """The tables and the tracked metrics are those of the facts, the latter of the chosen candidate alone."""
    candidates, history, metrics = nodes.describe_training(trained)
    assert candidates["encoder"].tolist() == ["transformer", "static"]
    assert set(history["candidate"]) == {"transformer", "static"}
    assert sorted(metrics) == [
        "train_loss",
        "validation_mrr",
        "validation_recall_at_1",
        "validation_recall_at_10",
        "validation_recall_at_5",
    ]
    chosen = history[(history["candidate"] == "static") & (history["metric"] == "recall@5")]
    assert metrics["validation_recall_at_5"] == chosen[["step", "value"]].to_dict("records")
    assert metrics["validation_recall_at_5"][0]["step"] == 0


def test_description_of_facts_alone() -> None:
    """Only facts are looked at: a loss of step 1 and a recall of step 0 become one point each."""
    facts: Mapping[str, object] = {
        "chosen": "a",
        "candidates": [{"encoder": "a"}],
        "history": [
            {"candidate": "a", "step": 0, "metric": "recall@5", "value": 0.25},
            {"candidate": "a", "step": 1, "metric": "loss", "value": 2.0},
            {"candidate": "b", "step": 1, "metric": "loss", "value": 9.0},
        ],
    }
    _, _, metrics = nodes.describe_training(TrainedModel("bi_encoder", None, "", facts))
    assert metrics == {
        "train_loss": [{"step": 1, "value": 2.0}],
        "validation_recall_at_5": [{"step": 0, "value": 0.25}],
    }


def test_pipeline() -> None:
    """Three nodes turn pairs and the code set into the model and its description."""
    pipeline = create_pipeline()
    assert [node.name for node in pipeline.nodes] == [
        "build_bi_encoder_groups",
        "train_bi_encoder",
        "describe_bi_encoder_training",
    ]
    assert pipeline.inputs() == {
        "pairs",
        "code_set",
        "index_aliases",
        "national_titles",
        "confusables",
        "previous_bi_encoder",
        "params:bi_encoder",
    }
    assert pipeline.outputs() == {"encoder_candidates", "bi_encoder_history", "bi_encoder_metrics"}
