"""Scores of single queries."""

import math
from collections.abc import Sequence

import ir_measures
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codisearch.codes import matches_gold
from codisearch.errors import InputError
from codisearch.pipelines.evaluation.measures.metrics import score_queries

REFERENCE = {
    "recall@1": ir_measures.Success(rel=3) @ 1,
    "recall@3": ir_measures.Success(rel=3) @ 3,
    "recall@5": ir_measures.Success(rel=3) @ 5,
    "rr": ir_measures.RR(rel=3),
    "ap@10": ir_measures.AP(rel=3) @ 10,
    "ndcg@10": ir_measures.nDCG @ 10,
    "precision_first": ir_measures.P(rel=3) @ 1,
    "recall_first": ir_measures.R(rel=3) @ 1,
}
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
        "recall@50",
        "rr",
        "ap@10",
        "ndcg@10",
        "precision_first",
        "recall_first",
        "f1_first",
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


def test_cutoffs_beyond_the_depth_are_left_out() -> None:
    """Recall@50 of ten ranks would be recall@10 under a name that promises more."""
    scores = score_queries(make_queries(["I10"]), make_rankings(a={"q0": ["I10"]}), depth=10)
    assert "recall@10" in scores.columns
    assert "recall@50" not in scores.columns


def test_average_precision_by_hand() -> None:
    """Of three relevant codes two are found, at ranks 1 and 3: (1/1 + 2/3) / 3."""
    scores = score_queries(
        make_queries(["I10", "E10.9", "S52.6"]), make_rankings(a={"q0": ["I10", "E11.9", "E10.9"]})
    )
    assert first(scores, "q0")["ap@10"] == pytest.approx((1 + 2 / 3) / 3)


def test_first_answer_by_hand() -> None:
    """One right answer for two relevant codes: precision 1, recall 1/2, F1 2/3; a wrong one gives 0."""
    rankings = make_rankings(a={"q0": ["I10", "E10.9"], "q1": ["E10.9", "I10"]})
    scores = score_queries(make_queries(["I10", "E11.9"], ["I10"]), rankings)
    names = ["precision_first", "recall_first", "f1_first"]
    assert first(scores, "q0")[names].tolist() == pytest.approx([1.0, 0.5, 2 / 3])
    assert first(scores, "q1")[names].tolist() == [0.0, 0.0, 0.0]


def test_graded_gain_by_hand() -> None:
    """A sibling at rank 1 and the code at rank 2, where the code set has two of its category besides.

    Gains are 2 for S52.502A, which shares S52.5 with the right S52.501A, 3 for that itself, and 1 for S52.6:
    (2/log2(2) + 3/log2(3)) / (3/log2(2) + 2/log2(3) + 1/log2(4)).
    """
    found = make_rankings(a={"q0": ["S52.502A", "S52.501A", "I10"]})
    scores = score_queries(
        make_queries(["S52.501A"]), found, codes=["S52.501A", "S52.502A", "S52.6", "I10", "E11.9"]
    )
    gained = 2 + 3 / math.log2(3)
    ideal = 3 + 2 / math.log2(3) + 1 / 2
    assert first(scores, "q0")["ndcg@10"] == pytest.approx(gained / ideal)
    assert first(scores, "q0", "category")["ndcg@10"] == 1.0


def test_gain_does_not_depend_on_other_systems() -> None:
    """What others rank changes nothing, nor does a code set that names the ranked codes again."""
    alone = make_rankings(a={"q0": ["S52.502A", "I10"]})
    both = make_rankings(a={"q0": ["S52.502A", "I10"]}, b={"q0": ["S52.6", "S52.501B", "S52.501A"]})
    queries = make_queries(["S52.501A"])
    one, two = (score_queries(queries, rankings, codes=CODES) for rankings in (alone, both))
    pd.testing.assert_frame_equal(one, two.loc[two["system"] == "a"].reset_index(drop=True))


def test_prefix_merges_what_begins_with_a_relevant_code() -> None:
    """Two extensions of S52.501 are one answer, so that what follows them is at rank 2."""
    queries = make_queries(["S52.501", "I10"])
    rankings = make_rankings(a={"q0": ["S52.501A", "S52.501B", "I10"]})
    scores = score_queries(queries, rankings, match="prefix")
    assert first(scores, "q0")["ap@10"] == 1.0
    assert first(scores, "q0")["ndcg@10"] == 1.0


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
    assert list(scores.columns)[:5] == ["system", "query_id", "level", "recall@5", "rr"]
    assert list(scores.columns)[-1] == "f1_first"


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


rankings_of_codes = st.lists(st.sampled_from(CODES), unique=True, max_size=len(CODES))
relevant_codes = st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(rankings_of_codes, relevant_codes), min_size=1, max_size=5))
def test_scores_are_those_of_the_reference_library(cases: list[tuple[list[str], list[str]]]) -> None:
    """On random rankings the scores are those that `ir_measures` gives for the plain lists and judgements."""
    answers = {f"q{number}": ranked for number, (ranked, _) in enumerate(cases)}
    queries = make_queries(*(gold for _, gold in cases))
    scores = score_queries(queries, make_rankings(a=answers), codes=CODES, levels=("code",), systems=["a"])
    judgements = {
        name: {code: grade for code in CODES if (grade := closeness(code, gold))}
        for name, gold in zip(queries["query_id"], queries["codes"], strict=True)
    }
    run = {name: {code: -float(rank) for rank, code in enumerate(codes)} for name, codes in answers.items()}
    for column, measure in REFERENCE.items():
        found = {one.query_id: one.value for one in ir_measures.iter_calc([measure], judgements, run)}
        expected = [found.get(name, 0.0) for name in queries["query_id"]]
        assert scores[column].tolist() == pytest.approx(expected), column


@settings(max_examples=60, deadline=None)
@given(ranked=rankings_of_codes, gold=relevant_codes)
def test_scores_are_those_of_the_definitions(ranked: list[str], gold: list[str]) -> None:
    """On random rankings the scores are those of docs/evaluation.md, written out in plain Python."""
    row = first(
        score_queries(make_queries(gold), make_rankings(a={"q0": ranked}), codes=CODES, systems=["a"]), "q0"
    )
    right = [rank for rank, code in enumerate(ranked, start=1) if code in gold]
    precisions = [number / rank for number, rank in enumerate(right, start=1)]
    gains = [closeness(code, gold) for code in ranked]
    ideal = sorted((closeness(code, gold) for code in CODES), reverse=True)
    assert row["rr"] == pytest.approx(1 / right[0] if right else 0.0)
    assert row["ap@10"] == pytest.approx(sum(precisions) / len(gold))
    assert row["ndcg@10"] == pytest.approx(discounted(gains) / discounted(ideal))
    for k in (1, 3, 5, 10, 50):
        assert row[f"recall@{k}"] == float(any(rank <= k for rank in right))


def closeness(code: str, gold: Sequence[str]) -> int:
    """Return 3 for a relevant code, 2 for one with its first four characters, 1 for one of its category."""
    if code in gold:
        return 3
    if any(code[:5] == right[:5] for right in gold):
        return 2
    return int(any(code[:3] == right[:3] for right in gold))


def discounted(gains: Sequence[int]) -> float:
    """Return the discounted cumulative gain of the first ten."""
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:10], start=1))
