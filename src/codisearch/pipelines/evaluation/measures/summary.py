"""Per-query scores brought together: means with intervals for every slice, and the tables people read."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from codisearch.errors import ConfigurationError, InputError
from codisearch.languages import LANGUAGES
from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    Ints,
    bootstrap_means,
    cluster_queries,
)

ALL: Final = "all"
PRIMARY_METRIC: Final = "recall@5"
METRIC_COLUMNS: Final = (
    "system",
    "language",
    "style",
    "seen",
    "level",
    "metric",
    "value",
    "low",
    "high",
    "queries",
)
_NOT_SCORES: Final = ("system", "query_id", "level")
_MEAN_NAMES: Final = {"rr": "mrr", "ap@10": "map@10"}
"""What the mean of a score over queries is called, where not as the score itself."""


class Slice(NamedTuple):
    """A part of the test queries; `all` on a side means that it does not restrict that side."""

    language: str = ALL
    style: str = ALL
    seen: str = ALL


def summarise(
    per_query: pd.DataFrame, queries: pd.DataFrame, systems: Sequence[str], bootstrap: BootstrapParams
) -> pd.DataFrame:
    """Return the mean of every measure in every slice with its bootstrap interval.

    Slices are everything, each language, each style, seen and unseen, each language by seen and each language
    by style; a slice without queries is left out.

    Args:
        per_query: The scores of `score_queries`.
        queries: Frame of `schemas.QUERIES`.
        systems: The systems to summarise, in the order of the rows.
        bootstrap: How intervals are drawn.

    Returns:
        Columns `METRIC_COLUMNS`; `metric` is `recall@<k>`, `mrr`, `map@10`, `ndcg@10`, `precision_first`,
        `recall_first` or `f1_first`, `seen` is all, seen or unseen.

    Raises:
        InputError: If there are no queries, or a system lacks the score of a query.
        ConfigurationError: If a system has no scores at all.
    """
    if queries.empty:
        raise InputError("There are no test queries to summarise: at least one is needed.")
    wide = scores_by_query(per_query, queries, systems)
    clusters = cluster_queries(queries)
    seen = np.where(queries["seen"], "seen", "unseen")
    parts = pd.DataFrame({"language": queries["language"], "style": queries["style"], "seen": seen})
    rows = [_summarise_slice(wide, clusters, parts, part, bootstrap) for part in _slices(parts)]
    metrics = pd.concat(rows, ignore_index=True)[list(METRIC_COLUMNS)]
    order = metrics["system"].map({system: place for place, system in enumerate(systems)})
    return metrics.iloc[np.argsort(order.to_numpy(), kind="stable")].reset_index(drop=True)


def scores_by_query(per_query: pd.DataFrame, queries: pd.DataFrame, systems: Sequence[str]) -> pd.DataFrame:
    """Return one row per query, in the order of `queries`, and one column per (system, level, measure).

    Raises:
        ConfigurationError: If a system has no scores at all.
        InputError: If a system lacks the score of a query.
    """
    measured = list(dict.fromkeys(per_query["system"]))
    unknown = [system for system in systems if system not in measured]
    if unknown:
        raise ConfigurationError(
            f"No scores for {', '.join(unknown)}: scored are {', '.join(measured) or 'none'}."
        )
    names = [name for name in per_query.columns if name not in _NOT_SCORES]
    wanted = per_query.loc[per_query["system"].isin(list(systems))]
    wide = wanted.pivot(index="query_id", columns=["system", "level"], values=names).reindex(
        queries["query_id"]
    )
    absent = wide.index[wide.isna().any(axis=1)]
    if len(absent):
        raise InputError(
            f"{len(absent)} queries lack the score of a system, first {absent[0]!r}: score all of them."
        )
    return wide.reorder_levels([1, 2, 0], axis=1)


def _slices(parts: pd.DataFrame) -> Iterator[Slice]:
    """Yield the slices that have queries, languages in the project's order."""
    languages = [language for language in LANGUAGES if (parts["language"] == language).any()]
    styles = [style for style in dict.fromkeys(parts["style"]) if style]
    sides = [side for side in ("seen", "unseen") if (parts["seen"] == side).any()]
    yield Slice()
    yield from (Slice(language=language) for language in languages)
    yield from (Slice(style=style) for style in styles)
    yield from (Slice(seen=side) for side in sides)
    for language in languages:
        yield from (Slice(language=language, seen=side) for side in sides)
        yield from (Slice(language=language, style=style) for style in styles)


def _summarise_slice(
    wide: pd.DataFrame, clusters: Ints, parts: pd.DataFrame, part: Slice, bootstrap: BootstrapParams
) -> pd.DataFrame:
    """Return the rows of one slice, none where no query belongs to it."""
    inside = np.ones(len(parts), dtype=bool)
    for side, wanted in part._asdict().items():
        inside &= (parts[side] == wanted).to_numpy() | (wanted == ALL)
    if not inside.any():
        return pd.DataFrame(columns=list(METRIC_COLUMNS))
    estimate = bootstrap_means(wide.to_numpy(dtype=float)[inside], clusters[inside], bootstrap)
    rows = pd.DataFrame(wide.columns.to_list(), columns=["system", "level", "metric"])
    return rows.assign(
        metric=rows["metric"].replace(_MEAN_NAMES),
        **part._asdict(),
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        queries=int(inside.sum()),
    )


