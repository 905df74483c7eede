"""Every pair of systems on the same queries: difference, interval, corrected test, effect, and a sentence."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Final

import pandas as pd

from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams, cluster_queries
from codisearch.pipelines.evaluation.measures.significance import (
    ALPHA,
    PairedTest,
    adjust_holm,
    compare_columns,
    describe_difference,
)
from codisearch.pipelines.evaluation.measures.summary import (
    column_of,
    is_asked_in,
    languages_of,
    scores_by_query,
)

logger = logging.getLogger(__name__)

METRICS: Final = ("recall@5", "mrr")
PAIR_COLUMNS: Final = (
    "metric",
    "language",
    "before_system",
    "after_system",
    "before",
    "after",
    "difference",
    "low",
    "high",
    "p_value",
    "p_adjusted",
    "effect_size",
    "better",
    "worse",
    "queries",
    "sentence",
)


def compare_pairs(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    systems: Sequence[str],
    bootstrap: BootstrapParams,
    metrics: Sequence[str] = METRICS,
) -> pd.DataFrame:
    """Return the comparison of every pair of systems, overall and per language, at code level.

    `p_adjusted` is corrected by Holm's method for all pairs and languages of a metric together: of all that
    are called different at .05, the chance that any one is not is at most 5 %.

    Args:
        per_query: The scores of `score_queries`, with the level `code`.
        queries: Frame of `schemas.QUERIES`.
        systems: The systems, in the order of the tables; the later of a pair is `after_system`.
        bootstrap: How intervals and tests are drawn.
        metrics: Means to compare.

    Returns:
        Columns `PAIR_COLUMNS`; no rows with fewer than two systems or without queries.
    """
    pairs = list(combinations(systems, 2))
    if not pairs or queries.empty:
        return pd.DataFrame(columns=list(PAIR_COLUMNS))
    wide = scores_by_query(per_query, queries, systems)
    languages = languages_of(queries)
    rows = []
    for metric in metrics:
        found = [
            (language, pair, test)
            for language in languages
            for pair, test in _compare_in(language, wide, queries, pairs, metric, bootstrap)
        ]
        adjusted = _corrected(found, len(pairs), bootstrap)
        rows += [
            {
                "metric": metric,
                "language": language,
                "before_system": pair[0],
                "after_system": pair[1],
                **asdict(test),
                "p_adjusted": p_value,
                "sentence": describe_difference(test, language, metric, *pair, corrected=p_value),
            }
            for (language, pair, test), p_value in zip(found, adjusted, strict=True)
        ]
    return pd.DataFrame(rows)[list(PAIR_COLUMNS)]


def _corrected(
    found: Sequence[tuple[str, tuple[str, str], PairedTest]], pairs: int, bootstrap: BootstrapParams
) -> list[float]:
    """Return the corrected p-values; where there is one language, `all` says the same and counts once."""
    distinct = found[pairs:] if len(found) == 2 * pairs else found
    smallest = len(distinct) / (bootstrap.permutations + 1)
    if smallest >= ALPHA:
        logger.warning(
            "%d comparisons with %d permutations: no corrected p can be below %.3f; raise "
            "evaluation.bootstrap.permutations",
            len(distinct),
            bootstrap.permutations,
            smallest,
        )
    adjusted = [float(p) for p in adjust_holm([test.p_value for _, _, test in distinct])]
    return adjusted * (len(found) // len(distinct))


def _compare_in(
    language: str,
    wide: pd.DataFrame,
    queries: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    metric: str,
    bootstrap: BootstrapParams,
) -> Iterator[tuple[tuple[str, str], PairedTest]]:
    """Yield each pair with its comparison in one metric and language."""
    inside = is_asked_in(queries, language)
    column = column_of(metric)
    before, after = (
        wide.loc[inside, [(pair[side], "code", column) for pair in pairs]].to_numpy(dtype=float)
        for side in (0, 1)
    )
    tests = compare_columns(before, after, cluster_queries(queries)[inside], bootstrap)
    yield from zip(pairs, tests, strict=True)
