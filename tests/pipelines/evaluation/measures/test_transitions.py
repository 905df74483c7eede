"""Moves of the right code between ranks."""

import numpy as np
import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.transitions import (
    BANDS,
    TRANSITION_COLUMNS,
    bands_of,
    count_transitions,
    moves_over_the_fifth,
)


def moved(transitions: pd.DataFrame, comparison: str, language: str) -> dict[tuple[str, str], int]:
    """Return the moves of one comparison and language that any query made."""
    rows = transitions.loc[
        (transitions["comparison"] == comparison)
        & (transitions["language"] == language)
        & (transitions["queries"] > 0)
    ]
    return dict(zip(zip(rows["from_rank"], rows["to_rank"], strict=True), rows["queries"], strict=True))


def table_of(*moves: tuple[str, str, str, str, int]) -> pd.DataFrame:
    """Return moves of comparison, language, rank before, rank after and queries."""
    return pd.DataFrame(moves, columns=["comparison", "language", "from_rank", "to_rank", "queries"])


@pytest.mark.parametrize(
    ("rank", "band"),
    [
        (1, "1"),
        (2, "2-5"),
        (3, "2-5"),
        (5, "2-5"),
        (6, "6-10"),
        (10, "6-10"),
        (11, "11 or below"),
        (49, "11 or below"),
    ],
)
def test_bands(rank: int, band: str) -> None:
    """Each rank is in the band that names it, though it comes as a reciprocal."""
    assert BANDS[bands_of(np.array([1.0 / rank]))[0]] == band


def test_not_found_is_a_band() -> None:
    """A reciprocal rank of 0 is no rank."""
    assert BANDS[bands_of(np.array([0.0]))[0]] == "not found"


def test_four_queries_by_hand(transitions: pd.DataFrame) -> None:
    """Training: ranks 2, -, -, 2 become 1, 2, -, 2; reranking makes of these 1, 1, 8, 1."""
    assert tuple(transitions.columns) == TRANSITION_COLUMNS
    assert moved(transitions, "learning_gain", "all") == {
        ("2-5", "1"): 1,
        ("not found", "2-5"): 1,
        ("not found", "not found"): 1,
        ("2-5", "2-5"): 1,
    }
    assert moved(transitions, "reranking", "all") == {
        ("1", "1"): 1,
        ("2-5", "1"): 2,
        ("not found", "6-10"): 1,
    }


def test_languages_add_up(transitions: pd.DataFrame) -> None:
    """The first two queries are English, the others Spanish; every pair of bands has a row in each."""
    assert moved(transitions, "learning_gain", "en") == {("2-5", "1"): 1, ("not found", "2-5"): 1}
    assert moved(transitions, "learning_gain", "es") == {("not found", "not found"): 1, ("2-5", "2-5"): 1}
    assert len(transitions) == 2 * 3 * 25
    assert list(dict.fromkeys(transitions["language"])) == ["all", "en", "es"]
    systems = transitions.drop_duplicates("comparison").set_index("comparison")
    assert systems.loc["reranking", ["before_system", "after_system"]].tolist() == ["bi_encoder", "two_stage"]


def test_absent_systems_are_left_out(per_query: pd.DataFrame, queries: pd.DataFrame) -> None:
    """Without the start of the training only reranking is shown, without that too there are no rows."""
    some = per_query.loc[per_query["system"].isin(["bi_encoder", "two_stage"])]
    assert set(count_transitions(some, queries)["comparison"]) == {"reranking"}
    none = count_transitions(per_query.loc[per_query["system"] == "bm25"], queries)
    assert none.empty
    assert tuple(none.columns) == TRANSITION_COLUMNS
    assert count_transitions(per_query, queries.head(0)).empty


def test_moves_over_the_fifth_by_hand() -> None:
    """Of 20 queries 3 + 1 + 2 enter the first five and 4 leave them: 2 more, 10 of 100.

    Moves within the first five, and within what lies below, count for neither.
    """
    moves = moves_over_the_fifth(
        table_of(
            ("reranking", "all", "6-10", "1", 3),
            ("reranking", "all", "11 or below", "2-5", 1),
            ("reranking", "all", "not found", "2-5", 2),
            ("reranking", "all", "1", "6-10", 1),
            ("reranking", "all", "2-5", "not found", 3),
            ("reranking", "all", "2-5", "1", 5),
            ("reranking", "all", "6-10", "11 or below", 5),
        )
    )
    assert moves.to_dict("records") == [
        {
            "comparison": "reranking",
            "language": "all",
            "entered": 6,
            "from_6_to_10": 3,
            "from_not_found": 2,
            "left": 4,
            "net": 2,
            "net_of_100": 10.0,
        }
    ]


def test_moves_of_each_comparison_and_language(transitions: pd.DataFrame) -> None:
    """Training brings one English query of two into the first five; reranking brings none."""
    moves = moves_over_the_fifth(transitions).set_index(["comparison", "language"])
    assert moves["net"].to_dict() == {
        ("learning_gain", "all"): 1,
        ("learning_gain", "en"): 1,
        ("learning_gain", "es"): 0,
        ("reranking", "all"): 0,
        ("reranking", "en"): 0,
        ("reranking", "es"): 0,
    }
    assert moves.loc[("learning_gain", "all"), "net_of_100"] == 25.0
    assert moves.loc[("learning_gain", "en"), ["from_not_found", "net_of_100"]].tolist() == [1, 50.0]
