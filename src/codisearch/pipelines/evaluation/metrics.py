"""What a ranking is worth for one query: recall at a cut-off and reciprocal rank, at three code lengths.

`recall@k` is 1 where any relevant code stands among the first k and 0 where none does. For a query with one
relevant code, as almost all have, that is recall in the strict sense; for one with several it is the hit
rate, which is what the reference recipe calls recall. The share of the relevant codes would punish an
ambiguous phrase for its ambiguity: a coder who looks at five codes needs one that is right.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.codes import CATEGORY_LENGTH, FOUR_CHARACTER_LENGTH
from codisearch.errors import InputError

Level = Literal["code", "four_character", "category"]
Match = Literal["exact", "prefix"]
Ints = npt.NDArray[np.int64]

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
CUTOFFS: Final = (1, 3, 5, 10)
DEPTH: Final = 50
_WIDTHS: Final[dict[Level, int | None]] = {
    "code": None,
    "four_character": FOUR_CHARACTER_LENGTH,
    "category": CATEGORY_LENGTH,
}
_AFTER_ANY_CODE: Final = "\uffff"


def score_queries(
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    cutoffs: Sequence[int] = CUTOFFS,
    *,
    match: Match = "exact",
    levels: Sequence[Level] = LEVELS,
    systems: Sequence[str] | None = None,
    depth: int = DEPTH,
) -> pd.DataFrame:
    """Score every query for every system, one row per system, query and level.

    At the levels `four_character` and `category` codes are cut to that length and repeats are dropped before
    ranks are counted: the rank is that of the first distinct category which is right. A query that a system
    did not answer counts as a miss. Rows of `rankings` for other queries or systems are ignored.

    Args:
        queries: Frame of `schemas.QUERIES`.
        rankings: Frame of `schemas.RANKINGS`; ties are broken already, only the order of the ranks counts.
        cutoffs: The k of recall@k.
        match: `exact`, or `prefix` where a longer code that begins with a relevant one is right too.
        levels: Depths of the code at which to score.
        systems: Which to score, in this order; by default those in `rankings`. One that ranked no code for
            any query, as a lexical one may, misses them all.
        depth: The last rank that counts; a right code beyond it has the reciprocal rank 0.

    Returns:
        Columns `system`, `query_id`, `level`, `recall@<k>` for each cut-off (0.0 or 1.0) and `rr`.

    Raises:
        InputError: If a query has no relevant code.
    """
    _check_relevant(queries)
    systems = list(dict.fromkeys(rankings["system"].astype(str)) if systems is None else systems)
    counted = rankings.loc[(rankings["rank"] <= depth) & rankings["system"].isin(systems)]
    rows = [
        _score_level(queries, counted, systems, level=level, cutoffs=cutoffs, match=match)
        for level in levels
        if len(queries) and systems
    ]
    columns = ["system", "query_id", "level", *(f"recall@{k}" for k in cutoffs), "rr"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _check_relevant(queries: pd.DataFrame) -> None:
    """Refuse queries that nothing can answer."""
    empty = queries.loc[queries["codes"].map(len) == 0, "query_id"].tolist()
    if empty:
        raise InputError(
            f"Every query needs at least one relevant code; {len(empty)} have none, first {empty[0]!r}."
        )


def _score_level(
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    systems: Sequence[str],
    *,
    level: Level,
    cutoffs: Sequence[int],
    match: Match,
) -> pd.DataFrame:
    """Return the rows of one level, systems in order, queries in order within each."""
    first = _first_right_ranks(queries, rankings, systems, _WIDTHS[level], match)
    found = first > 0
    scores = {f"recall@{k}": (found & (first <= k)).astype(float) for k in cutoffs}
    return pd.DataFrame(
        {
            "system": np.repeat(np.array(systems, dtype=object), len(queries)).astype(str),
            "query_id": np.tile(queries["query_id"].to_numpy(dtype=object), len(systems)).astype(str),
            "level": level,
            **scores,
            "rr": np.where(found, 1.0 / np.maximum(first, 1), 0.0),
        }
    )


def _first_right_ranks(
    queries: pd.DataFrame, rankings: pd.DataFrame, systems: Sequence[str], width: int | None, match: Match
) -> Ints:
    """Return the rank of the first right code of each system and query, flattened, 0 where there is none."""
    query_at = pd.Index(queries["query_id"]).get_indexer(pd.Index(rankings["query_id"]))
    rankings, query_at = rankings.loc[query_at >= 0], query_at[query_at >= 0]
    system_at = pd.Index(systems).get_indexer(pd.Index(rankings["system"].astype(str)))
    key, vocabulary = pd.factorize(rankings["code"].astype(str).str.slice(stop=width), sort=True)
    asked = system_at * len(queries) + query_at
    ranked = pd.DataFrame(
        {"asked": asked, "query": query_at, "key": key, "rank": rankings["rank"].to_numpy()}
    )
    distinct = ranked.sort_values(["asked", "rank"], kind="stable").drop_duplicates(["asked", "key"])
    position = distinct.groupby("asked").cumcount() + 1
    relevant = np.fromiter(_relevant_keys(queries["codes"], list(vocabulary), width, match), dtype=np.int64)
    right = np.isin(distinct["query"] * len(vocabulary) + distinct["key"], relevant)
    first = position[right].groupby(distinct["asked"][right]).min()
    ranks = np.zeros(len(systems) * len(queries), dtype=np.int64)
    ranks[first.index.to_numpy()] = first.to_numpy()
    return ranks


def _relevant_keys(
    relevant: Iterable[Sequence[str]], vocabulary: list[str], width: int | None, match: Match
) -> Iterator[int]:
    """Yield a number for each pair of a query and a right entry of the sorted `vocabulary`."""
    for query, codes in enumerate(relevant):
        for code in codes:
            wanted = code[:width]
            start = bisect_left(vocabulary, wanted)
            stop = (
                bisect_right(vocabulary, wanted)
                if match == "exact"
                else bisect_left(vocabulary, wanted + _AFTER_ANY_CODE)
            )
            yield from (query * len(vocabulary) + key for key in range(start, stop))
