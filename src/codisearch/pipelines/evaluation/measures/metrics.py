"""What a ranking is worth for one query, at three code lengths; the measures are those of trec_eval.

`recall@k` is 1 where any relevant code stands among the first k and 0 where none does (`Success@k`). For a
query with one relevant code, as almost all have, that is recall in the strict sense; for one with several it
is the hit rate, which is what the reference recipe calls recall. The share of the relevant codes would punish
an ambiguous phrase for its ambiguity: a coder who looks at five codes needs one that is right.

Ties are broken before anything is measured, by the ranker and in code order, so the order of the ranks is all
that counts. docs/evaluation.md defines every measure.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytrec_eval

from codisearch.codes import CATEGORY_LENGTH, FOUR_CHARACTER_LENGTH
from codisearch.errors import InputError
from codisearch.pipelines.evaluation.measures.relevance import EXACT, Judged, judge, lists_of

Level = Literal["code", "four_character", "category"]
Match = Literal["exact", "prefix"]

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
CUTOFFS: Final = (1, 3, 5, 10, 50)
DEPTH: Final = 50
_WIDTHS: Final[dict[Level, int | None]] = {
    "code": None,
    "four_character": FOUR_CHARACTER_LENGTH,
    "category": CATEGORY_LENGTH,
}
_MEASURES: Final = {
    "rr": "recip_rank",
    "ap@10": "map_cut_10",
    "ndcg@10": "ndcg_cut_10",
    "precision_first": "P_1",
    "recall_first": "recall_1",
}
"""Our name -> that of trec_eval; recall@k is its `success_k`."""


def score_queries(
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    cutoffs: Sequence[int] = CUTOFFS,
    *,
    codes: Sequence[str] = (),
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
        cutoffs: The k of recall@k; those beyond `depth` are left out.
        codes: All codes of the code set, which decide how much nDCG there is to gain; by default those of
            `queries` and `rankings`.
        match: `exact`, or `prefix` where a longer code that begins with a relevant one counts as that one.
        levels: Depths of the code at which to score.
        systems: Which to score, in this order; by default those in `rankings`. One that ranked no code for
            any query, as a lexical one may, misses them all.
        depth: The last rank that counts; a right code beyond it has the reciprocal rank 0.

    Returns:
        Columns `system`, `query_id`, `level`, `recall@<k>` for each cut-off (0.0 or 1.0), `rr`, `ap@10`,
        `ndcg@10`, `precision_first`, `recall_first` and `f1_first`, all from 0 to 1.

    Raises:
        InputError: If a query has no relevant code.
    """
    _check_relevant(queries)
    systems = list(dict.fromkeys(rankings["system"].astype(str)) if systems is None else systems)
    counted = rankings.loc[(rankings["rank"] <= depth) & rankings["system"].isin(systems)]
    measures = {f"recall@{k}": f"success_{k}" for k in cutoffs if k <= depth} | _MEASURES
    lists = lists_of(counted, queries)
    rows = [
        _score_level(queries, judge(queries, lists, systems, codes, _WIDTHS[level], match), level, measures)
        for level in levels
        if len(queries) and systems
    ]
    columns = ["system", "query_id", "level", *measures, "f1_first"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _check_relevant(queries: pd.DataFrame) -> None:
    """Refuse queries that nothing can answer."""
    empty = queries.loc[queries["codes"].map(len) == 0, "query_id"].tolist()
    if empty:
        raise InputError(
            f"Every query needs at least one relevant code; {len(empty)} have none, first {empty[0]!r}."
        )


def _score_level(
    queries: pd.DataFrame, judged: Judged, level: Level, measures: Mapping[str, str]
) -> pd.DataFrame:
    """Return the rows of one level, systems in order, queries in order within each."""
    names = queries["query_id"].astype(str).tolist()
    evaluator = pytrec_eval.RelevanceEvaluator(
        judged.judgements, set(measures.values()), relevance_level=EXACT
    )
    unanswered = dict.fromkeys(measures.values(), 0.0)
    frames = []
    for system, run in judged.runs.items():
        found = evaluator.evaluate(run)
        scores = pd.DataFrame([found.get(name, unanswered) for name in names])
        scores = scores.rename(columns={theirs: ours for ours, theirs in measures.items()})
        frames.append(scores.assign(system=system, query_id=names, level=level))
    table = pd.concat(frames, ignore_index=True).astype({"system": "str", "query_id": "str", "level": "str"})
    first = table[["precision_first", "recall_first"]].to_numpy()
    return table.assign(f1_first=_harmonic_mean(first[:, 0], first[:, 1]))


def _harmonic_mean(
    precision: npt.NDArray[np.float64], recall: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return F1, 0 where both are."""
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
