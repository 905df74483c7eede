"""How often the first answer is right at each height of its score."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    bootstrap_means,
    cluster_queries,
)

CALIBRATION_COLUMNS: Final = ("system", "bin", "score", "right", "low", "high", "queries")
_BINS: Final = 10


def measure_calibration(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    systems: Sequence[str],
    bootstrap: BootstrapParams,
) -> pd.DataFrame:
    """Return the share of right first answers over their score, in ten bins of equally many queries.

    A score that means something rises with the share; where the line is flat, it says nothing. Scores of
    different systems are on different scales: a cosine, a sum of word weights, a sum of reciprocal ranks.
    Equal scores at the border of two bins are parted in the order of the queries.

    Args:
        per_query: The scores of `score_queries`, with the level `code`.
        queries: Frame of `schemas.QUERIES`.
        rankings: Frame of `schemas.RANKINGS`.
        systems: The systems, in order.
        bootstrap: How intervals are drawn.

    Returns:
        Columns `CALIBRATION_COLUMNS`: mean `score` of a bin, share `right` with its interval, its `queries`.
        A query without an answer is in no bin.
    """
    clusters = pd.Series(cluster_queries(queries), index=queries["query_id"])
    hits = per_query.loc[per_query["level"] == "code", ["system", "query_id", "recall@1"]]
    answers = rankings.loc[rankings["rank"] == 1, ["system", "query_id", "score"]]
    answered = answers.merge(hits, on=["system", "query_id"])
    tables = []
    for system in systems:
        of_system = answered.loc[answered["system"] == system]
        if of_system.empty:
            continue
        order = of_system["score"].rank(method="first") - 1.0
        bins = (order * _BINS // len(of_system)).astype(int)
        for number, inside in of_system.groupby(bins):
            found = bootstrap_means(
                inside[["recall@1"]].to_numpy(dtype=float),
                clusters.loc[inside["query_id"]].to_numpy(),
                bootstrap,
            )
            tables.append(
                {
                    "system": system,
                    "bin": int(number) + 1,
                    "score": float(inside["score"].mean()),
                    "right": float(found.value[0]),
                    "low": float(found.low[0]),
                    "high": float(found.high[0]),
                    "queries": len(inside),
                }
            )
    return pd.DataFrame(tables, columns=list(CALIBRATION_COLUMNS))
