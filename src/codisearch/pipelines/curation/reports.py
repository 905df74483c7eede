"""What curation did, in numbers: rows by rule, the split, and what leaks from train into test."""

from typing import Any

import numpy as np
import pandas as pd

from codisearch.languages import LANGUAGES, QUERY_STYLES, SPLITS, STYLES
from codisearch.pipelines.curation.duplicates import find_conflicts
from codisearch.pipelines.curation.text import keys_of


def count_leaks(keys: pd.Series, splits: pd.Series, near: pd.DataFrame, threshold: float) -> int:
    """Return the number of test rows whose query is the same as, or near to, one in train.

    Args:
        keys: Normal form of each row's query.
        splits: Split of each row.
        near: Near-duplicate queries with their cosines, complete down to `threshold`.
        threshold: Cosine from which two queries are near.
    """
    train = set(keys[splits == "train"])
    edges = near[near["cosine"] >= threshold]
    leaking = train.union(edges.loc[edges["left"].isin(train), "right"])
    leaking.update(edges.loc[edges["right"].isin(train), "left"])
    return int(keys[splits == "test"].isin(leaking).sum())


def split_at_random(pairs: pd.DataFrame, seed: int) -> pd.Series:
    """Return a plain random split with the same sizes; titles stay where they are."""
    splits = pairs["split"].copy()
    queries = (pairs["style"] != "title").to_numpy()
    splits.loc[queries] = np.random.default_rng(seed).permutation(splits[queries].to_numpy())
    return splits


def summarise_leakage(
    pairs: pd.DataFrame, near: pd.DataFrame, thresholds: tuple[float, ...], seed: int
) -> dict[str, Any]:
    """Return how many test queries have a near-duplicate in train, in a random split and in this one."""
    keys = keys_of(pairs)
    tests = int((pairs["split"] == "test").sum())
    candidates = {"before": split_at_random(pairs, seed), "after": pairs["split"]}
    counts = [
        {
            "threshold": threshold,
            **{
                moment: _with_share(count_leaks(keys, splits, near, threshold), tests)
                for moment, splits in candidates.items()
            },
        }
        for threshold in thresholds
    ]
    return {
        "meaning": "Test queries with a near-duplicate in train; before: random split, after: by cluster.",
        "test_queries": tests,
        "by_threshold": counts,
    }


def _with_share(count: int, total: int) -> dict[str, float]:
    return {"count": count, "share": round(count / total, 4) if total else 0.0}


def summarise_clusters(pairs: pd.DataFrame) -> dict[str, Any]:
    """Return how many clusters there are and how large the largest is."""
    sizes = pairs["cluster"].value_counts()
    return {
        "count": len(sizes),
        "with_several_rows": int((sizes > 1).sum()),
        "rows_in_those": int(sizes[sizes > 1].sum()),
        "largest": int(sizes.max()),
    }


def summarise_conflicts(pairs: pd.DataFrame) -> dict[str, int]:
    """Return how many queries have several relevant codes, and the most that one has."""
    conflicts = find_conflicts(pairs)
    return {"queries": len(conflicts), "most_codes": int(conflicts["codes"].max()) if len(conflicts) else 0}


def summarise_codes(pairs: pd.DataFrame) -> dict[str, Any]:
    """Return the number of codes in all and per split, and how many test rows have an unseen code."""
    test = pairs[pairs["split"] == "test"]
    return {
        "all": int(pairs["code"].nunique()),
        **{split: int(pairs.loc[pairs["split"] == split, "code"].nunique()) for split in SPLITS},
        "unseen_in_test": int(test.loc[~test["seen"], "code"].nunique()),
        "test_rows_unseen": int((~test["seen"]).sum()),
        "test_rows_seen": int(test["seen"].sum()),
    }


def tabulate_splits(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the number of pairs per language, style and split.

    Returns:
        Columns `language`, `style`, `train`, `validation`, `test`, `total`: every language with every style
        of query, with zeros where there is none, and with `title` where there is one.
    """
    counts = pd.crosstab([pairs["language"], pairs["style"]], pairs["split"])
    present = set(counts.index)
    rows = [(lang, style) for lang in LANGUAGES for style in STYLES]
    rows = [row for row in rows if row[1] in QUERY_STYLES or row in present]
    index = pd.MultiIndex.from_tuples(rows, names=["language", "style"])
    table = counts.reindex(index=index, columns=list(SPLITS), fill_value=0).assign(
        total=lambda t: t.sum(axis=1)
    )
    table.columns.name = None
    return table.reset_index()
