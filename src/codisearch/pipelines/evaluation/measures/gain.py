"""What training and reranking add: paired comparisons of two systems on the same queries and index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    Intervals,
    bootstrap_difference,
    bootstrap_relative_rise,
    cluster_queries,
)
from codisearch.pipelines.evaluation.measures.summary import (
    column_of,
    is_asked_in,
    languages_of,
    scores_by_query,
)

Kind = Literal["relative", "difference"]

COMPARISON_COLUMNS: Final = (
    "comparison",
    "language",
    "metric",
    "kind",
    "before_system",
    "after_system",
    "before",
    "after",
    "change",
    "low",
    "high",
    "queries",
)


@dataclass(frozen=True)
class Comparison:
    """Two systems to compare.

    Attributes:
        name: Of the comparison, as reports and tracking show it.
        before: The system that is the ground.
        after: The system that should be better.
        metric: `mrr` or `recall@<k>`, at code level.
        kind: `relative` for after / before - 1, `difference` for after - before.
    """

    name: str
    before: str
    after: str
    metric: str
    kind: Kind


LEARNING_GAIN: Final = Comparison("learning_gain", "base_encoder", "bi_encoder", "mrr", "relative")
LEARNING_GAIN_IN_RECALL: Final = Comparison(
    "learning_gain_in_recall", "base_encoder", "bi_encoder", "recall@5", "relative"
)
RISE_FROM_GENERALIST: Final = Comparison(
    "rise_from_generalist", "generalist", "bi_encoder", "mrr", "relative"
)
RERANKING: Final = Comparison("reranking", "bi_encoder", "two_stage", "recall@5", "difference")
COMPARISONS: Final = (LEARNING_GAIN, LEARNING_GAIN_IN_RECALL, RISE_FROM_GENERALIST, RERANKING)


def compare_systems(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    bootstrap: BootstrapParams,
    comparisons: Sequence[Comparison] = COMPARISONS,
) -> pd.DataFrame:
    """Compare pairs of systems overall and per language; a comparison without one of its systems is left out.

    The learning gain is the relative rise of MRR, and beside it of recall@5, from `base_encoder` to
    `bi_encoder`; the rise from `generalist` stands beside it, so that a base that starts from little cannot
    flatter itself.

    Args:
        per_query: The scores of `score_queries`, with the level `code`.
        queries: Frame of `schemas.QUERIES`.
        bootstrap: How intervals are drawn.
        comparisons: What to compare.

    Returns:
        Columns `COMPARISON_COLUMNS`, one row per comparison and language, `all` first; a rise from 0 is NaN.
    """
    measured = set(per_query["system"])
    possible = [one for one in comparisons if {one.before, one.after} <= measured]
    systems = list(dict.fromkeys(name for one in possible for name in (one.before, one.after)))
    if not possible:
        return pd.DataFrame(columns=list(COMPARISON_COLUMNS))
    wide = scores_by_query(per_query, queries, systems)
    rows = [
        _compare(wide, queries, one, language, bootstrap)
        for one in possible
        for language in languages_of(queries)
    ]
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def _compare(
    wide: pd.DataFrame,
    queries: pd.DataFrame,
    comparison: Comparison,
    language: str,
    bootstrap: BootstrapParams,
) -> dict[str, Any]:
    """Return one row of the frame."""
    inside = is_asked_in(queries, language)
    clusters = cluster_queries(queries)[inside]
    column = column_of(comparison.metric)
    before, after = (
        wide.loc[inside, [(system, "code", column)]].to_numpy(dtype=float)
        for system in (comparison.before, comparison.after)
    )
    change: Intervals = (
        bootstrap_relative_rise(before, after, clusters, bootstrap)
        if comparison.kind == "relative"
        else bootstrap_difference(before, after, clusters, bootstrap)
    )
    return {
        "comparison": comparison.name,
        "language": language,
        "metric": comparison.metric,
        "kind": comparison.kind,
        "before_system": comparison.before,
        "after_system": comparison.after,
        "before": float(before.mean()),
        "after": float(after.mean()),
        "change": float(change.value[0]),
        "low": float(change.low[0]),
        "high": float(change.high[0]),
        "queries": int(inside.sum()),
    }
