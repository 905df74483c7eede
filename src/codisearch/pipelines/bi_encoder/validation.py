"""The retrieval task that training is judged by: validation queries against a fair sample of the code set."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from codisearch.codes import CodeTree
from codisearch.pipelines.bi_encoder.params import ValidationParams


@dataclass(frozen=True)
class RetrievalTask:
    """Queries, documents and which answer which.

    Attributes:
        queries: Query id -> text.
        documents: Code -> official title.
        relevant: Query id -> codes that answer it.
    """

    queries: dict[str, str]
    documents: dict[str, str]
    relevant: dict[str, set[str]]


def build_task(
    pairs: pd.DataFrame, code_set: pd.DataFrame, params: ValidationParams, seed: int
) -> RetrievalTask:
    """Return the task of the validation split.

    The documents hold every relevant code, its neighbours in the tree and other codes by chance: harder than
    a random pool of the same size, and the same for every candidate.
    """
    validation = pairs[pairs["split"] == "validation"].sort_values("pair_id")
    grouped = validation.groupby(["language", "query"], sort=True)["code"].agg(set).reset_index()
    if len(grouped) > params.queries:
        grouped = grouped.sample(frac=1.0, random_state=seed).sort_values("language", kind="stable")
        turn = grouped.groupby("language").cumcount()
        grouped = grouped.loc[turn.sort_values(kind="stable").index[: params.queries]]
    ids = [f"validation-{number}" for number in range(len(grouped))]
    relevant = dict(zip(ids, grouped["code"], strict=True))
    codes = _documents({code for wanted in relevant.values() for code in wanted}, code_set, params, seed)
    titles = code_set.set_index("code")["title"]
    return RetrievalTask(
        queries=dict(zip(ids, grouped["query"], strict=True)),
        documents={code: titles[code] for code in codes},
        relevant=relevant,
    )


def _documents(wanted: set[str], code_set: pd.DataFrame, params: ValidationParams, seed: int) -> list[str]:
    tree = CodeTree.from_frame(code_set)
    chosen = set(wanted)
    for code in sorted(wanted):
        chosen.update(tree.neighbours(code, params.neighbours))
    others = sorted(set(code_set["code"]) - chosen)
    missing = min(max(params.documents - len(chosen), 0), len(others))
    drawn = np.random.default_rng(seed).choice(len(others), missing, replace=False)
    return sorted(chosen.union(others[number] for number in drawn))
