"""Repeats of one query for one code, and the clusters of queries that say nearly the same.

Titles stand behind queries: a title may repeat a query, never the reverse, and titles join no cluster.
"""

from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from codisearch.rules.text import keys_of


def find_repeats(
    pairs: pd.DataFrame, near: pd.DataFrame, threshold: float, across_languages: Literal["link", "drop"]
) -> pd.DataFrame:
    """Return `rule` and `detail` of each row that repeats an earlier one of its code; empty for the others.

    The earliest row of a group of repeats is kept; every query counts as earlier than every title. A row
    that is near only to rows which are repeats stays.

    Args:
        pairs: Valid pairs.
        near: Near-duplicate queries, as `similarity.near_pairs` returns them.
        threshold: Cosine from which two queries are the same.
        across_languages: With `drop`, a row also repeats rows of other languages.
    """
    scope = ["code"] if across_languages == "drop" else ["code", "language"]
    ordered = _queries_first(pairs)
    rows = ordered[["pair_id", *scope]].assign(key=keys_of(ordered), position=np.arange(len(pairs)))
    first = rows.groupby([*scope, "key"], sort=False)["pair_id"].transform("first")
    exact = rows["pair_id"] != first
    rule = np.where(exact, "exact_duplicate", "").astype(object)
    detail = np.where(exact, "Repeats " + first + ".", "").astype(object)
    ids = ordered["pair_id"].to_numpy()
    for later, (earlier, cosine) in _near_repeats(rows[~exact], near, threshold, scope).items():
        rule[later] = "near_duplicate"
        detail[later] = f"Nearly repeats {ids[earlier]} (cosine {cosine:.2f})."
    verdicts = pd.DataFrame({"rule": rule, "detail": detail}, index=ordered.index).astype(str)
    return verdicts.loc[pairs.index]


def _queries_first(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs.iloc[np.argsort(pairs["style"] == "title", kind="stable")]


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
    """Return the `pair_id` of the first row with the same query and code in another language, or nothing.

    Every query counts as earlier than every title.
    """
    ordered = _queries_first(pairs)
    first = ordered.groupby([keys_of(ordered), "code"], sort=False)["pair_id"].transform("first")
    return first.where(first != ordered["pair_id"], "").astype(str).loc[pairs.index]


def assign_clusters(pairs: pd.DataFrame, near: pd.DataFrame, threshold: float) -> pd.Series:
    """Return each row's cluster: the connected component of its query in the near-duplicate graph.

    Languages and codes play no part. A title is a cluster of its own and joins no queries to each other.
    Clusters are numbered from 0 in the order of their first rows.
    """
    titles = (pairs["style"] == "title").to_numpy()
    codes, keys = pd.factorize(keys_of(pairs[~titles]))
    node = pd.Series(np.arange(len(keys)), index=keys)
    edges = near[(near["cosine"] >= threshold) & near["left"].isin(keys) & near["right"].isin(keys)]
    ends = (node[edges["left"]].to_numpy(), node[edges["right"]].to_numpy())
    graph = sparse.coo_array((np.ones(len(edges)), ends), shape=(len(keys), len(keys)))
    _, component = connected_components(graph, directed=False)
    labels = np.arange(len(keys), len(keys) + len(pairs))
    labels[~titles] = component[codes]
    clusters, _ = pd.factorize(labels)
    return pd.Series(clusters.astype(np.int64), index=pairs.index, name="cluster")


def find_conflicts(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the queries with several codes in one language: `language`, `key` and the number of `codes`."""
    keyed = pairs[["language", "code"]].assign(key=keys_of(pairs))
    counts = keyed.groupby(["language", "key"], sort=False)["code"].nunique().rename("codes").reset_index()
    return counts[counts["codes"] > 1].reset_index(drop=True)
