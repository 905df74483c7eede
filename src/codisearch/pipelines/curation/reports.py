"""What curation did, in numbers: rows by rule, the split, and what leaks from train into test."""

from typing import Any

import numpy as np
import pandas as pd

from codisearch.languages import LANGUAGES, QUERY_STYLES, SPLITS, STYLES
from codisearch.pipelines.curation.duplicates import find_conflicts
from codisearch.rules.text import keys_of


def nearest_in_train(keys: pd.Series, splits: pd.Series, near: pd.DataFrame) -> pd.Series:
    """Return the cosine of each test row with the nearest row in train, 1 for the same query, or 0 for none.

    Args:
        keys: Normal form of each row's query.
        splits: Split of each row.
        near: Near-duplicate queries and titles with their cosines.
    """
    train = set(keys[splits == "train"].tolist())
    edges = pd.concat([near, near.rename(columns={"left": "right", "right": "left"})])
    edges = edges[np.array([text in train for text in edges["right"].tolist()], dtype=bool)]
    nearest = edges.groupby("left")["cosine"].max().to_dict()
    tests = keys[splits == "test"]
    cosines = [1.0 if key in train else nearest.get(key, 0.0) for key in tests.tolist()]
    return pd.Series(cosines, index=tests.index, dtype=float)


def split_at_random(pairs: pd.DataFrame, seed: int) -> pd.Series:
    """Return a plain random split with the same sizes; titles stay where they are."""
    splits = pairs["split"].copy()
    queries = (pairs["style"] != "title").to_numpy()
    splits.loc[queries] = np.random.default_rng(seed).permutation(splits[queries].to_numpy())
    return splits


def summarise_leakage(
    pairs: pd.DataFrame, near: pd.DataFrame, thresholds: tuple[float, ...], seed: int
) -> dict[str, Any]:
    """Return how many test queries have a near-duplicate in train, in a random split and in this one.

    Titles in train count as its queries do; none is ever in test.
    """
    keys = keys_of(pairs)
    candidates = {"before": split_at_random(pairs, seed), "after": pairs["split"]}
    cosines = {moment: nearest_in_train(keys, splits, near) for moment, splits in candidates.items()}
    counts = [
        {
            "threshold": threshold,
            **{moment: _with_share(found >= threshold) for moment, found in cosines.items()},
        }
        for threshold in thresholds
    ]
    return {
        "meaning": "Test queries with a near-duplicate in train; before: random split, after: by cluster.",
        "test_queries": len(cosines["after"]),
        "by_threshold": counts,
    }


def summarise_rows(raw: pd.DataFrame, pairs: pd.DataFrame, rejected: pd.DataFrame) -> dict[str, Any]:
    """Return what became of the rows, queries and titles apart."""
    frames = {"raw": raw, "pairs": pairs, "rejected": rejected}
    kinds = {
        "queries": {name: frame[frame["style"] != "title"] for name, frame in frames.items()},
        "titles": {name: frame[frame["style"] == "title"] for name, frame in frames.items()},
    }
    return {
        kind: {
            **{name: len(frame) for name, frame in parts.items()},
            "rejected_by_rule": count_values(parts["rejected"]["rule"]),
            "linked_across_languages": int((parts["pairs"]["duplicate_of"] != "").sum()),
            "splits": count_values(parts["pairs"]["split"]),
        }
        for kind, parts in kinds.items()
    }


def count_values(values: pd.Series) -> dict[str, int]:
    """Return how often each value occurs, in the order of the values."""
    return {str(value): int(count) for value, count in values.value_counts().sort_index().items()}


def _with_share(leaks: pd.Series) -> dict[str, float]:
    return {"count": int(leaks.sum()), "share": round(float(leaks.mean()), 4) if len(leaks) else 0.0}


def summarise_clusters(pairs: pd.DataFrame) -> dict[str, Any]:
    """Return how many clusters there are and how large the largest is."""
    sizes = pairs["cluster"].value_counts()
    return {
        "count": len(sizes),
        "with_several_rows": int((sizes > 1).sum()),
        "rows_in_those": int(sizes[sizes > 1].sum()),
        "largest": int(sizes.max()) if len(sizes) else 0,
    }


def summarise_conflicts(pairs: pd.DataFrame) -> dict[str, int]:
    """Return how many queries have several relevant codes, and the most that one has."""
    conflicts = find_conflicts(pairs)
    return {"queries": len(conflicts), "most_codes": int(conflicts["codes"].max()) if len(conflicts) else 0}


def summarise_codes(pairs: pd.DataFrame) -> dict[str, Any]:
    """Return the number of codes by what they have and by split of their queries, and test queries by `seen`.

    `seen_by_title_only` counts the codes in test that no query in train has, only a title.
    """
    queries = pairs[pairs["style"] != "title"]
    codes = {split: set(queries.loc[queries["split"] == split, "code"]) for split in SPLITS}
    test = queries[queries["split"] == "test"]
    seen = set(test.loc[test["seen"], "code"])
    return {
        "with_queries": int(queries["code"].nunique()),
        "with_titles_only": len(set(pairs["code"]) - set(queries["code"])),
        **{split: len(codes[split]) for split in SPLITS},
        "unseen_in_test": len(codes["test"] - seen),
        "seen_by_title_only": len(seen - codes["train"]),
        "test_queries_unseen": int((~test["seen"]).sum()),
        "test_queries_seen": int(test["seen"].sum()),
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
