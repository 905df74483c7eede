"""Scores of single queries."""

from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codisearch.codes import matches_gold
from codisearch.errors import InputError
from codisearch.pipelines.evaluation.metrics import score_queries

CODES = ["E11.9", "E11.65", "E10.9", "I10", "S52.501A", "S52.501B", "S52.502A", "S52.6"]


def make_queries(*codes: Sequence[str]) -> pd.DataFrame:
    """Return queries q0, q1, ... with these relevant codes."""
    return pd.DataFrame(
        {
            "query_id": [f"q{number}" for number in range(len(codes))],
            "query": "pain",
            "language": "en",
            "style": "lay",
            "seen": True,
            "codes": [list(one) for one in codes],
        }
    )


def make_rankings(**systems: dict[str, Sequence[str]]) -> pd.DataFrame:
    """Return rankings from system -> query -> codes in order."""
    rows = [
        (system, query, rank, code, 1.0 / rank)
        for system, answers in systems.items()
        for query, codes in answers.items()
        for rank, code in enumerate(codes, start=1)
    ]
    return pd.DataFrame(rows, columns=["system", "query_id", "rank", "code", "score"])


def first(scores: pd.DataFrame, query: str, level: str = "code", system: str = "a") -> "pd.Series[float]":
    """Return the scores of one query."""
    fits = (scores["query_id"] == query) & (scores["level"] == level) & (scores["system"] == system)
    return scores.loc[fits].iloc[0]


def test_code_level_by_hand() -> None:
    """A right code at rank 2 misses recall@1, hits recall@3 and has the reciprocal rank one half."""
    scores = score_queries(make_queries(["E10.9"]), make_rankings(a={"q0": ["E11.9", "E10.9"]}))
    assert list(scores.columns) == [
        "system",
        "query_id",
        "level",
        "recall@1",
        "recall@3",
        "recall@5",
        "recall@10",
        "rr",
    ]
    assert first(scores, "q0")[["recall@1", "recall@3", "recall@5", "rr"]].tolist() == [0.0, 1.0, 1.0, 0.5]


def test_coarser_levels_count_distinct_prefixes() -> None:
    """Three codes of one category are one rank at category level and two at four characters."""
    ranked = ["S52.501A", "S52.502A", "S52.6", "I10"]
    scores = score_queries(make_queries(["I10"]), make_rankings(a={"q0": ranked}))
    assert first(scores, "q0", "code")["rr"] == pytest.approx(1 / 4)
    assert first(scores, "q0", "four_character")["rr"] == pytest.approx(1 / 3)
    assert first(scores, "q0", "category")["rr"] == pytest.approx(1 / 2)


def test_a_sibling_is_right_at_category_level_only() -> None:
    """E11.65 for E11.9 misses at code and four-character level and hits the category."""
    scores = score_queries(make_queries(["E11.9"]), make_rankings(a={"q0": ["E11.65"]}))
    assert [first(scores, "q0", level)["recall@1"] for level in ("code", "four_character", "category")] == [
        0,
        0,
        1,
    ]


def test_any_of_several_codes_is_a_hit() -> None:
    """With two relevant codes the first that is found counts in full."""
    scores = score_queries(make_queries(["I10", "E10.9"]), make_rankings(a={"q0": ["E11.9", "E10.9", "I10"]}))
    assert first(scores, "q0")["recall@3"] == 1.0
    assert first(scores, "q0")["rr"] == 0.5


def test_unanswered_query_is_a_miss() -> None:
    """A query that one system did not answer stays in its scores, as a miss."""
    rankings = make_rankings(a={"q0": ["I10"], "q1": ["I10"]}, b={"q1": ["I10"], "other": ["I10"]})
    scores = score_queries(make_queries(["I10"], ["I10"]), rankings)
    assert len(scores) == 2 * 2 * 3
    assert first(scores, "q0", system="b")[["recall@10", "rr"]].tolist() == [0.0, 0.0]
    assert first(scores, "q1", system="b")["rr"] == 1.0


def test_prefix_match_accepts_longer_codes() -> None:
    """S52.501A answers S52.501 under prefix match only; S52.50 is no answer to it."""
    queries, rankings = make_queries(["S52.501"]), make_rankings(a={"q0": ["S52.50", "S52.501A"]})
    assert first(score_queries(queries, rankings), "q0")["rr"] == 0.0
    assert first(score_queries(queries, rankings, match="prefix"), "q0")["rr"] == 0.5


def test_depth_ends_the_count() -> None:
    """A right code beyond the depth has the reciprocal rank 0."""
    queries, rankings = make_queries(["I10"]), make_rankings(a={"q0": ["E11.9", "E10.9", "I10"]})
    assert first(score_queries(queries, rankings, depth=2), "q0")["rr"] == 0.0
    assert first(score_queries(queries, rankings, depth=3), "q0")["rr"] == pytest.approx(1 / 3)


def test_row_order_does_not_matter() -> None:
    """Only the ranks order the codes, not the rows of the frame."""
    queries, rankings = make_queries(["I10"]), make_rankings(a={"q0": ["E11.9", "I10", "E10.9"]})
    pd.testing.assert_frame_equal(
        score_queries(queries, rankings), score_queries(queries, rankings.iloc[::-1])
    )


def test_no_rankings_give_an_empty_frame() -> None:
    """Without systems there are no rows, but the columns are there."""
    scores = score_queries(make_queries(["I10"]), make_rankings(), cutoffs=(5,), levels=("code",))
    assert scores.empty
    assert list(scores.columns) == ["system", "query_id", "level", "recall@5", "rr"]


def test_query_without_codes_is_refused() -> None:
    """A query that nothing can answer is an error that names it."""
    with pytest.raises(InputError, match="first 'q1'"):
        score_queries(make_queries(["I10"], []), make_rankings(a={"q0": ["I10"]}))


@settings(max_examples=60, deadline=None)
@given(
    ranked=st.lists(st.sampled_from(CODES), unique=True),
    gold=st.lists(st.sampled_from([*CODES, "S52.501"]), min_size=1, unique=True),
)
def test_prefix_match_agrees_with_the_core(ranked: list[str], gold: list[str]) -> None:
    """The rank is that of the first code which `matches_gold` accepts, and recall never falls with k."""
    scores = score_queries(make_queries(gold), make_rankings(a={"q0": ranked, "q1": ["I10"]}), match="prefix")
    right = [rank for rank, code in enumerate(ranked, start=1) if matches_gold(code, gold)]
    row = first(scores, "q0")
    assert row["rr"] == pytest.approx(1 / right[0] if right else 0.0)
    assert row["recall@1"] <= row["recall@3"] <= row["recall@5"] <= row["recall@10"]
    assert first(scores, "q0", "category")["rr"] >= row["rr"]
