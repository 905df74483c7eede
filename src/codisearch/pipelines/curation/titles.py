"""Which titles may be trained on: none that would tell the answer to a query that is held out."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from codisearch.rules.text import keys_of

_RULE = "held_out_title"


def refuse_titles(
    pairs: pd.DataFrame, near: pd.DataFrame, unseen: Collection[str], threshold: float
) -> pd.DataFrame:
    """Return `rule` and `detail` of each title that may not be trained on; empty for all other rows.

    Refused are the titles of codes that are held out of training, and titles that are the same as, or near
    to, a query in validation or test, whatever its code and language.

    Args:
        pairs: Pairs with `split`.
        near: Near-duplicate queries and titles, as `similarity.near_pairs` returns them.
        unseen: Codes that are held out of training.
        threshold: Cosine from which a title is near to a query.
    """
    keys = keys_of(pairs)
    titles = (pairs["style"] == "title").to_numpy()
    held_out = titles & pairs["code"].isin(list(unseen)).to_numpy()
    nearest = _nearest_evaluated(pairs.assign(key=keys)[pairs["split"] != "train"], near, threshold)
    close = titles & ~held_out & keys.isin(nearest.index).to_numpy()
    found = nearest.loc[keys[close]]
    rule = np.where(held_out | close, _RULE, "").astype(object)
    detail = np.full(len(pairs), "", dtype=object)
    detail[held_out] = [f"Code {code} is held out of training." for code in pairs.loc[held_out, "code"]]
    detail[close] = [
        f"Near to {pair_id}, which is in {split} (cosine {cosine:.2f})."
        for pair_id, split, cosine in zip(found["pair_id"], found["split"], found["cosine"], strict=True)
    ]
    return pd.DataFrame({"rule": rule, "detail": detail}, index=pairs.index).astype(str)


def _nearest_evaluated(evaluated: pd.DataFrame, near: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return text -> `pair_id`, `split` and `cosine` of the nearest evaluated query that is near to it."""
    queries = evaluated[["key", "pair_id", "split"]].drop_duplicates("key")
    equal = pd.DataFrame({"text": queries["key"], "key": queries["key"], "cosine": 1.0})
    one_way = near.rename(columns={"left": "text", "right": "key"})
    other_way = near.rename(columns={"left": "key", "right": "text"})
    edges = pd.concat([equal, one_way, other_way], ignore_index=True)
    edges = edges[edges["cosine"] >= threshold].merge(queries, on="key")
    nearest = edges.sort_values("cosine", ascending=False, kind="stable").drop_duplicates("text")
    return nearest.set_index("text")
