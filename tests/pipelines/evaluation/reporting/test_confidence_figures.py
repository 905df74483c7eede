"""The plots of the probabilities."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.reporting.confidence_figures import (
    draw_confidence,
    draw_coverage,
    draw_reliability,
)


def test_reliability(confidence: ConfidenceTables) -> None:
    """Beside the diagonal each set of queries is a line of shares over probabilities, with its counts."""
    figure = draw_reliability(confidence.reliability)
    diagonal, test, mentions = figure.data
    assert (list(diagonal.x), list(diagonal.y)) == ([0.0, 1.0], [0.0, 1.0])
    assert (test.name, mentions.name) == ("test queries", "real mentions")
    assert list(test.x) == pytest.approx([0.2, 0.9])
    assert list(test.y) == pytest.approx([0.4, 0.75])
    assert list(test.customdata) == [20, 20]
    row = confidence.reliability.iloc[0]
    assert test.error_y.array[0] == pytest.approx(row["high"] - row["right"])
    assert list(mentions.x) == pytest.approx([0.5])
    assert test.marker.symbol != mentions.marker.symbol
    assert "Reliability" in figure.layout.title.text


def test_coverage(confidence: ConfidenceTables) -> None:
    """Each set has its curve, and labelled points where something is answered at an asked precision."""
    figure = draw_coverage(confidence.coverage, confidence.promises)
    curve, points, mentions, of_mentions = figure.data
    assert (list(curve.x), list(curve.y)) == (pytest.approx([0.5, 1.0]), pytest.approx([0.75, 0.575]))
    assert list(curve.customdata) == pytest.approx([0.9, 0.2])
    assert list(points.text) == [".5", ".8"]
    assert (list(points.x), list(points.y)) == (pytest.approx([1.0, 0.5]), pytest.approx([0.575, 0.75]))
    assert list(mentions.y) == [0.15]
    assert list(of_mentions.text) == [".5"]
    assert curve.line.color == points.marker.color != mentions.line.color


def test_test_queries_look_the_same_without_mentions(confidence: ConfidenceTables) -> None:
    """One set alone has its own look in both figures, and the other leaves no trace."""
    tables = (confidence.reliability, confidence.coverage)
    only, curve = (table[table["query_set"] == "test"] for table in tables)
    both = draw_reliability(confidence.reliability).data[1]
    assert draw_reliability(only).data[1] == both
    assert len(draw_reliability(only).data) == 2
    assert [trace.name for trace in draw_coverage(curve, confidence.promises).data] == [
        "test queries",
        "test queries: precision asked for",
    ]


def test_figures_by_name(confidence: ConfidenceTables) -> None:
    """Both are there, or none where nothing was measured."""
    assert list(draw_confidence(confidence)) == ["reliability", "coverage"]
    none = pd.DataFrame()
    assert draw_confidence(ConfidenceTables(none, none, none, none)) == {}
