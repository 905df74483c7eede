"""Parameters of the evaluation."""

import pytest
from pydantic import ValidationError

from codisearch.pipelines.evaluation.params import BUILT_IN, EvaluationParams


def test_unknown_system() -> None:
    """An unknown system is named, with all that are allowed."""
    values = {"systems": ["bm25", "elmo"], "encoders": {"generalist": {}}}
    with pytest.raises(ValidationError) as caught:
        EvaluationParams.model_validate(values)
    assert "unknown systems elmo: allowed are bm25, char_tfidf, base_encoder, bi_encoder, two_stage, " in str(
        caught.value
    )
    assert "generalist; a further encoder is named under `encoders`" in str(caught.value)


def test_further_encoder() -> None:
    """An encoder under `encoders` is a system by its name."""
    params = EvaluationParams.model_validate(
        {"systems": [*BUILT_IN, "generalist"], "encoders": {"generalist": {"kind": "static"}}}
    )
    assert params.systems[-1] == "generalist"
    assert params.encoders["generalist"].kind == "static"


@pytest.mark.parametrize(
    "values",
    [
        {"systems": []},
        {"systems": ["bm25"], "depth": 9},
        {"systems": ["bm25"], "gold_language": "de"},
        {"systems": ["bm25"], "gold_match": "category"},
        {"systems": ["bm25"], "query": 3},
    ],
)
def test_refused(values: dict[str, object]) -> None:
    """No system, too few ranks for recall@10, an unknown language, way to match or key: all are refused."""
    with pytest.raises(ValidationError):
        EvaluationParams.model_validate(values)
