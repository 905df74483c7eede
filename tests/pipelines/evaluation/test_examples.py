"""Examples for the report."""

import pandas as pd

from codisearch.pipelines.evaluation.examples import EXAMPLE_COLUMNS, select_examples

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
