"""Ranked codes of many queries as arrays, and how aliases become codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

NO_CODE = -1


@dataclass(frozen=True)
class Rankings:
    """The first codes of each query, best first; equal scores stand in code order.

    Attributes:
        codes: (queries, depth) positions in the vocabulary of codes; -1 where a query has fewer.
        scores: (queries, depth) scores, -inf where there is no code.
        aliases: (queries, depth) positions of the alias that matched best; -1 where there is none.
    """

    codes: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    aliases: npt.NDArray[np.int64]

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


def best_per_code(
    alias_ids: npt.NDArray[np.int64],
    alias_scores: npt.NDArray[np.float32],
    code_of_alias: npt.NDArray[np.int64],
    depth: int,
) -> Rankings:
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
    order = np.lexsort((alias_ids.ravel(), codes.ravel(), -scores.ravel(), rows))
    by_row = pd.DataFrame(
        {"row": rows[order], "code": codes.ravel()[order], "alias": alias_ids.ravel()[order], "score": scores.ravel()[order]}
    )
    by_row = by_row[by_row["code"] != NO_CODE].drop_duplicates(["row", "code"])
    place = by_row.groupby("row").cumcount().to_numpy()
    kept = by_row[place < depth]
    result = Rankings(
        np.full((queries, depth), NO_CODE, np.int64),
        np.full((queries, depth), -np.inf, np.float32),
        np.full((queries, depth), NO_CODE, np.int64),
    )
    at = (kept["row"].to_numpy(), place[place < depth])
    result.codes[at], result.scores[at], result.aliases[at] = kept["code"], kept["score"], kept["alias"]
    return result


def reorder(rankings: Rankings, scores: npt.NDArray[np.float32]) -> Rankings:
    """Return the same codes in the order of new scores, ties by code order."""
    order = np.lexsort((rankings.codes, -scores), axis=1)
    take = np.take_along_axis
    return Rankings(take(rankings.codes, order, 1), take(scores, order, 1), take(rankings.aliases, order, 1))
