"""The learning curve in the report: what the encoder finds after training on parts of the corpus."""

from typing import Final

import pandas as pd
import plotly.graph_objects as go

from codisearch.languages import LANGUAGES
from codisearch.pipelines.evaluation.measures.summary import ALL, PRIMARY_METRIC, select_metrics
from codisearch.pipelines.evaluation.reporting.document import Picture, Section, table_of_frame
from codisearch.pipelines.evaluation.reporting.figures import dress, look_of

_PARTS: Final = {ALL: "seen and unseen", "seen": "seen codes", "unseen": "unseen codes"}
_SIZE: Final = "size"
_OTHER_PAIRS: Final = (
    "This curve was measured on other pairs than those of this run, as far as can be told: measure it again"
    " with kedro run --pipeline=learning_curve."
)
_FEWEST_SEEDS: Final = 2
_SPREAD_CAPTION: Final = (
    "Spread over training seeds: the bi-encoder at the largest size, beside half the width of its interval"
)
_TEXT: Final = (
    "The bi-encoder trained anew on parts of the corpus, code by code, with the index of the same part,"
    " over the whole code set. It is measured on test queries drawn evenly over languages, so that its"
    " level differs a little from the tables above. Seen and unseen are those of the whole training"
    " split. The label size is a part of the whole corpus with all its titles; any other is what one"
    " source wrote, its titles too. Mean and range over seeds."
)


def draw_learning_curve(curve: pd.DataFrame) -> go.Figure:
    """Return recall@5 over the number of training queries: means over seeds with their range.

    Args:
        curve: The table of the `learning_curve` pipeline: `label`, `seed`, `queries`, `language`, `part`,
            `recall_at_5` and more.
    """
    figure = go.Figure()
    sizes = curve[(curve["label"] == _SIZE) & (curve["language"] == ALL)]
    for place, (part, name) in enumerate(_PARTS.items()):
        found = sizes[sizes["part"] == part].groupby("queries")["recall_at_5"]
        mean, low, high = found.mean(), found.min(), found.max()
        look = look_of(place)
        figure.add_scatter(
            x=mean.index.tolist(),
            y=mean.tolist(),
            name=name,
            mode="lines+markers",
            marker={"color": look.colour, "symbol": look.symbol, "size": 10},
            line={"color": look.colour, "dash": look.dash},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": (high - mean).tolist(),
                "arrayminus": (mean - low).tolist(),
            },
        )
    dress(figure, "Learning curve: recall@5 over corpus size", "training queries", "recall@5")
    figure.update_xaxes(rangemode="tozero")
    return figure


def curve_section(
    curve: pd.DataFrame | None, metrics: pd.DataFrame, digest: str | None = None
) -> Section | None:
    """Return the section of the report; None while no curve has been measured.

    Args:
        curve: The table of the `learning_curve` pipeline.
        metrics: The frame of `summarise`, whose intervals stand beside the spread over seeds.
        digest: Of the pairs of this run; a curve of other pairs is shown with a word on it.
    """
    if curve is None or curve.empty:
        return None
    picture = Picture(
        "learning_curve",
        draw_learning_curve(curve),
        "Lines: recall@5 over the number of training queries, overall, on seen and on unseen codes.",
    )
    spread = spread_over_seeds(curve, metrics)
    tables = (
        *((table_of_frame(spread, _SPREAD_CAPTION),) if len(spread) else ()),
        table_of_frame(_by_language(curve), "recall@5 by corpus size and language, mean over seeds"),
        table_of_frame(_by_part(curve), "recall@5 and MRR by corpus size, and the spread over seeds"),
    )
    measured_on = set(curve["corpus"]) if "corpus" in curve.columns else {None}
    texts = (_TEXT,) if digest is None or measured_on == {digest} else (_TEXT, _OTHER_PAIRS)
    return Section("Learning curve", texts, pictures=(picture,), tables=tables)


def spread_over_seeds(curve: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Return how much recall@5 and MRR differ between trainings at the largest size with other seeds.

    Returns:
        A row per language: number of `seeds`, mean, standard deviation and range of both measures, and
        `half_interval`, half the width of the bi-encoder's bootstrap interval of recall@5: what the choice of
        queries leaves open, beside what the choice of seed does. No rows with a single seed.
    """
    sizes = curve[(curve["label"] == _SIZE) & (curve["part"] == ALL)]
    whole = sizes[sizes["queries"] == sizes["queries"].max()]
    if whole["seed"].nunique() < _FEWEST_SEEDS:
        return pd.DataFrame()
    grouped = whole.groupby("language", sort=False)
    table = grouped.agg(
        seeds=("seed", "nunique"),
        recall_at_5=("recall_at_5", "mean"),
        recall_deviation=("recall_at_5", "std"),
        lowest=("recall_at_5", "min"),
        highest=("recall_at_5", "max"),
        mrr=("mrr", "mean"),
        mrr_deviation=("mrr", "std"),
    )
    of_model = metrics.loc[metrics["system"] == "bi_encoder"]
    rows = select_metrics(of_model, PRIMARY_METRIC).set_index("language")
    width = (rows["high"] - rows["low"]) / 2.0
    table["half_interval"] = width.reindex(table.index)
    return pd.DataFrame(table.reset_index())


def _by_language(curve: pd.DataFrame) -> pd.DataFrame:
    whole = curve[curve["part"] == ALL]
    table = whole.pivot_table(
        index=["label", "queries"], columns="language", values="recall_at_5", aggfunc="mean"
    )
    names = [name for name in (*LANGUAGES, ALL) if name in table.columns]
    table = table[names].reset_index()
    table.columns.name = None
    return table


def _by_part(curve: pd.DataFrame) -> pd.DataFrame:
    whole = curve[curve["language"] == ALL]
    grouped = whole.groupby(["label", "queries", "part"], sort=True)
    return grouped.agg(
        codes=("codes", "first"),
        seeds=("seed", "nunique"),
        recall_at_5=("recall_at_5", "mean"),
        lowest=("recall_at_5", "min"),
        highest=("recall_at_5", "max"),
        mrr=("mrr", "mean"),
        seconds=("seconds", "mean"),
    ).reset_index()
