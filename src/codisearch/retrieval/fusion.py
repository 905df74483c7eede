"""Several rankings of the same queries as one: by rank, or by score; and a head put in another order."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from codisearch.retrieval.ranking import NO_CODE, Ids, Rankings, Scores, reorder

Floats = npt.NDArray[np.float64]

RANK_CONSTANT: Final = 60
"""Of reciprocal rank fusion, as its authors set it."""


def reciprocal_rank(
    rankings: Sequence[Rankings], weights: Sequence[float], *, k: int = RANK_CONSTANT, depth: int
) -> Rankings:
    """Fuse by rank: a code scores the sum of weight / (k + rank) over the rankings that have it.

    Cormack, Clarke and Büttcher 2009, https://doi.org/10.1145/1571941.1572114. Scores do not matter, so
    systems on any scale can be fused.

    Args:
        rankings: One or more rankings of the same queries.
        weights: One for each ranking.
        k: The larger, the less the first ranks stand out.
        depth: Codes to return.
    """
    gains = [
        np.broadcast_to(weight / (k + 1.0 + np.arange(one.codes.shape[1])), one.codes.shape)
        for one, weight in zip(rankings, weights, strict=True)
    ]
    return _add_up(rankings, gains, depth)


def weighted(rankings: Sequence[Rankings], weights: Sequence[float], *, depth: int) -> Rankings:
    """Fuse by score: a code scores the weighted sum of its scores, each scaled to 0 to 1 within its query.

    The lowest score that a ranking gives a query's codes becomes 0 and the highest 1; where all are equal
    they become 1. A code that a ranking does not have gets 0 from it.

    Args:
        rankings: One or more rankings of the same queries.
        weights: One for each ranking.
        depth: Codes to return.
    """
    gains = [weight * _scaled(one) for one, weight in zip(rankings, weights, strict=True)]
    return _add_up(rankings, gains, depth)


def rescore_head(rankings: Rankings, scores: Scores) -> Rankings:
    """Put the first codes of each query in the order of new scores, and leave the others behind them.

    Args:
        rankings: (queries, width).
        scores: (queries, head) scores of the first codes, none below 0.

    Returns:
        Rankings whose head has the new scores; the others score below 0, in their order.
    """
    width, head = rankings.codes.shape[1], scores.shape[1]
    places = np.broadcast_to(-np.arange(width) / width, rankings.codes.shape).astype(np.float32)
    places[:, :head] = scores
    return reorder(rankings, np.where(rankings.codes == NO_CODE, -np.inf, places).astype(np.float32))


def _scaled(rankings: Rankings) -> Floats:
    """Return the scores of each query scaled to 0 to 1; places without a code stay as they may."""
    filled = rankings.codes != NO_CODE
    scores = rankings.scores.astype(np.float64)
    low = np.where(filled, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(filled, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    spread = np.where(high > low, high - low, 1.0)
    above = np.where(high > low, scores - low, 1.0)
    return np.where(filled, above / spread, 0.0)


def _add_up(rankings: Sequence[Rankings], gains: Sequence[Floats], depth: int) -> Rankings:
    """Sum the gains of each query's codes, and return the best ones with the alias of the largest gain.

    Gains of a code are added from the largest to the smallest, so that the order of the rankings does not
    change the sum by a rounding error.
    """
    queries = len(rankings[0].codes)
    codes = np.concatenate([one.codes for one in rankings], axis=1)
    row, column = np.nonzero(codes != NO_CODE)
    code = codes[row, column]
    gain = np.concatenate(gains, axis=1)[row, column]
    alias = np.concatenate([one.aliases for one in rankings], axis=1)[row, column]
    order = np.lexsort((alias, -gain, code, row))
    row, code, gain, alias = row[order], code[order], gain[order], alias[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(row) != 0) | (np.diff(code) != 0)][: len(row)])
    if not len(starts):
        return Rankings.empty(queries, depth)
    totals = np.add.reduceat(gain, starts)
    return _best_of(queries, depth, row[starts], code[starts], alias[starts], totals)


def _best_of(queries: int, depth: int, row: Ids, code: Ids, alias: Ids, score: Floats) -> Rankings:
    """Return the codes with the highest scores of each row, ties by code order."""
    order = np.lexsort((code, -score, row))
    row = row[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = order[place < depth]
    at = (row[place < depth], place[place < depth])
    result = Rankings.empty(queries, depth)
    result.codes[at], result.scores[at], result.aliases[at] = code[kept], score[kept], alias[kept]
    return result
