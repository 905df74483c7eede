"""Training of one candidate, with real if tiny encoders."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from codisearch.errors import InputError, ModelError
from codisearch.pipelines.bi_encoder.groups import build_groups
from codisearch.pipelines.bi_encoder.params import (
    BiEncoderParams,
    CandidateParams,
    TrainingDataParams,
    ValidationParams,
)
from codisearch.pipelines.bi_encoder.sampling import UniqueCodeBatchSampler
from codisearch.pipelines.bi_encoder.training import TrainingResult, train_candidate
from codisearch.pipelines.bi_encoder.validation import RetrievalTask, build_task
from codisearch.retrieval.encoder import EncoderSpec, encode, fingerprint_of, load_encoder

PARAMS = TrainingDataParams(corpus_repeats=1, code_set_pairs=False, title_noise=0)


@pytest.fixture(scope="module")
def groups(toy_pairs: pd.DataFrame, toy_code_set: pd.DataFrame) -> pd.DataFrame:
    """Return the groups of the toy task."""
    columns = ("alias", "title", "code", "language", "source", "confusable")
    nothing = pd.DataFrame(columns=columns, dtype=str)
    return build_groups(toy_pairs, toy_code_set, nothing, nothing, nothing, PARAMS, seed=1)


@pytest.fixture(scope="module")
def task(toy_pairs: pd.DataFrame, toy_code_set: pd.DataFrame) -> RetrievalTask:
    """Return the validation task of the toy task: 20 queries against 24 codes."""
    return build_task(toy_pairs, toy_code_set, ValidationParams(), seed=1)


@pytest.fixture(scope="module")
def result(groups: pd.DataFrame, task: RetrievalTask, static_candidate: CandidateParams) -> TrainingResult:
    """Return the trained static candidate."""
    return train_candidate(groups, task, static_candidate, seed=1)


def recall_at_5(result: TrainingResult, task: RetrievalTask) -> float:
    """Count the queries with a right code in the first five, without the library's evaluator."""
    documents = list(task.documents)
    scores = (
        encode(result.model, list(task.queries.values()))
        @ encode(result.model, list(task.documents.values())).T
    )
    first = np.argsort(-scores, axis=1)[:, :5]
    wanted = list(task.relevant.values())
    return float(np.mean([any(documents[n] in w for n in row) for row, w in zip(first, wanted, strict=True)]))


def values(result: TrainingResult, metric: str) -> dict[int, float]:
    """Return a metric of the history by step."""
    return {entry["step"]: entry["value"] for entry in result.history if entry["metric"] == metric}


def test_it_learns(result: TrainingResult, task: RetrievalTask) -> None:
    """Stems without a meaning are not matched before training; after it most find their title in five."""
    assert values(result, "recall@5")[0] < 0.5
    assert result.recall_at_5 > 0.8
    assert result.recall_at_5 == pytest.approx(recall_at_5(result, task))


def test_history(result: TrainingResult) -> None:
    """The history holds the start, both evaluations with four metrics, and losses that fall."""
    steps = sorted(values(result, "recall@5"))
    assert steps[0] == 0
    assert len(steps) >= 3
    for metric in ("recall@1", "recall@10", "mrr"):
        assert sorted(values(result, metric)) == steps
    losses = list(values(result, "loss").values())
    assert len(losses) >= 8
    assert losses[-1] < losses[0]
    assert {type(entry["value"]) for entry in result.history} == {float}
    assert result.mrr in values(result, "mrr").values()
    assert result.seconds > 0
    assert result.pairs == steps[-1] * 16


def test_deterministic(groups: pd.DataFrame, task: RetrievalTask, static_candidate: CandidateParams) -> None:
    """The same seed gives the same weights and history, another seed gives others."""
    short = static_candidate.model_copy(update={"epochs": 2})
    first, again, other = (train_candidate(groups, task, short, seed=seed) for seed in (1, 1, 2))
    assert fingerprint_of(again.model) == fingerprint_of(first.model)
    assert again.history == first.history
    assert fingerprint_of(other.model) != fingerprint_of(first.model)


def test_best_state_is_kept(
    result: TrainingResult, groups: pd.DataFrame, task: RetrievalTask, tmp_path: Path
) -> None:
    """Where a good encoder is taught wrong titles, the model is that of an early evaluation, not the last."""
    result.model.save_pretrained(str(tmp_path))
    wrong = groups.assign(positive=np.roll(groups["positive"], 6), negative=groups["positive"])
    encoder = result.params.encoder.model_copy(update={"source": str(tmp_path)})
    params = result.params.model_copy(
        update={"encoder": encoder, "epochs": 4, "evaluations": 10, "patience": 50}
    )
    spoiled = train_candidate(wrong, task, params, seed=1)
    trained = [value for step, value in values(spoiled, "recall@5").items() if step]
    assert trained[-1] < 0.5 < trained[0]
    assert recall_at_5(spoiled, task) == pytest.approx(spoiled.recall_at_5) == max(trained)


def test_patience(groups: pd.DataFrame, task: RetrievalTask, static_candidate: CandidateParams) -> None:
    """A rate that changes nothing ends training after the evaluations that patience allows."""
    slow = static_candidate.model_copy(
        update={"learning_rate": 1e-9, "evaluations": 16, "epochs": 16, "patience": 2}
    )
    steps = sorted(values(train_candidate(groups, task, slow, seed=1), "recall@5"))
    assert len(steps) == 4  # the start, the first evaluation, and two without a gain


