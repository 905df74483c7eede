"""Plots of how systems behave: moves between ranks, what scores mean, and what an answer costs."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from codisearch.pipelines.evaluation.measures.summary import ALL, PRIMARY_METRIC, select_metrics
from codisearch.pipelines.evaluation.measures.transitions import BANDS
from codisearch.pipelines.evaluation.reporting.figures import dress, interval_points, looks


def draw_rank_transitions(transitions: pd.DataFrame) -> go.Figure:
    """Return, for each comparison, how many queries went from one band of ranks to another.

    Every cell says its number, so the shade only guides the eye.

    Args:
        transitions: The frame of `count_transitions`.
    """
    rows = transitions.loc[transitions["language"] == ALL]
    names = list(dict.fromkeys(rows["comparison"]))
    systems = rows.drop_duplicates("comparison").set_index("comparison")
    titles = [
        f"from {systems.loc[name, 'before_system']} (left) to {systems.loc[name, 'after_system']}"
        for name in names
    ]
    figure = make_subplots(rows=1, cols=max(len(names), 1), subplot_titles=titles, horizontal_spacing=0.14)
    for place, name in enumerate(names, start=1):
        wide = rows.loc[rows["comparison"] == name].pivot(
            index="from_rank", columns="to_rank", values="queries"
        )
        counts = wide.reindex(index=list(BANDS), columns=list(BANDS)).to_numpy()
        figure.add_trace(_counts(counts), row=1, col=place)
    dress(figure, "Rank of the right code, before and after", "rank after", "rank before")
    figure.update_xaxes(title={"text": "rank after"}, type="category")
    figure.update_yaxes(title={"text": "rank before"}, type="category", autorange="reversed")
    figure.update_layout(showlegend=False, margin={"t": 80})
    return figure


def _counts(counts: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> go.Heatmap:
    """Return a table of counts as shades, each cell with its number."""
    return go.Heatmap(
        x=list(BANDS),
        y=list(BANDS),
        z=np.sqrt(counts).tolist(),
        customdata=counts.tolist(),
        text=[[f"{count:,}" for count in row] for row in counts.tolist()],
        texttemplate="%{text}",
        hovertemplate="from %{y} to %{x}: %{customdata} queries<extra></extra>",
        textfont={"color": "#000000"},
        colorscale=[[0.0, "#ffffff"], [1.0, "#9fb3c8"]],
        showscale=False,
        xgap=1,
        ygap=1,
    )


def draw_calibration(calibration: pd.DataFrame) -> go.Figure:
    """Return the share of right first answers over the place of their score among a system's own.

    Scores of different systems are on different scales, so the bins stand side by side; pointing at one tells
    its score.

    Args:
        calibration: The frame of `measure_calibration`.
    """
    figure = go.Figure()
    for system, look in looks(list(calibration["system"])).items():
        rows = calibration.loc[calibration["system"] == system].rename(columns={"right": "value"})
        figure.add_scatter(
            x=rows["bin"].tolist(),
            **interval_points(rows, system, look),
            mode="lines+markers",
            customdata=rows["score"].round(4).tolist(),
            hovertemplate="score %{customdata}: %{y:.3f} right",
        )
    dress(
        figure,
        "Calibration: is the first answer right where its score is high?",
        "tenth of the queries, from the lowest score of the first answer to the highest",
        "share of right first answers",
    )
    figure.update_xaxes(dtick=1)
    return figure


def draw_latency(metrics: pd.DataFrame, systems: pd.DataFrame) -> go.Figure:
    """Return recall@5 over the time that one query takes, each system by name.

    Args:
        metrics: The frame of `summarise`.
        systems: Columns `system` and `ms_per_query`.
    """
    overall = select_metrics(metrics, PRIMARY_METRIC, language=ALL).merge(systems, on="system")
    figure = go.Figure()
    for system, look in looks(list(overall["system"])).items():
        row = overall.loc[overall["system"] == system]
        figure.add_scatter(
            x=row["ms_per_query"].tolist(), **interval_points(row, system, look), mode="markers"
        )
    dress(figure, "Latency against recall", "milliseconds for one query, median, logarithmic", PRIMARY_METRIC)
    figure.update_xaxes(type="log", dtick="D1")
    return figure
