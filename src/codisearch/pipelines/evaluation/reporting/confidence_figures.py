"""Plots of the probabilities: the reliability diagram, and precision over coverage."""

from typing import Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.measures.summary import ALL
from codisearch.pipelines.evaluation.reporting.figures import Look, dress, interval_points, looks

QUERY_SETS: Final = {"test": "test queries", "mentions": "real mentions"}
_IDEAL: Final = "a probability that says what it means"


def draw_confidence(tables: ConfidenceTables) -> dict[str, go.Figure]:
    """Return both figures by name, none where nothing was measured."""
    if tables.reliability.empty:
        return {}
    return {
        "reliability": draw_reliability(tables.reliability),
        "coverage": draw_coverage(tables.coverage, tables.promises),
    }


def draw_reliability(reliability: pd.DataFrame) -> go.Figure:
    """Return the share of right first answers over their probability, beside the diagonal.

    Args:
        reliability: Of `ConfidenceTables`.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0.0, 1.0],
        y=[0.0, 1.0],
        name=_IDEAL,
        mode="lines",
        line={"color": "#595959", "dash": "dot", "width": 1},
        hoverinfo="skip",
    )
    for query_set, look in _looks(reliability).items():
        rows = reliability.loc[reliability["query_set"] == query_set].rename(columns={"right": "value"})
        figure.add_scatter(
            x=rows["probability"].tolist(),
            **interval_points(rows, QUERY_SETS[query_set], look),
            mode="lines+markers",
            customdata=rows["queries"].tolist(),
            hovertemplate="probability %{x:.3f}: %{y:.3f} right of %{customdata}",
        )
    dress(
        figure,
        "Reliability: does a probability say how often the answer is right?",
        "mean probability of the first answer, fifteen parts of equally many queries",
        "share of right first answers",
    )
    figure.update_xaxes(range=[0.0, 1.02])
    figure.update_yaxes(range=[-0.03, 1.05])
    return figure


def draw_coverage(coverage: pd.DataFrame, promises: pd.DataFrame) -> go.Figure:
    """Return the precision over the coverage, with a mark where each precision is asked for.

    Args:
        coverage: Of `ConfidenceTables`.
        promises: Of `ConfidenceTables`; the marks are of all languages together.
    """
    figure = go.Figure()
    for query_set, look in _looks(coverage).items():
        rows = coverage.loc[coverage["query_set"] == query_set]
        figure.add_scatter(
            x=rows["coverage"].tolist(),
            y=rows["precision"].tolist(),
            name=QUERY_SETS[query_set],
            mode="lines",
            line={"color": look.colour, "dash": look.dash},
            customdata=rows["threshold"].tolist(),
            hovertemplate="from probability %{customdata:.3f}: %{x:.1%} answered, %{y:.1%} right",
        )
        _mark_asked(figure, promises.loc[promises["query_set"] == query_set], query_set, look)
    dress(
        figure,
        "Precision over coverage: fewer answers, more of them right",
        "coverage: share of the queries that are answered",
        "precision: share of right answers",
    )
    figure.update_xaxes(range=[0.0, 1.02])
    figure.update_yaxes(range=[0.0, 1.08])
    return figure


def _mark_asked(figure: go.Figure, promises: pd.DataFrame, query_set: str, look: Look) -> None:
    """Add a point with its interval for each asked precision at which anything is answered."""
    overall = (promises["language"] == ALL) & (promises["seen"] == ALL) & promises["precision"].notna()
    rows = promises.loc[overall]
    points = rows.rename(columns={"precision": "value", "precision_low": "low", "precision_high": "high"})
    labels = [_plain(asked) for asked in rows["asked"]]
    figure.add_scatter(
        x=rows["coverage"].tolist(),
        **interval_points(points, f"{QUERY_SETS[query_set]}: precision asked for", look),
        mode="markers+text",
        text=labels,
        textposition="top right",
        cliponaxis=False,
        hovertemplate="asked for %{text}: %{x:.1%} answered, %{y:.1%} right",
    )


def _plain(asked: float) -> str:
    """Return an asked precision as short as it can be written: `.8`."""
    return np.format_float_positional(asked, trim="-").removeprefix("0")


def _looks(table: pd.DataFrame) -> dict[str, Look]:
    """Return the look of every set of queries that has rows; test queries look the same in each figure."""
    present = set(table["query_set"])
    return {name: look for name, look in looks(list(QUERY_SETS)).items() if name in present}
