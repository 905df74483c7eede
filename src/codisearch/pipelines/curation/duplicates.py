"""Repeats of one query for one code, and the clusters of queries that say nearly the same."""

from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from codisearch.pipelines.curation.text import keys_of


def find_repeats(
    pairs: pd.DataFrame, near: pd.DataFrame, threshold: float, across_languages: Literal["link", "drop"]
) -> pd.DataFrame:
    """Return `rule` and `detail` of each row that repeats an earlier one of its code; empty for the others.

    The earliest row of a group of repeats is kept. A row that is near only to rows which are repeats stays.

    Args:
        pairs: Valid pairs.
        near: Near-duplicate queries, as `similarity.near_pairs` returns them.
        threshold: Cosine from which two queries are the same.
        across_languages: With `drop`, a row also repeats rows of other languages.
    """
    scope = ["code"] if across_languages == "drop" else ["code", "language"]
    rows = pairs[["pair_id", *scope]].assign(key=keys_of(pairs), position=np.arange(len(pairs)))
    first = rows.groupby([*scope, "key"], sort=False)["pair_id"].transform("first")
    exact = rows["pair_id"] != first
    rule = np.where(exact, "exact_duplicate", "").astype(object)
    detail = np.where(exact, "Repeats " + first + ".", "").astype(object)
    ids = pairs["pair_id"].to_numpy()
    for later, (earlier, cosine) in _near_repeats(rows[~exact], near, threshold, scope).items():
        rule[later] = "near_duplicate"
        detail[later] = f"Nearly repeats {ids[earlier]} (cosine {cosine:.2f})."
    return pd.DataFrame({"rule": rule, "detail": detail}, index=pairs.index).astype(str)


def _near_repeats(
    rows: pd.DataFrame, near: pd.DataFrame, threshold: float, scope: list[str]
) -> dict[int, tuple[int, float]]:
    """Return position of a near repeat -> position of the kept row that it repeats, and their cosine."""
    edges = near[near["cosine"] >= threshold]
    ends = edges.merge(rows, left_on="left", right_on="key").merge(
        rows, left_on=["right", *scope], right_on=["key", *scope], suffixes=("_left", "_right")
    )
    positions = np.sort(ends[["position_left", "position_right"]].to_numpy(dtype=int), axis=1)
    repeats: dict[int, tuple[int, float]] = {}
    for i in np.lexsort((positions[:, 0], positions[:, 1])):
        earlier, later = (int(position) for position in positions[i])
        if earlier not in repeats and later not in repeats:
            repeats[later] = earlier, float(ends["cosine"].iloc[i])
    return repeats


def link_languages(pairs: pd.DataFrame) -> pd.Series:
    """Return the `pair_id` of the first row with the same query and code in another language, or nothing."""
    first = pairs.groupby([keys_of(pairs), "code"], sort=False)["pair_id"].transform("first")
    return first.where(first != pairs["pair_id"], "").astype(str)


def assign_clusters(pairs: pd.DataFrame, near: pd.DataFrame, threshold: float) -> pd.Series:
    """Return each row's cluster: the connected component of its query in the near-duplicate graph.

    Languages and codes play no part. Clusters are numbered from 0 in the order of their first rows.
    """
    codes, keys = pd.factorize(keys_of(pairs))
    node = pd.Series(np.arange(len(keys)), index=keys)
    edges = near[(near["cosine"] >= threshold) & near["left"].isin(keys) & near["right"].isin(keys)]
    ends = (node[edges["left"]].to_numpy(), node[edges["right"]].to_numpy())
    graph = sparse.coo_array((np.ones(len(edges)), ends), shape=(len(keys), len(keys)))
    _, component = connected_components(graph, directed=False)
    clusters, _ = pd.factorize(component[codes])
    return pd.Series(clusters.astype(np.int64), index=pairs.index, name="cluster")


def find_conflicts(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the queries with several codes in one language: `language`, `key` and the number of `codes`."""
    keyed = pairs[["language", "code"]].assign(key=keys_of(pairs))
    counts = keyed.groupby(["language", "key"], sort=False)["code"].nunique().rename("codes").reset_index()
    return counts[counts["codes"] > 1].reset_index(drop=True)
