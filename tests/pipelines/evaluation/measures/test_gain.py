"""What training and reranking add."""

import json

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.gain import COMPARISON_COLUMNS, compare_systems


def test_changes_by_hand(per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams) -> None:
    """MRR goes from 1/4 (base) and 5/16 (generalist) to 1/2 (bi-encoder): rises of 100 % and 60 %.

    Recall@5 goes from 2/4 to 3/4: a rise of 50 %.
    """
    found = compare_systems(per_query, queries, bootstrap).to_dict()
    assert list(found) == ["learning_gain", "learning_gain_in_recall", "rise_from_generalist", "reranking"]
    assert found["learning_gain"]["all"]["before"] == 0.25
    assert found["learning_gain"]["all"]["after"] == 0.5
    assert found["learning_gain"]["all"]["change"] == pytest.approx(1.0)
    assert found["learning_gain_in_recall"]["all"]["before"] == 0.5
    assert found["learning_gain_in_recall"]["all"]["after"] == 0.75
    assert found["learning_gain_in_recall"]["all"]["change"] == pytest.approx(0.5)
    assert found["learning_gain_in_recall"]["metric"] == "recall@5"
    assert found["rise_from_generalist"]["all"]["change"] == pytest.approx(0.6)
    assert found["reranking"]["all"]["change"] == 0.0
    assert found["reranking"]["kind"] == "difference"


def test_languages_stand_apart(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """In English MRR goes from 1/4 to 3/4, in Spanish it stays at 1/4."""
    comparisons = compare_systems(per_query, queries, bootstrap)
    gain = comparisons.to_dict()["learning_gain"]
    assert gain["en"]["change"] == pytest.approx(2.0)
    assert gain["es"]["change"] == pytest.approx(0.0)
    assert gain["es"]["queries"] == 2
    assert tuple(comparisons.frame.columns) == COMPARISON_COLUMNS
    assert len(comparisons.frame) == 4 * 3


def test_undefined_changes_are_null_in_json(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """A rise from 0 is null, not a NaN that JSON cannot hold."""
    zero = per_query.assign(rr=per_query["rr"].where(per_query["system"] != "base_encoder", 0.0))
    nested = compare_systems(zero, queries, bootstrap).to_dict()
    assert nested["learning_gain"]["all"]["change"] is None
    assert json.loads(json.dumps(nested, allow_nan=False)) == nested


def test_absent_systems_are_left_out(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """A comparison without one of its systems does not stop the others; without any there are no rows."""
    some = per_query.loc[per_query["system"].isin(["bi_encoder", "two_stage"])]
    assert list(compare_systems(some, queries, bootstrap).to_dict()) == ["reranking"]
    none = per_query.loc[per_query["system"] == "bm25"]
    assert compare_systems(none, queries, bootstrap).frame.empty
