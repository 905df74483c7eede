"""Ranked codes of many queries as arrays, and how aliases become codes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

NO_CODE: Final = -1
_ALIASES_PER_CODE: Final = 8
"""How many aliases are looked at for each code wanted, since several of them can be of one code."""

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rankings:
    """The first codes of each query, best first; equal scores stand in code order.

    Attributes:
        codes: (queries, depth) positions in the vocabulary of codes; -1 where a query has fewer.
        scores: (queries, depth) scores, -inf where there is no code.
        aliases: (queries, depth) positions of the alias that matched best; -1 where there is none.
    """

    codes: Ids
    scores: Scores
    aliases: Ids

    @classmethod
    def empty(cls, queries: int, depth: int) -> "Rankings":
        """Return rankings without any code, to be filled."""
        shape = (queries, depth)
        return cls(
            np.full(shape, NO_CODE, np.int64),
            np.full(shape, -np.inf, np.float32),
            np.full(shape, NO_CODE, np.int64),
        )

    def head(self, depth: int) -> "Rankings":
        """Return the first `depth` columns."""
        return Rankings(self.codes[:, :depth], self.scores[:, :depth], self.aliases[:, :depth])

    def to_frame(self, system: str, query_ids: Sequence[str], vocabulary: Sequence[str]) -> pd.DataFrame:
        """Return the rankings as rows `system`, `query_id`, `rank`, `code`, `score` (`schemas.RANKINGS`)."""
        filled = self.codes != NO_CODE
        rows, columns = np.nonzero(filled)
        return pd.DataFrame(
            {
                "system": system,
                "query_id": np.asarray(query_ids, dtype=object)[rows],
                "rank": columns.astype(np.int64) + 1,
                "code": np.asarray(vocabulary, dtype=object)[self.codes[filled]],
                "score": self.scores[filled].astype(np.float64),
            }
        ).astype({"system": "str", "query_id": "str", "code": "str"})


class Ranker(Protocol):
    """Anything that ranks the whole code set for queries: lexical, dense, or two stages."""

    def rank(self, queries: Sequence[str], depth: int) -> Rankings:
        """Return the first `depth` codes of each query."""


AliasSearch = Callable[[Ids, int], tuple[Ids, Scores]]
"""Given the numbers of some queries and how many aliases are wanted: their ids (-1 for none) and scores."""


def rank_codes(search: AliasSearch, queries: int, code_of_alias: Ids, depth: int) -> Rankings:
    """Rank codes by their best alias, over as many aliases as it takes to find `depth` codes for each query.

    A code with very many aliases can fill a list of them alone; such queries are searched again, deeper.

    Args:
        search: Finds aliases, best first.
        queries: How many queries there are.
        code_of_alias: Position of the code of each alias; positions follow code order.
        depth: Codes to return.
    """
    result = Rankings.empty(queries, depth)
    rows = np.arange(queries)
    wanted = 0
    while len(rows) and wanted < len(code_of_alias):
        wanted = min(_ALIASES_PER_CODE * max(depth, wanted), len(code_of_alias))
        ids, scores = search(rows, wanted)
        found = best_per_code(ids, scores, code_of_alias, depth)
        result.codes[rows], result.scores[rows], result.aliases[rows] = (
            found.codes,
            found.scores,
            found.aliases,
        )
        rows = rows[(found.codes[:, -1] == NO_CODE) & (ids[:, -1] != NO_CODE)]
    return result


def best_per_code(alias_ids: Ids, alias_scores: Scores, code_of_alias: Ids, depth: int) -> Rankings:
    """Turn ranked aliases into ranked codes: a code scores what its best alias scores.

    Args:
        alias_ids: (queries, aliases) alias positions in any order, -1 for none.
        alias_scores: Their scores.
        code_of_alias: Position of the code of each alias; positions follow code order.
        depth: Codes to return.

    Returns:
        Rankings; ties are broken by code order, then alias order, so that they do not depend on chance.
    """
    queries, width = alias_ids.shape
    codes = np.where(alias_ids == NO_CODE, NO_CODE, code_of_alias[alias_ids])
    scores = np.where(alias_ids == NO_CODE, -np.inf, alias_scores).astype(np.float32)
    rows = np.repeat(np.arange(queries), width)
    ids, codes, scores = alias_ids.ravel(), codes.ravel(), scores.ravel()
    # The best alias of each code of a query comes first and stays; then codes by score.
    by_code = np.lexsort((ids, -scores, codes, rows))
    pairs = np.stack([rows[by_code], codes[by_code]])
    is_first = np.r_[True, (np.diff(pairs) != 0).any(axis=0)][: len(by_code)]
    best = by_code[is_first & (pairs[1] != NO_CODE)]
    best = best[np.lexsort((ids[best], codes[best], -scores[best], rows[best]))]
    place = np.arange(len(best)) - np.searchsorted(rows[best], rows[best])
    kept = best[place < depth]
    result = Rankings.empty(queries, depth)
    at = (rows[kept], place[place < depth])
    result.codes[at], result.scores[at], result.aliases[at] = codes[kept], scores[kept], ids[kept]
    return result


def order_of(codes: Ids, scores: Scores) -> Ids:
    """Return the places of each row from the highest score to the lowest, ties by code order."""
    return np.lexsort((codes, -scores), axis=1)


def reorder(rankings: Rankings, scores: Scores) -> Rankings:
    """Return the same codes in the order of new scores, ties by code order."""
    return take(replace(rankings, scores=scores), order_of(rankings.codes, scores))


def take(rankings: Rankings, order: Ids) -> Rankings:
    """Return the codes of each row in another order."""
    pick = np.take_along_axis
    return Rankings(
        pick(rankings.codes, order, 1), pick(rankings.scores, order, 1), pick(rankings.aliases, order, 1)
    )
