"""The split of queries by cluster, with some codes held out of training altogether."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.languages import QUERY_STYLES, SPLITS, Split
from codisearch.pipelines.curation.params import SplitParams, UnseenParams

_HELD_OUT: Final[tuple[Split, ...]] = ("test", "validation")  # the first wins a cluster that both claim
_OVERALL_WEIGHT: Final = (
    5.0  # a stratum of five rows cannot keep shares of 9 and 15 %, all strata together can
)


def choose_unseen_codes(
    pairs: pd.DataFrame, chapters: Mapping[str, str], params: UnseenParams, rng: np.random.Generator
) -> dict[str, Split]:
    """Return the codes that are held out of training, with the split that each belongs to.

    Codes are drawn at even distances from a list that is sorted by chapter and shuffled within it, so that
    every chapter gives its share. Codes with titles only are not drawn: they have no query to evaluate.
    """
    queries = pairs.loc[pairs["style"].isin(QUERY_STYLES), "code"]
    codes = pd.Series(sorted(queries.unique()), dtype=object)
    codes = codes.iloc[rng.permutation(len(codes))]
    left: list[str] = sorted(codes, key=lambda code: chapters.get(code, ""))
    total = len(left)
    chosen: dict[str, Split] = {}
    for split in _HELD_OUT:
        count = min(round(getattr(params, split) * total), len(left))
        places = {int(place) for place in (np.arange(count) + rng.random()) * len(left) / max(count, 1)}
        chosen.update({left[place]: split for place in sorted(places)})
        left = [code for place, code in enumerate(left) if place not in places]
    return chosen


def claim_clusters(pairs: pd.DataFrame, unseen: Mapping[str, Split]) -> dict[int, Split]:
    """Return the clusters that touch a held-out code and the split that claims each; test comes first."""
    claims = pairs["code"].map(dict(unseen))
    claimed: dict[int, Split] = {}
    for split in reversed(_HELD_OUT):
        claimed.update(dict.fromkeys(pairs.loc[claims == split, "cluster"].tolist(), split))
    return claimed


def assign_splits(
    queries: pd.DataFrame, claimed: Mapping[int, Split], params: SplitParams, rng: np.random.Generator
) -> pd.Series:
    """Return the split of every query.

    Claimed clusters go where they are claimed; the rest is shared out so that each language and style gets
    its shares.

    Args:
        queries: Pairs with their `cluster`, without titles.
        claimed: Clusters whose split is decided.
        params: Shares of the splits.
        rng: Source of the order of clusters.
    """
    free = queries[~queries["cluster"].isin(list(claimed))]
    splits = _share_out(free, params, rng)
    return queries["cluster"].map({**splits, **claimed}).astype(str)


def _share_out(pairs: pd.DataFrame, params: SplitParams, rng: np.random.Generator) -> dict[int, Split]:
    """Return the split of every cluster in `pairs`, the largest placed first."""
    table = pd.crosstab(pairs["cluster"], pairs["language"] + "/" + pairs["style"])
    counts = table.to_numpy(dtype=float)
    names = [split for split in SPLITS if params.shares.get(split, 0) > 0]
    shares = np.array([params.shares[split] for split in names])
    filled = np.zeros((len(names), counts.shape[1]))
    targets = np.outer(shares, counts.sum(axis=0))
    order = rng.permutation(len(table))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    splits: dict[int, Split] = {}
    for row in order:
        place = _emptiest(counts[row], filled, targets)
        filled[place] += counts[row]
        splits[int(table.index[row])] = names[place]
    return splits


def _emptiest(
    count: npt.NDArray[np.float64], filled: npt.NDArray[np.float64], targets: npt.NDArray[np.float64]
) -> int:
    """Return the split that `count` would leave the least full, in its strata and, if small, overall."""
    strata = count > 0
    within = ((filled + count)[:, strata] / targets[:, strata]) @ (count[strata] / count.sum())
    overall = (filled.sum(axis=1) + count.sum()) / targets.sum(axis=1)
    return int(np.argmin(within + _OVERALL_WEIGHT * overall))
