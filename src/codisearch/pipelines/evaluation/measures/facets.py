"""Measures by what a query asks for: chapter and length of its code, and its own length in words."""

from typing import Final

import numpy as np
import pandas as pd

from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    bootstrap_means,
    cluster_queries,
)
from codisearch.pipelines.evaluation.measures.summary import column_of, scores_by_query

FACETS: Final = ("chapter", "code_length", "query_words")
FACET_COLUMNS: Final = ("system", "facet", "part", "metric", "value", "low", "high", "queries")
METRICS: Final = ("recall@5", "mrr")
_UNKNOWN: Final = "unknown"
_WORD_BOUNDS: Final = (1, 3, 6, 10)
_WORD_NAMES: Final = ("1", "2-3", "4-6", "7-10", "11 or more")


def summarise_facets(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    code_set: pd.DataFrame,
    systems: list[str],
    bootstrap: BootstrapParams,
) -> pd.DataFrame:
    """Return recall@5 and MRR, with intervals, of each part of each facet.

    Args:
        per_query: The scores of `score_queries`, with the level `code`.
        queries: Frame of `schemas.QUERIES`; chapter and length are those of the first relevant code.
        code_set: Codes with their `chapter`.
        systems: The systems, in order.
        bootstrap: How intervals are drawn.

    Returns:
        Columns `FACET_COLUMNS`; parts in order, those without queries left out.
    """
    columns = [(system, "code", column_of(metric)) for system in systems for metric in METRICS]
    values = scores_by_query(per_query, queries, systems)[columns].to_numpy(dtype=float)
    clusters = cluster_queries(queries)
    names = pd.DataFrame([(system, metric) for system in systems for metric in METRICS])
    rows = []
    for facet, parts in _parts(queries, code_set).items():
        for part in parts.cat.categories:
            inside = (parts == part).to_numpy()
            if inside.any():
                found = bootstrap_means(values[inside], clusters[inside], bootstrap)
                table = pd.DataFrame({"system": names[0], "facet": facet, "part": part, "metric": names[1]})
                rows.append(
                    table.assign(value=found.value, low=found.low, high=found.high, queries=int(inside.sum()))
                )
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(FACET_COLUMNS))
    return table[list(FACET_COLUMNS)]


def _parts(queries: pd.DataFrame, code_set: pd.DataFrame) -> dict[str, "pd.Series[str]"]:
    """Return the part of each query by facet, as ordered categories."""
    first = queries["codes"].map(lambda codes: codes[0]).astype(str)
    names = _chapter_names(code_set)
    of_category = dict(zip(code_set["category"], code_set["chapter"].map(names), strict=True))
    chapters = first.str.slice(stop=3).map(lambda category: of_category.get(category, _UNKNOWN))
    lengths = first.str.replace(".", "", regex=False).str.len()
    words = np.searchsorted(_WORD_BOUNDS, queries["query"].map(lambda query: len(query.split())))
    return {
        "chapter": _ordered(chapters, [*names.values(), _UNKNOWN]),
        "code_length": _ordered(lengths.astype(str), [str(length) for length in range(3, 8)]),
        "query_words": _ordered(pd.Series(np.array(_WORD_NAMES)[words]), list(_WORD_NAMES)),
    }


def _chapter_names(code_set: pd.DataFrame) -> dict[str, str]:
    """Return the chapters in order, each with the range of its categories: `09 I00-I99`."""
    ends = code_set.groupby("chapter", sort=True)["category"].agg(["min", "max"])
    return {str(chapter): f"{chapter} {low}-{high}" for chapter, low, high in ends.itertuples()}


def _ordered(parts: "pd.Series[str]", order: list[str]) -> "pd.Series[str]":
    return pd.Series(pd.Categorical(parts.to_numpy(dtype=object), categories=order, ordered=True))
