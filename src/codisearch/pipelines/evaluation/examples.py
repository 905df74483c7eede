"""A few test queries with what a system answered, failures among them."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

import pandas as pd

from codisearch.languages import LANGUAGES
from codisearch.pipelines.evaluation.metrics import DEPTH

SHOWN: Final = 3
_HIT: Final = 5
EXAMPLE_COLUMNS: Final = ("query", "language", "style", "gold", "outcome", "first", "second", "third")


def select_examples(
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    per_query: pd.DataFrame,
    titles: Mapping[str, str],
    *,
    system: str,
    count: int = 10,
    seed: int = 0,
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
    rows = [_describe(row, answers.get(row["query_id"], []), titles) for row in chosen]
    return pd.DataFrame(rows, columns=list(EXAMPLE_COLUMNS), dtype=str)


def _in_turn(rows: pd.DataFrame) -> list[Mapping[Any, Any]]:
    """Return the rows with their languages in turn."""
    by_language = [rows.loc[rows["language"] == language].to_dict("records") for language in LANGUAGES]
    return [row for turn in zip_longest(*by_language) for row in turn if row is not None]


def _describe(row: Mapping[Any, Any], answers: Sequence[str], titles: Mapping[str, str]) -> dict[str, str]:
    """Return one row of the frame."""
    shown = [f"{code} {titles.get(code, '')}".strip() for code in answers]
    first, second, third = (shown + [""] * SHOWN)[:SHOWN]
    return {
        "query": row["query"],
        "language": row["language"],
        "style": row["style"],
        "gold": "; ".join(f"{code} {titles.get(code, '')}".strip() for code in row["codes"]),
        "outcome": f"rank {round(1 / row['rr'])}" if row["rr"] > 0 else f"not in the first {DEPTH}",
        "first": first,
        "second": second,
        "third": third,
    }