def test_transformer(
    groups: pd.DataFrame, task: RetrievalTask, transformer_candidate: CandidateParams
) -> None:
    """A transformer takes the steps that it may, learns something, and stays within its longest input."""
    result = train_candidate(groups, task, transformer_candidate, seed=1)
    start = load_encoder(transformer_candidate.encoder)
    assert max(values(result, "recall@5")) == 2
    assert result.pairs == 16
    assert fingerprint_of(result.model) != fingerprint_of(start)
    assert result.model.max_seq_length == 16
    assert recall_at_5(result, task) == pytest.approx(result.recall_at_5)


def test_groups_without_negatives(
    groups: pd.DataFrame, task: RetrievalTask, static_candidate: CandidateParams
) -> None:
    """Rows without a hard negative are learned from all the same."""
    bare = groups.assign(negative="", negative_code="", negative_origin="")
    assert train_candidate(bare, task, static_candidate, seed=1).recall_at_5 > 0.8


def test_batch_larger_than_the_codes(
    groups: pd.DataFrame, task: RetrievalTask, static_candidate: CandidateParams
) -> None:
    """A batch size that the codes cannot fill trains with what there is."""
    large = static_candidate.model_copy(update={"batch_size": 1024, "mini_batch_size": 1024, "epochs": 1})
    assert train_candidate(groups, task, large, seed=1).pairs > 0


def test_every_epoch_has_its_own_order(
    groups: pd.DataFrame,
    task: RetrievalTask,
    static_candidate: CandidateParams,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The trainer tells the sampler each epoch, which its order depends on."""
    told: list[int] = []
    original = UniqueCodeBatchSampler.set_epoch

    def listen(sampler: UniqueCodeBatchSampler, epoch: int) -> None:
        told.append(epoch)
        original(sampler, epoch)

    monkeypatch.setattr(UniqueCodeBatchSampler, "set_epoch", listen)
    short = static_candidate.model_copy(update={"epochs": 3, "evaluations": 1})
    train_candidate(groups, task, short, seed=1)
    assert sorted(set(told)) == [0, 1, 2]


def test_one_code(groups: pd.DataFrame, task: RetrievalTask, static_candidate: CandidateParams) -> None:
    """Rows of one code cannot be told apart from anything, and the message says what is needed."""
    one = groups[groups["code"] == "A00.0"]
    with pytest.raises(InputError, match=r"Too few codes to train static: .*two or more"):
        train_candidate(one, task, static_candidate, seed=1)


def test_missing_encoder(
    groups: pd.DataFrame, task: RetrievalTask, static_candidate: CandidateParams, tmp_path: Path
) -> None:
    """An encoder that is not there is a model error before any step."""
    encoder = static_candidate.encoder.model_copy(update={"source": str(tmp_path / "none")})
    with pytest.raises(ModelError, match="No encoder at"):
        train_candidate(groups, task, static_candidate.model_copy(update={"encoder": encoder}), seed=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"candidates": []},
        {"candidates": [{"name": "x", "encoder": {"kind": "lstm"}}]},
        {"candidates": [{"name": "x", "encoder": {}, "learning_rate": 0}]},
        {"candidates": [{"name": "x", "encoder": {}}], "epochs": 3},
        {"candidates": [{"name": "x", "encoder": {}}], "data": {"title_noise": 1}},
    ],
)
def test_parameters(wrong: dict[str, object]) -> None:
    """Values out of range and unknown keys are refused."""
    with pytest.raises(ValidationError):
        BiEncoderParams.model_validate(wrong)


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_on_a_processor(
    groups: pd.DataFrame,
    task: RetrievalTask,
    static_candidate: CandidateParams,
    tiny_encoder: Path,
    monkeypatch: pytest.MonkeyPatch,
    native: bool,
) -> None:
    """A processor with bfloat16 trains a transformer with it, one without trains without."""
    monkeypatch.setattr("codisearch.pipelines.bi_encoder.training.supports_bfloat16", lambda: native)
    encoder = EncoderSpec(source=str(tiny_encoder), max_length=16)
    changes = {"encoder": encoder, "max_steps": 1, "evaluations": 1}
    trained = train_candidate(groups, task, static_candidate.model_copy(update=changes), seed=1)
    assert values(trained, "loss")


def test_prompts_stand_before_the_columns(
    groups: pd.DataFrame, task: RetrievalTask, static_candidate: CandidateParams, tiny_encoder: Path
) -> None:
    """A prompt changes what is trained, empty ones do not."""
    found = {}
    for query in (None, "", "zone "):
        encoder = EncoderSpec(source=str(tiny_encoder), kind="static", buckets=512, query_prompt=query)
        changes = {"encoder": encoder, "max_steps": 2, "evaluations": 1}
        trained = train_candidate(groups, task, static_candidate.model_copy(update=changes), seed=1)
        weights = trained.model.state_dict()
        found[query] = np.concatenate([tensor.numpy().ravel() for _, tensor in sorted(weights.items())])
    np.testing.assert_array_equal(found[""], found[None])
    assert not np.allclose(found["zone "], found[None], atol=1e-4)