def languages_of(queries: pd.DataFrame) -> list[str]:
    """Return `all`, and the languages that have queries in the project's order."""
    present = set(queries["language"])
    return [ALL, *(language for language in LANGUAGES if language in present)]


def is_asked_in(queries: pd.DataFrame, language: str) -> npt.NDArray[np.bool_]:
    """Tell of each query whether it is in `language`, as every query is in `all`."""
    return ((queries["language"] == language) | (language == ALL)).to_numpy(dtype=bool)


def column_of(metric: str) -> str:
    """Return the name of the score per query whose mean is `metric`."""
    return next((score for score, mean in _MEAN_NAMES.items() if mean == metric), metric)


def select_metrics(
    metrics: pd.DataFrame,
    metric: str | None = None,
    *,
    level: str = "code",
    language: str | None = None,
    style: str | None = ALL,
    seen: str | None = ALL,
) -> pd.DataFrame:
    """Return the rows of `metrics` that fit; None leaves that column free."""
    wanted = {"metric": metric, "level": level, "language": language, "style": style, "seen": seen}
    fits = np.ones(len(metrics), dtype=bool)
    for column, value in wanted.items():
        if value is not None:
            fits &= (metrics[column] == value).to_numpy()
    return metrics.loc[fits]


def best_system(metrics: pd.DataFrame, metric: str = PRIMARY_METRIC) -> str:
    """Return the system with the highest overall value at code level; of equals, the first.

    Raises:
        InputError: If `metrics` lacks the measure.
    """
    overall = select_metrics(metrics, metric, language=ALL).reset_index(drop=True)
    if overall.empty:
        raise InputError(
            f"No overall {metric}: the measures are {', '.join(dict.fromkeys(metrics['metric']))}."
        )
    return str(overall["system"].iloc[int(overall["value"].argmax())])


def metrics_table(metrics: pd.DataFrame, metric: str = PRIMARY_METRIC, level: str = "code") -> pd.DataFrame:
    """Return one row per system and one column per language and for `all`."""
    rows = select_metrics(metrics, metric, level=level)
    wide = rows.pivot(index="system", columns="language", values="value")
    languages = [language for language in (*LANGUAGES, ALL) if language in wide.columns]
    ordered = wide.reindex(index=list(dict.fromkeys(rows["system"])), columns=languages)
    return ordered.reset_index().rename_axis(columns=None)


def render_console_table(
    metrics: pd.DataFrame, metric: str = PRIMARY_METRIC, of: str = "test queries"
) -> Table:
    """Return a rich table of one measure per system and language, the best of a column in bold."""
    rows = select_metrics(metrics, metric)
    counts = dict(zip(rows["language"], rows["queries"], strict=True))
    languages = [language for language in (*LANGUAGES, ALL) if language in counts]
    table = Table(
        title=f"{metric} over the whole code set, {of}",
        caption="below each value its 95 % interval",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("system\nqueries", no_wrap=True)
    for language in languages:
        table.add_column(f"{language}\n{counts[language]}", justify="right", no_wrap=True)
    best = rows.groupby("language")["value"].max()
    for system in dict.fromkeys(rows["system"]):
        of_system = rows.loc[rows["system"] == system].set_index("language")[["value", "low", "high"]]
        numbers = zip(of_system.reindex(languages).to_numpy(dtype=float), best[languages], strict=True)
        table.add_row(system, *(_console_cell(value, low, high, top) for (value, low, high), top in numbers))
    return table


def _console_cell(value: float, low: float, high: float, best: float) -> Text:
    """Return a value over its interval, in bold if it is the best."""
    cell = Text(f"{value:.3f}", style="bold" if value >= best else "")
    if not np.isnan(low):
        ends = "–".join(f"{end:.2f}".removeprefix("0") for end in (low, high))
        cell.append(f"\n{ends}", style="not bold dim")
    return cell


def as_mlflow_metrics(metrics: pd.DataFrame, system: str) -> dict[str, float]:
    """Return the metrics of one system under the flat names that MLflow compares side by side.

    `recall_at_5.all`, `mrr.es`, `recall_at_5.seen`, `recall_at_5.style_lay`, and `recall_at_5.level_category`
    for the coarser levels overall.

    Raises:
        InputError: If the system was not measured.
    """
    of_system = metrics.loc[metrics["system"] == system]
    if of_system.empty:
        known = ", ".join(dict.fromkeys(metrics["system"]))
        raise InputError(f"No metrics for the system {system!r}: measured are {known}.")
    flat = {}
    for row in of_system.to_dict("records"):
        suffix = _mlflow_suffix(str(row["level"]), Slice(row["language"], row["style"], row["seen"]))
        if suffix:
            name = f"{row['metric'].replace('@', '_at_')}.{suffix}"
            while name in flat:  # two sources whose names differ in signs that MLflow does not allow
                name += "_"
            flat[name] = float(row["value"])
    return flat


def _mlflow_suffix(level: str, part: Slice) -> str:
    """Return the name of a slice for MLflow, empty for one that is not logged."""
    restricted = [side for side, value in part._asdict().items() if value != ALL]
    if level != "code":
        return "" if restricted else f"level_{level}"
    if len(restricted) > 1:
        return ""
    if part.style != ALL:
        return "style_" + re.sub(r"[^\w-]", "_", part.style, flags=re.ASCII)
    return part.seen if part.seen != ALL else part.language
