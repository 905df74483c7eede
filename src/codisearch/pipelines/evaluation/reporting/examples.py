"""A few test queries with what a system answered, failures among them."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

import pandas as pd

from codisearch.languages import LANGUAGES
from codisearch.pipelines.evaluation.measures.gain import Comparison
from codisearch.pipelines.evaluation.measures.metrics import DEPTH

SHOWN: Final = 3
_HIT: Final = 5
EXAMPLE_COLUMNS: Final = ("query", "language", "style", "gold", "outcome", "first", "second", "third")
CHANGE_COLUMNS: Final = ("outcome", "query", "language", "gold", "before", "after")


def select_examples(
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    per_query: pd.DataFrame,
    titles: Mapping[str, str],
    *,
    system: str,
    count: int = 10,
    seed: int = 0,
    depth: int = DEPTH,
) -> pd.DataFrame:
    """Return test queries with the first three codes of a system, half of them failures, languages in turn.

    A failure is a query without a right code among the first five. Where there are too few of one kind, the
    other fills up.

    Args:
        queries: Frame of `schemas.QUERIES`.
        rankings: Frame of `schemas.RANKINGS`.
        per_query: The scores of `score_queries`.
        titles: Code -> its title.
        system: Whose answers to show.
        count: How many queries.
        seed: Of the choice.
        depth: How many codes were ranked.

    Returns:
        Columns `EXAMPLE_COLUMNS`, all text; `outcome` is the rank of the first right code in words.
    """
    scores = per_query.loc[(per_query["system"] == system) & (per_query["level"] == "code")]
    shuffled = queries.sample(frac=1.0, random_state=seed).merge(scores[["query_id", "rr"]], on="query_id")
    found = (shuffled["rr"] >= 1.0 / _HIT).to_numpy()
    failures, hits = _in_turn(shuffled.loc[~found]), _in_turn(shuffled.loc[found])
    chosen = failures[: max(count // 2, count - len(hits))]
    chosen += hits[: count - len(chosen)]
    ranked = rankings.loc[(rankings["system"] == system) & (rankings["rank"] <= SHOWN)].sort_values("rank")
    answers = ranked.groupby("query_id")["code"].agg(list).to_dict()
    rows = [_describe(row, answers.get(row["query_id"], []), titles, depth) for row in chosen]
    return pd.DataFrame(rows, columns=list(EXAMPLE_COLUMNS), dtype=str)


def select_changes(
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    per_query: pd.DataFrame,
    titles: Mapping[str, str],
    comparison: Comparison,
    *,
    count: int = 10,
    seed: int = 0,
    depth: int = DEPTH,
) -> pd.DataFrame:
    """Return test queries whose right code entered the first five (`fixed`) or left them (`broken`).

    Half of `count` are of each kind, as far as there are any, languages in turn.

    Args:
        queries: Frame of `schemas.QUERIES`.
        rankings: Frame of `schemas.RANKINGS`.
        per_query: The scores of `score_queries`.
        titles: Code -> its title.
        comparison: The two systems.
        count: How many queries.
        seed: Of the choice.
        depth: How many codes were ranked.

    Returns:
        Columns `CHANGE_COLUMNS`; no rows where one of the systems was not measured.
    """
    scores = per_query.loc[per_query["level"] == "code"].pivot(
        index="query_id", columns="system", values="rr"
    )
    if not {comparison.before, comparison.after} <= set(scores.columns):
        return pd.DataFrame(columns=list(CHANGE_COLUMNS), dtype=str)
    pair = scores[[comparison.before, comparison.after]].set_axis(["before", "after"], axis=1).reset_index()
    shuffled = queries.sample(frac=1.0, random_state=seed).merge(pair, on="query_id")
    was, is_now = shuffled["before"] >= 1.0 / _HIT, shuffled["after"] >= 1.0 / _HIT
    first = rankings.loc[rankings["rank"] == 1].set_index(["system", "query_id"])["code"].to_dict()
    rows = []
    for outcome, chosen in (("fixed", ~was & is_now), ("broken", was & ~is_now)):
        for row in _in_turn(shuffled.loc[chosen])[: count // 2]:
            before, after = (
                first.get((name, row["query_id"]), "") for name in (comparison.before, comparison.after)
            )
            rows.append(
                {
                    "outcome": outcome,
                    "query": row["query"],
                    "language": row["language"],
                    "gold": _titled(row["codes"], titles),
                    "before": f"{_in_words(row['before'], depth)}; {_first(before, titles)}",
                    "after": f"{_in_words(row['after'], depth)}; {_first(after, titles)}",
                }
            )
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS), dtype=str)


def _titled(codes: Sequence[str], titles: Mapping[str, str]) -> str:
    return "; ".join(f"{code} {titles.get(code, '')}".strip() for code in codes)


def _first(code: str, titles: Mapping[str, str]) -> str:
    return f"first {_titled([code], titles)}" if code else "no answer"


def _in_words(reciprocal_rank: float, depth: int) -> str:
    return f"rank {round(1 / reciprocal_rank)}" if reciprocal_rank > 0 else f"not in the first {depth}"


def _in_turn(rows: pd.DataFrame) -> list[Mapping[Any, Any]]:
    """Return the rows with their languages in turn."""
    by_language = [rows.loc[rows["language"] == language].to_dict("records") for language in LANGUAGES]
    return [row for turn in zip_longest(*by_language) for row in turn if row is not None]


def _describe(
    row: Mapping[Any, Any], answers: Sequence[str], titles: Mapping[str, str], depth: int
) -> dict[str, str]:
    """Return one row of the frame."""
    shown = [f"{code} {titles.get(code, '')}".strip() for code in answers]
    first, second, third = (shown + [""] * SHOWN)[:SHOWN]
    return {
        "query": row["query"],
        "language": row["language"],
        "style": row["style"],
        "gold": _titled(row["codes"], titles),
        "outcome": _in_words(row["rr"], depth),
        "first": first,
        "second": second,
        "third": third,
    }
