"""Examples for the report."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.gain import RERANKING, Comparison
from codisearch.pipelines.evaluation.measures.metrics import score_queries
from codisearch.pipelines.evaluation.reporting.examples import (
    CHANGE_COLUMNS,
    EXAMPLE_COLUMNS,
    select_changes,
    select_examples,
)

TITLES = {"I10": "Essential (primary) hypertension"}


def test_failures_and_hits(queries: pd.DataFrame, rankings: pd.DataFrame, per_query: pd.DataFrame) -> None:
    """Of two examples one is the failure at rank 8, the other a hit; codes come with their titles."""
    found = select_examples(queries, rankings, per_query, TITLES, system="two_stage", count=2)
    assert tuple(found.columns) == EXAMPLE_COLUMNS
    assert found["outcome"].tolist() == ["rank 8", "rank 1"]
    assert found.loc[0, "gold"] == "I10 Essential (primary) hypertension"
    assert found.loc[0, ["first", "second", "third"]].tolist() == ["Z01.0", "Z02.0", "Z03.0"]


def test_other_kind_fills_up(queries: pd.DataFrame, rankings: pd.DataFrame, per_query: pd.DataFrame) -> None:
    """Where hits are few, failures fill up, and nothing is shown twice."""
    found = select_examples(queries, rankings, per_query, TITLES, system="bm25")
    assert sorted(found["query"]) == sorted(queries["query"])
    assert found["outcome"].tolist().count("not in the first 50") == 3


def test_unanswered_query(queries: pd.DataFrame, rankings: pd.DataFrame, per_query: pd.DataFrame) -> None:
    """A query without answers has empty cells."""
    rest = rankings.loc[rankings["query_id"] != "q3"]
    found = select_examples(queries, rest, per_query, TITLES, system="bm25").set_index("query")
    assert found.loc["<b>fiebre</b>", ["first", "second", "third"]].tolist() == ["", "", ""]


@pytest.fixture(scope="module")
def reranked() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return queries, rankings and scores of ten queries, two of each language, before and after reranking.

    Of each language the first goes from rank 6 to 5, the second from 5 to 6.
    """
    languages = ["en", "es", "ca", "it", "pt"] * 2
    ids = [f"q{number}" for number in range(10)]
    queries = pd.DataFrame(
        {"query_id": ids, "query": ids, "language": languages, "style": "lay", "seen": True}
    )
    queries = queries.assign(codes=[["I10"] for _ in ids])
    rows = [
        (system, name, rank, "I10" if rank == right else f"Z{rank:02}.0", -float(rank))
        for number, name in enumerate(ids)
        for system, right in zip(("bi_encoder", "two_stage"), (6, 5) if number < 5 else (5, 6), strict=True)
        for rank in range(1, 11)
    ]
    rankings = pd.DataFrame(rows, columns=["system", "query_id", "rank", "code", "score"])
    return queries, rankings, score_queries(queries, rankings)


def test_fixed_and_broken_by_hand(
    queries: pd.DataFrame, rankings: pd.DataFrame, per_query: pd.DataFrame
) -> None:
    """From ranks 2, -, -, 2 to 1, -, 4, - the third query is fixed and the fourth is broken."""
    step = Comparison("step", "base_encoder", "generalist", "recall@5", "difference")
    found = select_changes(queries, rankings, per_query, TITLES, step)
    assert tuple(found.columns) == CHANGE_COLUMNS
    assert found.to_dict("records") == [
        {
            "outcome": "fixed",
            "query": "tensión alta",
            "language": "es",
            "gold": "I10 Essential (primary) hypertension",
            "before": "not in the first 50; first Z01.0",
            "after": "rank 4; first Z01.0",
        },
        {
            "outcome": "broken",
            "query": "<b>fiebre</b>",
            "language": "es",
            "gold": "R50.9",
            "before": "rank 2; first Z01.0",
            "after": "not in the first 50; first Z01.0",
        },
    ]


def test_moves_among_the_first_five_are_no_change(
    queries: pd.DataFrame, rankings: pd.DataFrame, per_query: pd.DataFrame
) -> None:
    """Reranking moves ranks 1, 2, -, 2 to 1, 1, 8, 1: nothing enters or leaves the first five."""
    assert select_changes(queries, rankings, per_query, TITLES, RERANKING).empty


def test_the_fifth_rank_counts(reranked: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    """From 6 to 5 is fixed, from 5 to 6 broken, and all of them are shown if there is room."""
    found = select_changes(*reranked, TITLES, RERANKING, count=20)
    assert found["outcome"].tolist() == ["fixed"] * 5 + ["broken"] * 5
    assert set(found.loc[found["outcome"] == "fixed", "query"]) == {"q0", "q1", "q2", "q3", "q4"}
    assert set(found["before"]) == {"rank 6; first Z01.0", "rank 5; first Z01.0"}


def test_as_many_of_both_kinds(reranked: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    """Half of the count is of each kind, languages in turn; the seed decides alone."""
    found = select_changes(*reranked, TITLES, RERANKING, count=6, seed=4)
    assert found["outcome"].tolist() == ["fixed"] * 3 + ["broken"] * 3
    assert found["language"].tolist() == ["en", "es", "ca"] * 2
    pd.testing.assert_frame_equal(found, select_changes(*reranked, TITLES, RERANKING, count=6, seed=4))


def test_no_changes_of_a_system_that_did_not_run(
    reranked: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    """Without the second system there are no rows, and the columns stay."""
    queries, rankings, per_query = reranked
    only = per_query.loc[per_query["system"] == "bi_encoder"]
    found = select_changes(queries, rankings, only, TITLES, RERANKING)
    assert found.empty
    assert tuple(found.columns) == CHANGE_COLUMNS


def test_query_that_was_not_answered(
    queries: pd.DataFrame, rankings: pd.DataFrame, per_query: pd.DataFrame
) -> None:
    """Where a system gave no answer this is said in place of its first code."""
    rest = rankings.loc[(rankings["query_id"] != "q2") | (rankings["system"] != "base_encoder")]
    step = Comparison("step", "base_encoder", "generalist", "recall@5", "difference")
    found = select_changes(queries, rest, per_query, TITLES, step).set_index("query")
    assert found.loc["tensión alta", "before"] == "not in the first 50; no answer"
