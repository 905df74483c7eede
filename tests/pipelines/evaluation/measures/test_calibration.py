"""What the score of a first answer says."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.calibration import CALIBRATION_COLUMNS, measure_calibration
from codisearch.pipelines.evaluation.measures.metrics import score_queries

RIGHT = {9, *range(11, 21)}
BOOTSTRAP = BootstrapParams(resamples=50, telling_codes=1)


def answers_of(scores: list[float], right: set[int]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return scores, queries and rankings: the first answer of query 1, 2 ... has the given score.

    The right code stands first for the queries in `right`, and second for the others. A last query has no
    answer.
    """
    ids = [f"q{number}" for number in range(1, len(scores) + 2)]
    codes = [f"A{number:02}.0" for number in range(1, len(scores) + 2)]
    queries = pd.DataFrame({"query_id": ids, "codes": [[code] for code in codes]})
    rows = []
    for number, score in enumerate(scores, start=1):
        order = [codes[number - 1], "Z99.9"] if number in right else ["Z99.9", codes[number - 1]]
        rows += [
            ("bm25", f"q{number}", rank, code, score - rank + 1) for rank, code in enumerate(order, start=1)
        ]
    rankings = pd.DataFrame(rows, columns=["system", "query_id", "rank", "code", "score"])
    return score_queries(queries, rankings), queries, rankings


def test_bins_by_hand() -> None:
    """Twenty queries with the scores 1 to 20 make ten bins of two; the first answers are right from 11 on.

    Query 9 is right as well, so that half of the fifth bin is. The query without an answer is in no bin.
    """
    found = measure_calibration(*answers_of([float(n) for n in range(1, 21)], RIGHT), ["bm25"], BOOTSTRAP)
    assert tuple(found.columns) == CALIBRATION_COLUMNS
    assert found["bin"].tolist() == list(range(1, 11))
    assert found["score"].tolist() == [1.5, 3.5, 5.5, 7.5, 9.5, 11.5, 13.5, 15.5, 17.5, 19.5]
    assert found["right"].tolist() == [0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert found["queries"].tolist() == [2] * 10
    fifth = found.loc[4]
    assert (fifth["low"], fifth["high"]) == pytest.approx((0.0, 1.0))


def test_order_of_the_queries_is_of_no_account() -> None:
    """Shuffled rankings and queries give the same bins."""
    per_query, queries, rankings = answers_of([float(n) for n in range(1, 21)], RIGHT)
    plain = measure_calibration(per_query, queries, rankings, ["bm25"], BOOTSTRAP)
    mixed = (frame.sample(frac=1.0, random_state=3) for frame in (per_query, queries, rankings))
    again = measure_calibration(*mixed, ["bm25"], BOOTSTRAP)
    names = ["bin", "score", "right", "queries"]
    pd.testing.assert_frame_equal(plain[names], again[names])


def test_equal_scores_do_not_change_the_size_of_bins() -> None:
    """Sixteen of twenty queries have the same score: ten bins of two all the same."""
    found = measure_calibration(
        *answers_of([0.5] * 16 + [1.0, 2.0, 3.0, 4.0], {1, 2, 20}), ["bm25"], BOOTSTRAP
    )
    assert found["queries"].tolist() == [2] * 10
    assert found["score"].tolist() == [0.5] * 8 + [1.5, 3.5]
    assert found["right"].tolist() == [1.0, *[0.0] * 8, 0.5]


def test_fewer_queries_than_bins() -> None:
    """Three queries are one bin each, spread over the tenths, and have no interval."""
    found = measure_calibration(*answers_of([1.0, 2.0, 3.0], {3}), ["bm25"], BOOTSTRAP)
    assert found["bin"].tolist() == [1, 4, 7]
    assert found["score"].tolist() == [1.0, 2.0, 3.0]
    assert found["right"].tolist() == [0.0, 0.0, 1.0]
    assert found[["low", "high"]].isna().all(axis=None)


def test_system_without_answers(
    per_query: pd.DataFrame, queries: pd.DataFrame, rankings: pd.DataFrame
) -> None:
    """A system that answered nothing has no rows, the others stay in order."""
    rest = rankings.loc[rankings["system"] != "bm25"]
    found = measure_calibration(per_query, queries, rest, ["two_stage", "bm25", "bi_encoder"], BOOTSTRAP)
    assert list(dict.fromkeys(found["system"])) == ["two_stage", "bi_encoder"]
    none = measure_calibration(per_query, queries, rankings.head(0), ["bm25"], BOOTSTRAP)
    assert none.empty
    assert tuple(none.columns) == CALIBRATION_COLUMNS
