"""Where the right code stood before and after: how a change of system moves queries between ranks."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.pipelines.evaluation.measures.gain import LEARNING_GAIN, RERANKING, Comparison
from codisearch.pipelines.evaluation.measures.summary import is_asked_in, languages_of, scores_by_query

BANDS: Final = ("1", "2-5", "6-10", "11 or below", "not found")
TRANSITION_COLUMNS: Final = (
    "comparison",
    "before_system",
    "after_system",
    "language",
    "from_rank",
    "to_rank",
    "queries",
)
_LAST_RANKS: Final = (1, 5, 10)


def count_transitions(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    comparisons: Sequence[Comparison] = (LEARNING_GAIN, RERANKING),
) -> pd.DataFrame:
    """Return how many queries went from each band of ranks to each other, overall and per language.

    Args:
        per_query: The scores of `score_queries`, with the level `code`.
        queries: Frame of `schemas.QUERIES`.
        comparisons: Pairs of systems; one without a system that was measured is left out.

    Returns:
        Columns `TRANSITION_COLUMNS`, a row for every pair of `BANDS`, zeros included.
    """
    measured = set(per_query["system"])
    possible = [one for one in comparisons if {one.before, one.after} <= measured]
    if not possible or queries.empty:
        return pd.DataFrame(columns=list(TRANSITION_COLUMNS))
    names = list(dict.fromkeys(name for one in possible for name in (one.before, one.after)))
    wide = scores_by_query(per_query, queries, names)
    bands = {name: bands_of(wide[name, "code", "rr"].to_numpy(dtype=float)) for name in names}
    rows = []
    for one in possible:
        for language in languages_of(queries):
            inside = is_asked_in(queries, language)
            counts = np.zeros((len(BANDS), len(BANDS)), dtype=np.int64)
            np.add.at(counts, (bands[one.before][inside], bands[one.after][inside]), 1)
            rows += [
                (one.name, one.before, one.after, language, BANDS[start], BANDS[end], int(counts[start, end]))
                for start in range(len(BANDS))
                for end in range(len(BANDS))
            ]
    return pd.DataFrame(rows, columns=list(TRANSITION_COLUMNS))


def bands_of(reciprocal_ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the place in `BANDS` of each reciprocal rank; 0 is not found."""
    found = reciprocal_ranks > 0
    ranks = np.round(1.0 / np.where(found, reciprocal_ranks, 1.0))
    return np.where(found, np.searchsorted(_LAST_RANKS, ranks), len(BANDS) - 1).astype(np.int64)


def moves_over_the_fifth(transitions: pd.DataFrame) -> pd.DataFrame:
    """Return how many queries entered and left the first five, by comparison and language.

    Returns:
        Columns `comparison`, `language`, `entered` (of these `from_6_to_10` and `from_not_found`), `left`,
        `net`, and `net_of_100`, all queries being 100.
    """
    first = {"1", "2-5"}
    was, is_now = transitions["from_rank"].isin(first), transitions["to_rank"].isin(first)
    enters = ~was & is_now
    counted = transitions.assign(
        entered=transitions["queries"].where(enters, 0),
        from_6_to_10=transitions["queries"].where(enters & (transitions["from_rank"] == "6-10"), 0),
        from_not_found=transitions["queries"].where(enters & (transitions["from_rank"] == "not found"), 0),
        left=transitions["queries"].where(was & ~is_now, 0),
    )
    sums = ["entered", "from_6_to_10", "from_not_found", "left", "queries"]
    table = counted.groupby(["comparison", "language"], sort=False)[sums].sum().reset_index()
    net = table["entered"] - table["left"]
    return table.assign(net=net, net_of_100=100.0 * net / table["queries"].clip(lower=1)).drop(
        columns="queries"
    )
