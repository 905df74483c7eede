"""Parameters of the evaluation."""

import pytest
from pydantic import ValidationError

from codisearch.pipelines.evaluation.params import BUILT_IN, EvaluationParams, FusionSpec

HYBRID = {"method": "weighted", "of": ["bm25", "bi_encoder"]}


def message_of(**values: object) -> str:
    """Return what validation says against these parameters."""
    with pytest.raises(ValidationError) as caught:
        EvaluationParams.model_validate({"systems": ["bm25"], **values})
    return str(caught.value)


def test_unknown_system() -> None:
    """An unknown system is named, with where it stands and all that are allowed."""
    told = message_of(systems=["bm25", "elmo"], encoders={"generalist": {}}, fusions={"hybrid": HYBRID})
    assert (
        "unknown systems elmo in `systems`: allowed are bm25, char_tfidf, base_encoder, bi_encoder, "
        "two_stage, search, generalist, hybrid; a further one is named under `encoders`, `fusions` or "
        "`rerankers`"
    ) in told


def test_unknown_component() -> None:
    """A fusion and a reranker name what exists."""
    assert "unknown systems elmo in `fusions.f.of`" in message_of(
        fusions={"f": {"method": "weighted", "of": {"bm25": 1, "elmo": 2}}}
    )
    assert "unknown systems elmo in `rerankers.r.first`" in message_of(
        rerankers={"r": {"first": "elmo", "source": "a/b"}}
    )


def test_further_encoder() -> None:
    """An encoder under `encoders` is a system by its name."""
    params = EvaluationParams.model_validate(
        {"systems": [*BUILT_IN, "generalist"], "encoders": {"generalist": {"kind": "static"}}}
    )
    assert params.systems[-1] == "generalist"
    assert params.encoders["generalist"].kind == "static"


def test_list_means_equal_weights() -> None:
    """Names without weights all weigh 1, and what was read can be read again."""
    spec = FusionSpec.model_validate(HYBRID)
    assert spec.of == {"bm25": 1.0, "bi_encoder": 1.0}
    assert FusionSpec.model_validate(spec.model_dump()) == spec


@pytest.mark.parametrize(
    ("fusion", "told"),
    [
        ({"method": "weighted", "of": ["bm25"]}, "at least 2"),
        ({"method": "weighted", "of": ["bm25", "bm25", "bi_encoder"]}, "bm25 named twice: give weights"),
        ({"method": "weighted", "of": {"bm25": 0, "bi_encoder": 1}}, "greater than 0"),
        ({"method": "weighted", "of": {"bm25": float("inf"), "bi_encoder": 1}}, "finite number"),
        ({"method": "weighted", "of": ["bm25", "bi_encoder"], "k": 3}, "k belongs to `method: reciprocal_"),
        ({"method": "mean", "of": ["bm25", "bi_encoder"]}, "'reciprocal_rank' or 'weighted'"),
        ({"method": "weighted", "of": [["bm25"], "bi_encoder"]}, "unknown systems ['bm25']"),
        ({"method": "weighted", "of": "bm25"}, "valid dictionary"),
    ],
)
def test_refused_fusion(fusion: dict[str, object], told: str) -> None:
    """Of a fusion that makes no sense it is said what is wrong, and where."""
    message = message_of(fusions={"mine": fusion})
    assert told in message
    assert "fusions" in message


def test_names_are_disjoint() -> None:
    """No name stands for two systems, and none is listed twice."""
    told = message_of(encoders={"mine": {}}, fusions={"mine": HYBRID})
    assert "mine named twice: names under `encoders`, `fusions` and `rerankers` must differ" in told
    assert "bm25 named twice" in message_of(encoders={"bm25": {}})
    assert "bm25 named twice in `systems`" in message_of(systems=["bm25", "bm25"])


def test_cycle() -> None:
    """Systems that read each other's rankings are named in their circle."""
    told = message_of(
        fusions={
            "outer": {"method": "weighted", "of": ["bm25", "inner"]},
            "inner": {"method": "weighted", "of": ["bm25", "top"]},
        },
        rerankers={"top": {"first": "outer", "source": "a/b"}},
    )
    assert "outer would read its own ranking: outer -> inner -> top -> outer" in told
    itself = {"method": "weighted", "of": ["bm25", "mine"]}
    assert "mine would read its own ranking: mine -> mine" in message_of(fusions={"mine": itself})


def test_components() -> None:
    """What a system reads comes before it, once, whether it is listed or not."""
    params = EvaluationParams.model_validate(
        {
            "systems": ["outer", "two_stage", "bm25", "top"],
            "fusions": {"inner": HYBRID, "outer": {"method": "weighted", "of": ["inner", "two_stage"]}},
            "rerankers": {"top": {"first": "outer", "source": "a/b"}},
        }
    )
    order = ("bm25", "bi_encoder", "inner", "two_stage", "outer", "top")
    assert params.with_components(params.systems) == order
    kinds = ["lexical", "trained", "fusion", "trained", "fusion", "reranker"]
    assert [params.kind_of(name) for name in order] == kinds
    assert params.kind_of("base_encoder") == "encoder"


@pytest.mark.parametrize(
    "values",
    [
        {"systems": []},
        {"systems": ["bm25"], "depth": 9},
        {"systems": ["bm25"], "gold_language": "de"},
        {"systems": ["bm25"], "gold_match": "category"},
        {"systems": ["bm25"], "query": 3},
        {"systems": ["bm25"], "latency_queries": 0},
        {"systems": ["bm25"], "rerankers": {"r": {"first": "bm25", "source": "a/b", "depth": 0}}},
        {"systems": ["bm25"], "rerankers": {"r": {"first": "bm25", "source": "a/b", "weight": 0}}},
    ],
)
def test_refused(values: dict[str, object]) -> None:
    """No system, too few ranks for recall@10, unknown words and numbers out of range are refused."""
    with pytest.raises(ValidationError):
        EvaluationParams.model_validate(values)
