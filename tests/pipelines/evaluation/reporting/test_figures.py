"""The plots of the report."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.reporting.figures import (
    draw_encoder_candidates,
    draw_figures,
    draw_nothing,
    draw_recall_by_language,
    draw_recall_curve,
    draw_seen_unseen,
    draw_training_history,
    language_label,
)

HISTORY = pd.DataFrame(
    {
        "model": "bi_encoder",
        "step": [20, 10, 20],
        "metric": ["train_loss", "train_loss", "recall@5"],
        "value": [1.0, 2.0, 0.4],
    }
)
CANDIDATES = pd.DataFrame({"encoder": ["static"], "recall@5": [0.6], "mrr": [0.5], "seconds": [120.0]})


def test_points_and_intervals_by_language(metrics: pd.DataFrame) -> None:
    """Each system is a trace of points whose error bars end where the interval ends."""
    figure = draw_recall_by_language(metrics)
    trace = next(trace for trace in figure.data if trace.name == "bi_encoder")
    assert list(trace.x) == ["English", "Spanish", "All"]
    assert list(trace.y) == [1.0, 0.5, 0.75]
    high = metrics.query(
        "system == 'bi_encoder' and metric == 'recall@5' and level == 'code'"
        " and language == 'all' and style == 'all' and seen == 'all'"
    )["high"].iloc[0]
    assert trace.error_y.array[2] == pytest.approx(high - 0.75)
    assert figure.layout.scattermode == "group"


def test_systems_differ_without_colour(metrics: pd.DataFrame) -> None:
    """In greyscale the symbols and dashes tell the systems apart."""
    figure = draw_recall_curve(metrics)
    looks = {(trace.marker.symbol, trace.line.dash) for trace in figure.data}
    assert len(looks) == len(figure.data) == 5


def test_curve_rises_over_k(metrics: pd.DataFrame) -> None:
    """The curve goes over the cut-offs in order."""
    trace = draw_recall_curve(metrics).data[-1]
    assert list(trace.x) == [1, 3, 5, 10, 50]
    assert list(trace.y) == [0.75, 0.75, 0.75, 1.0, 1.0]


def test_seen_and_unseen_are_two_traces(metrics: pd.DataFrame) -> None:
    """Each system stands once in each trace."""
    figure = draw_seen_unseen(metrics)
    assert [trace.name for trace in figure.data] == ["seen codes", "unseen codes"]
    assert list(figure.data[1].y) == [1.0, 1.0, 0.0, 1.0, 1.0]


def test_losses_and_measures_have_their_own_axes() -> None:
    """Losses go left in the order of the steps, measures right; without losses the measures take the left."""
    figure = draw_training_history(HISTORY)
    assert [(trace.name, trace.yaxis, list(trace.x)) for trace in figure.data] == [
        ("bi_encoder: train_loss", "y", [10, 20]),
        ("bi_encoder: recall@5", "y2", [20]),
    ]
    only = draw_training_history(HISTORY.iloc[[2]])
    assert only.layout.yaxis2.side == "left"
    assert only.layout.yaxis.visible is False


def test_candidates_are_named() -> None:
    """Each encoder has a point for recall@5 and one for MRR over its seconds."""
    figure = draw_encoder_candidates(CANDIDATES)
    assert [(trace.name, list(trace.x), list(trace.y), list(trace.text)) for trace in figure.data] == [
        ("recall@5", [120.0], [0.6], ["static"]),
        ("mrr", [120.0], [0.5], ["static"]),
    ]


def test_optional_figures_need_rows(metrics: pd.DataFrame) -> None:
    """History and candidates are drawn only where there are some; every figure has a title."""
    assert set(draw_figures(metrics)) == {"recall_by_language", "recall_curve", "seen_unseen"}
    figures = draw_figures(metrics, HISTORY, CANDIDATES)
    assert set(figures) >= {"training_history", "encoder_candidates"}
    assert all(figure.layout.title.text for figure in figures.values())
    assert "training_history" not in draw_figures(metrics, HISTORY.iloc[:0])


def test_nothing_to_draw() -> None:
    """An empty figure says by its title what it would have shown."""
    figure = draw_nothing("rank_transitions")
    assert not figure.data
    assert figure.layout.title.text == "Rank transitions: nothing to draw in this run"


def test_labels_of_languages() -> None:
    """Tags become names."""
    assert [language_label(tag) for tag in ("ca", "all")] == ["Catalan", "All"]
