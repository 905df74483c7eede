"""The learning curve in the report."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.summary import select_metrics
from codisearch.pipelines.evaluation.reporting.curve import (
    curve_section,
    draw_learning_curve,
    spread_over_seeds,
)

CURVE = pd.DataFrame(
    [
        ("size", seed, queries, 3, language, part, 10, recall + seed / 100, recall / 2, 5.0)
        for seed in (1, 2)
        for queries, recall in ((0, 0.4), (100, 0.6))
        for language in ("all", "pt", "es")
        for part in ("all", "seen", "unseen")
    ],
    columns=[
        "label", "seed", "queries", "codes", "language", "part",
        "test_queries", "recall_at_5", "mrr", "seconds",
    ],
)  # fmt: skip


def test_figure() -> None:
    """Each part is a line of means over seeds, with the range as its bars."""
    figure = draw_learning_curve(CURVE)
    assert [trace.name for trace in figure.data] == ["seen and unseen", "seen codes", "unseen codes"]
    assert list(figure.data[0].x) == [0, 100]
    assert list(figure.data[0].y) == pytest.approx([0.415, 0.615])
    assert list(figure.data[0].error_y.array) == pytest.approx([0.005, 0.005])
    assert len({trace.marker.symbol for trace in figure.data}) == 3


def test_section(metrics: pd.DataFrame) -> None:
    """The section has the figure, the spread, a table by language in the usual order, and one by part."""
    section = curve_section(CURVE, metrics)
    assert section is not None
    assert [picture.name for picture in section.pictures] == ["learning_curve"]
    spread, by_language, by_part = section.tables
    assert spread.caption.startswith("Spread over training seeds")
    assert by_language.columns == ("label", "queries", "es", "pt", "all")
    assert [cell.text for cell in by_language.rows[1]] == ["size", "100", "0.615", "0.615", "0.615"]
    assert "highest" in by_part.columns


def test_spread_by_hand(metrics: pd.DataFrame) -> None:
    """On the whole corpus two seeds find 0.61 and 0.62: mean 0.615, deviation 0.01 / sqrt(2).

    Half the interval of the bi-encoder stands beside, for languages that were measured.
    """
    spread = spread_over_seeds(CURVE, metrics).set_index("language")
    assert set(spread.index) == {"all", "pt", "es"}
    row = spread.loc["es"]
    assert row["seeds"] == 2
    assert row[["recall_at_5", "lowest", "highest"]].tolist() == pytest.approx([0.615, 0.61, 0.62])
    assert row["recall_deviation"] == pytest.approx(0.01 / 2**0.5)
    assert row["mrr"] == pytest.approx(0.3)
    assert row["mrr_deviation"] == pytest.approx(0.0)
    rows = select_metrics(metrics.loc[metrics["system"] == "bi_encoder"], "recall@5", language="all")
    width = float((rows["high"] - rows["low"]).iloc[0])
    assert width > 0.1
    assert spread.loc["all", "half_interval"] == pytest.approx(width / 2)
    assert pd.isna(spread.loc["pt", "half_interval"])


def test_parts_of_the_corpus_are_no_spread(metrics: pd.DataFrame) -> None:
    """Only trainings on all of the corpus count: not the trainings on one source, however large."""
    other = CURVE.assign(label="llm-corpus-v1", queries=CURVE["queries"] + 900, recall_at_5=0.0)
    both = pd.concat([CURVE, other], ignore_index=True)
    pd.testing.assert_frame_equal(spread_over_seeds(both, metrics), spread_over_seeds(CURVE, metrics))


def test_one_seed_has_no_spread(metrics: pd.DataFrame) -> None:
    """With a single seed the table is left out."""
    single = CURVE[CURVE["seed"] == 1]
    assert spread_over_seeds(single, metrics).empty
    section = curve_section(single, metrics)
    assert section is not None
    assert len(section.tables) == 2


def test_no_curve(metrics: pd.DataFrame) -> None:
    """While nothing has been measured there is no section."""
    assert curve_section(None, metrics) is None
    assert curve_section(pd.DataFrame(), metrics) is None
