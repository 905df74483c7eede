"""The learning curve in the report."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.curve import curve_section, draw_learning_curve

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


def test_section() -> None:
    """The section has the figure, a table by language in the usual order, and one by part."""
    section = curve_section(CURVE)
    assert section is not None
    assert section.tables[0].columns == ("label", "queries", "es", "pt", "all")
    assert [cell.text for cell in section.tables[0].rows[1]] == ["size", "100", "0.615", "0.615", "0.615"]
    assert "highest" in section.tables[1].columns


def test_no_curve() -> None:
    """While nothing has been measured there is no section."""
    assert curve_section(None) is None
    assert curve_section(pd.DataFrame()) is None
