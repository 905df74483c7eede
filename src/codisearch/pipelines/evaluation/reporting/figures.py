"""The plots of the report; every system has its own symbol and dash, so that they read in greyscale."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from codisearch.languages import LANGUAGE_NAMES, LANGUAGES
from codisearch.pipelines.evaluation.measures.summary import ALL, PRIMARY_METRIC, select_metrics


class Look(NamedTuple):
    """How one system or series is drawn."""

    colour: str
    symbol: str
    dash: str


_LOOKS: Final = (  # the Okabe-Ito colours, which the colour-blind can tell apart, from dark to light and back
    Look("#000000", "circle", "solid"),
    Look("#0072B2", "square", "dash"),
    Look("#D55E00", "diamond", "dot"),
    Look("#009E73", "triangle-up", "dashdot"),
    Look("#CC79A7", "x", "longdash"),
    Look("#E69F00", "star", "longdashdot"),
    Look("#56B4E9", "triangle-down", "solid"),
    Look("#595959", "circle-open", "dash"),
    Look("#0072B2", "square-open", "dot"),
    Look("#D55E00", "diamond-open", "dashdot"),
    Look("#009E73", "triangle-up-open", "longdash"),
    Look("#CC79A7", "cross", "longdashdot"),
    Look("#E69F00", "star-open", "solid"),
    Look("#56B4E9", "triangle-down-open", "dash"),
    Look("#000000", "hexagon", "dot"),
    Look("#595959", "pentagon", "dashdot"),
)
_CUTOFF_PREFIX: Final = "recall@"


def draw_figures(
    metrics: pd.DataFrame, history: pd.DataFrame | None = None, candidates: pd.DataFrame | None = None
) -> dict[str, go.Figure]:
    """Return all figures by name; those of `history` and `candidates` only where there are rows to draw."""
    figures = {
        "recall_by_language": draw_recall_by_language(metrics),
        "recall_curve": draw_recall_curve(metrics),
        "seen_unseen": draw_seen_unseen(metrics),
    }
    if history is not None and not history.empty:
        figures["training_history"] = draw_training_history(history)
    if candidates is not None and not candidates.empty:
        figures["encoder_candidates"] = draw_encoder_candidates(candidates)
    return figures


def language_label(language: str) -> str:
    """Return the name of a language tag in English, `All` for all."""
    return next((name for tag, name in LANGUAGE_NAMES.items() if tag == language), language.capitalize())


def draw_recall_by_language(metrics: pd.DataFrame, metric: str = PRIMARY_METRIC) -> go.Figure:
    """Return one point with its interval per system and language, systems side by side."""
    rows = select_metrics(metrics, metric)
    present = set(rows["language"])
    languages = [language for language in (*LANGUAGES, ALL) if language in present]
    figure = go.Figure()
    for system, look in looks(list(rows["system"])).items():
        of_system = rows.loc[rows["system"] == system].set_index("language").reindex(languages)
        figure.add_scatter(
            x=[language_label(language) for language in languages],
            **interval_points(of_system, system, look),
            mode="markers",
        )
    dress(figure, f"{metric} per language, 95 % intervals", "language of the query", metric)
    figure.update_layout(scattermode="group", scattergap=0.35)
    return figure


def draw_recall_curve(metrics: pd.DataFrame) -> go.Figure:
    """Return recall over the number of codes that one looks at, overall."""
    rows = select_metrics(metrics, language=ALL)
    rows = rows.loc[rows["metric"].str.startswith(_CUTOFF_PREFIX)]
    rows = rows.assign(k=rows["metric"].str.removeprefix(_CUTOFF_PREFIX).astype(int)).sort_values("k")
    figure = go.Figure()
    for system, look in looks(list(select_metrics(metrics)["system"])).items():
        of_system = rows.loc[rows["system"] == system]
        figure.add_scatter(
            x=of_system["k"].tolist(), **interval_points(of_system, system, look), mode="lines+markers"
        )
    dress(figure, "recall@k: how far down to look", "k, the number of codes looked at", "recall@k")
    figure.update_xaxes(tickvals=sorted(set(rows["k"])))
    return figure


def draw_seen_unseen(metrics: pd.DataFrame, metric: str = PRIMARY_METRIC) -> go.Figure:
    """Return each system on queries whose code was and was not in the training pairs."""
    rows = select_metrics(metrics, metric, language=ALL, seen=None)
    figure = go.Figure()
    for side, look in zip(("seen", "unseen"), (_LOOKS[0], _LOOKS[8]), strict=True):
        of_side = rows.loc[rows["seen"] == side]
        figure.add_scatter(
            x=of_side["system"].tolist(), **interval_points(of_side, f"{side} codes", look), mode="markers"
        )
    dress(figure, f"{metric} on seen and unseen codes, 95 % intervals", "system", metric)
    figure.update_layout(scattermode="group", scattergap=0.6)
    return figure


def draw_training_history(history: pd.DataFrame) -> go.Figure:
    """Return losses (left axis) and validation measures (right axis) over the training step.

    Args:
        history: Columns `model`, `step`, `metric`, `value`; a metric with "loss" in its name is a loss.
    """
    figure = go.Figure()
    names = (history["model"] + ": " + history["metric"]).tolist()
    has_loss = has_score = False
    for name, look in looks(names).items():
        series = history.loc[[one == name for one in names]].sort_values("step")
        is_loss = "loss" in str(series["metric"].iloc[0]).lower()
        has_loss, has_score = has_loss or is_loss, has_score or not is_loss
        figure.add_scatter(
            x=series["step"].tolist(),
            y=series["value"].tolist(),
            name=name,
            mode="lines" if is_loss else "lines+markers",
            line={"color": look.colour, "dash": look.dash},
            marker={"color": look.colour, "symbol": look.symbol, "size": 9},
            yaxis="y" if is_loss else "y2",
        )
    dress(figure, "Training: loss and validation", "training step", "loss")
    figure.update_layout(
        yaxis={"visible": has_loss},
        yaxis2={
            "title": {"text": "validation measure"},
            "overlaying": "y" if has_loss else None,
            "side": "right" if has_loss else "left",
            "visible": has_score,
            "showgrid": not has_loss,
            "rangemode": "tozero",
            "tickmode": "auto",
        },
    )
    return figure


def draw_encoder_candidates(candidates: pd.DataFrame) -> go.Figure:
    """Return what each encoder found on validation over the time it took.

    Args:
        candidates: Columns `encoder`, `recall@5`, `mrr`, `seconds`.
    """
    figure = go.Figure()
    for measure, look in zip((PRIMARY_METRIC, "mrr"), (_LOOKS[0], _LOOKS[8]), strict=True):
        figure.add_scatter(
            x=candidates["seconds"].tolist(),
            y=candidates[measure].tolist(),
            text=candidates["encoder"].tolist(),
            name=measure,
            mode="markers+text",
            textposition="top center",
            cliponaxis=False,
            marker={"color": look.colour, "symbol": look.symbol, "size": 12},
        )
    dress(figure, "Encoder candidates on the validation queries", "seconds of training and encoding", "value")
    figure.update_xaxes(rangemode="tozero")
    return figure


def draw_nothing(name: str) -> go.Figure:
    """Return an empty figure that says that there was nothing to draw."""
    figure = go.Figure()
    dress(figure, f"{name.replace('_', ' ').capitalize()}: nothing to draw in this run", "", "")
    return figure


def look_of(place: int) -> Look:
    """Return the look of the series at a place."""
    return _LOOKS[place % len(_LOOKS)]


def looks(names: Sequence[str]) -> dict[str, Look]:
    """Return a look for each distinct name, in order of appearance."""
    return {name: look_of(place) for place, name in enumerate(dict.fromkeys(names))}


def interval_points(rows: pd.DataFrame, name: str, look: Look) -> dict[str, Any]:
    """Return the arguments of a trace of points with their intervals."""
    return {
        "y": rows["value"].tolist(),
        "name": name,
        "marker": {"color": look.colour, "symbol": look.symbol, "size": 10},
        "line": {"color": look.colour, "dash": look.dash},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": (rows["high"] - rows["value"]).tolist(),
            "arrayminus": (rows["value"] - rows["low"]).tolist(),
            "color": look.colour,
            "thickness": 1.2,
            "width": 3,
        },
    }


def dress(figure: go.Figure, title: str, x_title: str, y_title: str) -> None:
    """Give the figure its titles and the common look."""
    figure.update_layout(
        title={"text": title, "x": 0.01, "y": 0.99, "yanchor": "top", "font": {"size": 15}},
        template="plotly_white",
        height=460,
        margin={"l": 60, "r": 30, "t": 115, "b": 60},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0.0},
        font={"family": "system-ui, sans-serif", "size": 14},
        xaxis={"title": {"text": x_title}, "automargin": True},
        yaxis={"title": {"text": y_title}, "rangemode": "tozero", "automargin": True},
        showlegend=True,
    )
