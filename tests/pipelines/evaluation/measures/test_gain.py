"""What training and reranking add."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.gain import COMPARISON_COLUMNS, compare_systems


def test_changes_by_hand(per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams) -> None:
    """MRR goes from 1/4 (base) and 5/16 (generalist) to 1/2 (bi-encoder): rises of 100 % and 60 %.

    Recall@5 goes from 2/4 to 3/4: a rise of 50 %.
    """
    table = compare_systems(per_query, queries, bootstrap)
    found = table.loc[table["language"] == "all"].set_index("comparison").to_dict("index")
    assert list(found) == ["learning_gain", "learning_gain_in_recall", "rise_from_generalist", "reranking"]
    assert found["learning_gain"]["before"] == 0.25
    assert found["learning_gain"]["after"] == 0.5
    assert found["learning_gain"]["change"] == pytest.approx(1.0)
    assert found["learning_gain_in_recall"]["before"] == 0.5
    assert found["learning_gain_in_recall"]["after"] == 0.75
    assert found["learning_gain_in_recall"]["change"] == pytest.approx(0.5)
    assert found["learning_gain_in_recall"]["metric"] == "recall@5"
    assert found["rise_from_generalist"]["change"] == pytest.approx(0.6)
    assert found["reranking"]["change"] == 0.0
    assert found["reranking"]["kind"] == "difference"


def test_languages_stand_apart(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """In English MRR goes from 1/4 to 3/4, in Spanish it stays at 1/4."""
    comparisons = compare_systems(per_query, queries, bootstrap)
    gain = comparisons.loc[comparisons["comparison"] == "learning_gain"].set_index("language").T
    assert gain["en"]["change"] == pytest.approx(2.0)
    assert gain["es"]["change"] == pytest.approx(0.0)
    assert gain["es"]["queries"] == 2
    assert tuple(comparisons.columns) == COMPARISON_COLUMNS
    assert len(comparisons) == 4 * 3


def test_a_rise_from_nothing_is_undefined(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """A rise from 0 is no number."""
    zero = per_query.assign(rr=per_query["rr"].where(per_query["system"] != "base_encoder", 0.0))
    table = compare_systems(zero, queries, bootstrap).set_index(["comparison", "language"])
    assert table.loc[("learning_gain", "all"), ["change", "low", "high"]].isna().all()


def test_absent_systems_are_left_out(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """A comparison without one of its systems does not stop the others; without any there are no rows."""
    some = per_query.loc[per_query["system"].isin(["bi_encoder", "two_stage"])]
    assert set(compare_systems(some, queries, bootstrap)["comparison"]) == {"reranking"}
    none = per_query.loc[per_query["system"] == "bm25"]
    assert compare_systems(none, queries, bootstrap).empty
