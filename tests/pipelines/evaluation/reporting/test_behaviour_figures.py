"""The plots of how systems behave."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.transitions import BANDS
from codisearch.pipelines.evaluation.reporting.behaviour_figures import (
    draw_calibration,
    draw_latency,
    draw_rank_transitions,
)


def test_heat_map_says_the_counts(transitions: pd.DataFrame) -> None:
    """Rows are the ranks before, columns those after: training moves one query from 2-5 to 1, and so on."""
    figure = draw_rank_transitions(transitions)
    training, reranking = figure.data
    assert list(training.x) == list(training.y) == list(BANDS)
    assert [list(row) for row in training.text] == [
        ["0", "0", "0", "0", "0"],
        ["1", "1", "0", "0", "0"],
        ["0", "0", "0", "0", "0"],
        ["0", "0", "0", "0", "0"],
        ["0", "1", "0", "0", "1"],
    ]
    assert training.texttemplate == "%{text}"
    assert [list(row) for row in reranking.customdata][1] == [2, 0, 0, 0, 0]
    assert [list(row) for row in reranking.text][4] == ["0", "0", "1", "0", "0"]


def test_heat_map_has_titles(transitions: pd.DataFrame) -> None:
    """Each comparison names its systems, the axes say before and after, and the best rank is on top."""
    figure = draw_rank_transitions(transitions)
    assert figure.layout.title.text == "Rank of the right code, before and after"
    assert [note.text for note in figure.layout.annotations] == [
        "from base_encoder (left) to bi_encoder",
        "from bi_encoder (left) to two_stage",
    ]
    assert figure.layout.xaxis2.title.text == "rank after"
    assert figure.layout.yaxis.title.text == "rank before"
    assert figure.layout.yaxis.autorange == figure.layout.yaxis2.autorange == "reversed"


def test_heat_map_shades_large_counts_darker(transitions: pd.DataFrame) -> None:
    """A shade follows the root of the count, so that small counts can still be told from none."""
    many = transitions.assign(queries=transitions["queries"] * 10_000)
    trace = draw_rank_transitions(many).data[0]
    assert trace.z[1][0] == pytest.approx(100.0)
    assert trace.text[1][0] == "10,000"


def test_heat_map_of_one_comparison(transitions: pd.DataFrame) -> None:
    """A run without the start of the training shows reranking alone."""
    only = transitions.loc[transitions["comparison"] == "reranking"]
    assert len(draw_rank_transitions(only).data) == 1


def test_calibration() -> None:
    """A system is a line of shares over its bins, with its intervals; pointing at one tells the score."""
    frame = pd.DataFrame(
        [
            ("bm25", 1, 2.5, 0.0, 0.0, 0.5, 2),
            ("bm25", 2, 7.123456, 0.5, 0.25, 1.0, 2),
            ("two_stage", 1, 0.9, 1.0, 1.0, 1.0, 4),
        ],
        columns=["system", "bin", "score", "right", "low", "high", "queries"],
    )
    figure = draw_calibration(frame)
    lexical, second = figure.data
    assert (lexical.name, second.name) == ("bm25", "two_stage")
    assert (list(lexical.x), list(lexical.y)) == ([1, 2], [0.0, 0.5])
    assert list(lexical.customdata) == [2.5, 7.1235]
    assert list(lexical.error_y.array) == [0.5, 0.5]
    assert list(lexical.error_y.arrayminus) == [0.0, 0.25]
    assert lexical.marker.symbol != second.marker.symbol
    assert "Calibration" in figure.layout.title.text
    assert figure.layout.yaxis.title.text == "share of right first answers"


def test_calibration_of_all(calibration: pd.DataFrame) -> None:
    """Every system of the evaluation has its line."""
    names = [trace.name for trace in draw_calibration(calibration).data]
    assert names == ["bm25", "base_encoder", "generalist", "bi_encoder", "two_stage"]


def test_latency(metrics: pd.DataFrame, systems: pd.DataFrame) -> None:
    """Each system that ran is a point at its time and recall@5 over all queries, on a logarithmic axis."""
    figure = draw_latency(metrics, systems)
    points = {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}
    assert points == {
        "bm25": ([1.0], [0.25]),
        "base_encoder": ([2.0], [0.5]),
        "generalist": ([4.0], [0.5]),
        "bi_encoder": ([8.0], [0.75]),
        "two_stage": ([16.0], [0.75]),
    }
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.title.text == "Latency against recall"
    assert "milliseconds" in figure.layout.xaxis.title.text
