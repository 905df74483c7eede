"""Means, slices and the tables that people read."""

import io

import pandas as pd
import pytest
from rich.console import Console

from codisearch.errors import ConfigurationError, InputError
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.summary import (
    METRIC_COLUMNS,
    as_mlflow_metrics,
    best_system,
    column_of,
    metrics_table,
    render_console_table,
    select_metrics,
    summarise,
)

SYSTEMS = ["bm25", "base_encoder", "generalist", "bi_encoder", "two_stage"]


def value(metrics: pd.DataFrame, system: str, metric: str, **part: str) -> float:
    """Return one value of the long frame."""
    rows = select_metrics(metrics.loc[metrics["system"] == system], metric, **{"language": "all", **part})
    assert len(rows) == 1
    return float(rows["value"].iloc[0])


def test_means_by_hand(metrics: pd.DataFrame) -> None:
    """The bi-encoder's right ranks 1, 2, miss, 2 give recall@1 1/4, recall@5 3/4 and MRR 2/4."""
    assert tuple(metrics.columns) == METRIC_COLUMNS
    assert value(metrics, "bi_encoder", "recall@1") == 0.25
    assert value(metrics, "bi_encoder", "recall@5") == 0.75
    assert value(metrics, "bi_encoder", "mrr") == 0.5
    assert value(metrics, "two_stage", "recall@10") == 1.0
    assert value(metrics, "two_stage", "recall@50") == 1.0


def test_names_of_means(metrics: pd.DataFrame) -> None:
    """The means of reciprocal ranks and average precisions have their own names, other measures keep theirs.

    With one right code the average precision within ten is the reciprocal rank, 1/8 for two_stage's third
    query; precision, recall and F1 of the first answer are then recall@1.
    """
    assert set(metrics["metric"]) == {
        *(f"recall@{k}" for k in (1, 3, 5, 10, 50)),
        *("mrr", "map@10", "ndcg@10", "precision_first", "recall_first", "f1_first"),
    }
    assert value(metrics, "two_stage", "map@10") == pytest.approx((1 + 1 + 1 / 8 + 1) / 4)
    for name in ("precision_first", "recall_first", "f1_first"):
        assert value(metrics, "bi_encoder", name) == 0.25
    assert column_of("mrr") == "rr"
    assert column_of("map@10") == "ap@10"
    assert column_of("recall@5") == "recall@5"


def test_slices_by_hand(metrics: pd.DataFrame) -> None:
    """Each slice holds its own queries only."""
    assert value(metrics, "bi_encoder", "recall@5", language="en") == 1.0
    assert value(metrics, "bi_encoder", "recall@5", language="es") == 0.5
    assert value(metrics, "bi_encoder", "recall@5", style="lay") == pytest.approx(2 / 3)
    assert value(metrics, "bi_encoder", "recall@5", seen="unseen") == 1.0
    assert value(metrics, "bi_encoder", "recall@5", language="es", seen="seen") == 0.0
    assert value(metrics, "bi_encoder", "recall@5", language="es", style="lay") == 0.5


def test_slices_are_complete(metrics: pd.DataFrame) -> None:
    """All, 2 languages, 2 styles, 2 sides, 3 languages by side and 3 by style have queries."""
    slices = metrics[["language", "style", "seen"]].drop_duplicates()
    assert len(slices) == 1 + 2 + 2 + 2 + 3 + 3
    assert len(metrics) == len(slices) * len(SYSTEMS) * 3 * 11
    assert list(dict.fromkeys(metrics["system"])) == SYSTEMS
    assert ((metrics["low"] <= metrics["value"]) | metrics["low"].isna()).all()


def test_queries_count_the_slice(metrics: pd.DataFrame) -> None:
    """The number of queries stands beside every value."""
    rows = select_metrics(metrics, "mrr", style="lay").set_index(["system", "language"])
    assert rows.loc[("bm25", "all"), "queries"] == 3
    assert rows.loc[("bm25", "es"), "queries"] == 2


def test_inputs_are_not_changed(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """Summarising leaves its frames as they were and takes only the systems asked for."""
    before = per_query.copy(deep=True)
    metrics = summarise(per_query, queries, ["two_stage", "bm25"], bootstrap)
    pd.testing.assert_frame_equal(per_query, before)
    assert list(dict.fromkeys(metrics["system"])) == ["two_stage", "bm25"]


def test_unknown_system_is_refused(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """A system without scores is an error that names those that have some."""
    with pytest.raises(ConfigurationError, match="No scores for gpt: scored are bm25"):
        summarise(per_query, queries, ["gpt"], bootstrap)


def test_missing_scores_are_refused(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """A query that was not scored does not drop out of the mean unseen."""
    with pytest.raises(InputError, match="1 queries lack the score of a system, first 'q2'"):
        summarise(per_query.loc[per_query["query_id"] != "q2"], queries, SYSTEMS, bootstrap)


def test_no_queries_are_refused(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """There is no mean of nothing."""
    with pytest.raises(InputError, match="no test queries"):
        summarise(per_query, queries.iloc[:0], SYSTEMS, bootstrap)


def test_metrics_table_is_wide(metrics: pd.DataFrame) -> None:
    """Systems go down, languages and all go across."""
    table = metrics_table(metrics)
    assert list(table.columns) == ["system", "en", "es", "all"]
    assert table.set_index("system").loc["bi_encoder"].tolist() == [1.0, 0.5, 0.75]
    assert metrics_table(metrics, "mrr", "category")["system"].tolist() == SYSTEMS


def test_best_system_is_the_first_of_equals(metrics: pd.DataFrame) -> None:
    """bi_encoder and two_stage both have recall@5 3/4; the first in order is named."""
    assert best_system(metrics) == "bi_encoder"
    assert best_system(metrics, "mrr") == "two_stage"
    with pytest.raises(InputError, match="No overall recall@7"):
        best_system(metrics, "recall@7")


def test_console_table_fits_and_marks_the_best(metrics: pd.DataFrame) -> None:
    """The table fits 80 columns, with the best values in bold and the interval below."""
    console = Console(width=80, file=io.StringIO(), record=True, force_terminal=True)
    console.print(render_console_table(metrics))
    text = console.export_text(clear=False)
    assert "two_stage" in text
    assert "…" not in text
    assert "–" in text
    cells = {cell.plain: cell.style for cell in render_console_table(metrics).columns[1].cells}
    assert {shown.splitlines()[0]: style for shown, style in cells.items()} == {
        "0.000": "",
        "0.500": "",
        "1.000": "bold",
    }


def test_mlflow_names_are_flat(metrics: pd.DataFrame) -> None:
    """One name per metric and slice, without the slices of two sides."""
    flat = as_mlflow_metrics(metrics, "bi_encoder")
    assert flat["recall_at_5.all"] == 0.75
    assert flat["recall_at_5.es"] == 0.5
    assert flat["mrr.all"] == 0.5
    assert flat["map_at_10.all"] == 0.5
    assert flat["recall_at_5.unseen"] == 1.0
    assert flat["recall_at_5.style_lay"] == pytest.approx(2 / 3)
    assert flat["recall_at_5.level_category"] == 0.75
    assert len(flat) == 11 * (7 + 2)
    with pytest.raises(InputError, match="measured are bm25"):
        as_mlflow_metrics(metrics, "gpt")
