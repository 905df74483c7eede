"""The nodes that measure the bundle's probabilities."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from codisearch.pipelines.evaluation import confidence_nodes
from codisearch.pipelines.evaluation.measures.confidence import (
    ANSWER_COLUMNS,
    ASKED_PRECISIONS,
    COVERAGE_COLUMNS,
    PROMISE_COLUMNS,
    QUALITY_COLUMNS,
    RELIABILITY_COLUMNS,
    ConfidenceTables,
)
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.ranking import NO_CODE, Rankings

PARAMS = EvaluationParams.model_validate({"systems": ["bm25"], "bootstrap": {"resamples": 20}})
CODES = ["E11", "E11.9", "I10", "R50.9"]


class StandIn:
    """A bundle whose first answers are known: R50.9 to fever, nothing to "?", else I10."""

    codes = pd.DataFrame({"code": CODES})
    confidence = SimpleNamespace(threshold=lambda precision: precision / 2)

    def __init__(self) -> None:
        self.languages: list[Any] = []

    def answer(self, queries: Sequence[str], languages: Sequence[str | None]) -> Any:
        """Return two codes of each query with the probabilities .6 and .3, none for "?"."""
        self.languages += languages
        answers = {"fever": [3, 2], "?": [NO_CODE, NO_CODE]}
        codes = np.array([answers.get(query, [2, 1]) for query in queries])
        scores = np.zeros(codes.shape, np.float32)
        probabilities = np.where(codes == NO_CODE, 0.0, [0.6, 0.3])
        return SimpleNamespace(rankings=Rankings(codes, scores, codes), probabilities=probabilities)


def queries_of(*rows: tuple[str, str, bool, list[str]]) -> pd.DataFrame:
    """Return queries of text, language, seen and right codes."""
    frame = pd.DataFrame(rows, columns=["query", "language", "seen", "codes"])
    return frame.assign(query_id=[f"q{number}" for number in range(len(rows))], style="lay")


def test_first_answers() -> None:
    """A row for each query: the first probability, and whether the first code is one of the right ones.

    Test queries count with their very codes: R50.9 does not answer R50. Of mentions it does.
    """
    queries = queries_of(
        ("pressure", "en", True, ["I10", "R50.9"]),
        ("tensión", "es", False, ["I10"]),
        ("fever", "en", True, ["R50"]),
        ("?", "en", True, ["I10"]),
    )
    bundle = StandIn()
    test, mentions, thresholds = confidence_nodes.answer_queries(queries, queries, bundle, PARAMS)  # type: ignore[arg-type]
    assert tuple(test.columns) == ANSWER_COLUMNS
    assert test["query_id"].tolist() == ["q0", "q1", "q2", "q3"]
    assert test["probability"].tolist() == [0.6, 0.6, 0.6, 0.0]
    assert test["right"].tolist() == [True, True, False, False]
    assert mentions["right"].tolist() == [True, True, True, False]
    assert test["seen"].tolist() == [True, False, True, True]
    assert test["cluster"].tolist() == [0, 0, 1, 0]
    assert bundle.languages == ["en", "es", "en", "en"] * 2
    assert thresholds["asked"].tolist() == list(ASKED_PRECISIONS)
    assert thresholds["threshold"].tolist() == [0.25, 0.3, 0.35, 0.4, 0.45, 0.475]


def test_exact_matching_of_mentions() -> None:
    """`gold_match` decides what is right of mentions."""
    queries = queries_of(("fever", "es", True, ["R50"]))
    exact = PARAMS.model_copy(update={"gold_match": "exact"})
    _, mentions, _ = confidence_nodes.answer_queries(queries, queries, StandIn(), exact)  # type: ignore[arg-type]
    assert mentions["right"].tolist() == [False]


def test_no_mentions() -> None:
    """Without mentions their table has its columns and no row, and all is of the test queries."""
    queries = queries_of(*[("pressure", "en", True, ["I10"])] * 3)
    test, mentions, thresholds = confidence_nodes.answer_queries(queries, queries.head(0), StandIn(), PARAMS)  # type: ignore[arg-type]
    assert mentions.empty
    assert tuple(mentions.columns) == ANSWER_COLUMNS
    tables = confidence_nodes.examine_confidence(test, mentions, thresholds, PARAMS)
    together = confidence_nodes.bring_confidence_together(*tables)
    assert isinstance(together, ConfidenceTables)
    for table in vars(together).values():
        assert set(table["query_set"]) == {"test"}


@pytest.mark.parametrize("empty", [True, False])
def test_columns(*, empty: bool) -> None:
    """Tables have the set of queries before their columns, also where there is none at all."""
    queries = queries_of(*[("pressure", "en", True, ["I10"])] * 3).head(0 if empty else 3)
    found = confidence_nodes.answer_queries(queries, queries, StandIn(), PARAMS)  # type: ignore[arg-type]
    tables = confidence_nodes.examine_confidence(*found, PARAMS)
    named = (QUALITY_COLUMNS, RELIABILITY_COLUMNS, COVERAGE_COLUMNS, PROMISE_COLUMNS)
    for table, columns in zip(tables, named, strict=True):
        assert tuple(table.columns) == ("query_set", *columns)
        assert table.empty == empty


def test_answers_of_a_bundle(small_bundle: Bundle) -> None:
    """They are those of search: the same first code, and its probability."""
    queries = queries_of(
        ("High blood pressure", "en", True, ["I10"]), ("Asthmatic bronchitis", "en", True, ["I10"])
    )
    answers, _, thresholds = confidence_nodes.answer_queries(queries, queries.head(0), small_bundle, PARAMS)
    found = small_bundle.answer(queries["query"].tolist(), ["en", "en"])
    first = small_bundle.codes["code"].to_numpy()[found.rankings.codes[:, 0]]
    assert answers["right"].tolist() == (first == "I10").tolist()
    assert answers["probability"].tolist() == found.probabilities[:, 0].tolist()
    assert thresholds["threshold"].is_monotonic_increasing
