"""The choice of reranking depth and weight on validation, so that no language gets worse."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.pipelines.cross_encoder.params import FusionGrid
from codisearch.retrieval.ranking import Rankings
from codisearch.retrieval.reranker import Fusion, fuse

_CUTOFF = 5
_DIGITS = 9
_SLACK = 10.0**-_DIGITS  # sums of the same numbers in another order differ in their last digits


@dataclass(frozen=True)
class FusionChoice:
    """The chosen fusion with its evidence.

    Attributes:
        fusion: Depth and weight.
        table: A row per depth, weight and language (`all` beside the six): `recall@5`, `mrr`, their change
            against the first stage alone, and whether the setting was `allowed` and `chosen`.
    """

    fusion: Fusion
    table: pd.DataFrame


def choose_fusion(
    rankings: Rankings,
    probabilities: npt.NDArray[np.float32],
    relevant: Sequence[frozenset[int]],
    languages: Sequence[str],
    grid: FusionGrid,
) -> FusionChoice:
    """Return the depth and weight with the highest MRR among those that make no language worse.

    Of equals, the smallest depth and then the smallest weight is chosen.

    Args:
        rankings: First-stage rankings of the validation queries.
        probabilities: The cross-encoder's, at the largest depth.
        relevant: Per query, positions of the right codes.
        languages: Per query, its language.
        grid: What to choose from.
    """
    settings = [Fusion(depth=0, weight=0.0)]
    settings += [Fusion(depth=depth, weight=weight) for depth in grid.depths for weight in grid.weights]
    tables = []
    for setting in settings:
        window = probabilities[:, : setting.depth]
        total = window.sum(axis=1, keepdims=True)
        window = np.divide(window, total, out=np.zeros_like(window), where=total > 0)
        tables.append(_measure(fuse(rankings, window, setting), relevant, languages, setting))
    table = pd.concat(tables, ignore_index=True)
    baseline = tables[0].set_index("language")
    for metric in ("recall@5", "mrr"):
        table[f"{metric}_change"] = table[metric] - table["language"].map(baseline[metric])
    worst = table.groupby(["depth", "weight"])[["recall@5_change", "mrr_change"]].transform("min").min(axis=1)
    table["allowed"] = worst >= -grid.tolerance - _SLACK
    candidates = table[(table["language"] == "all") & table["allowed"]]
    candidates = candidates.assign(mrr=candidates["mrr"].round(_DIGITS))
    best = candidates.sort_values(["mrr", "depth", "weight"], ascending=[False, True, True]).iloc[0]
    fusion = Fusion(depth=int(best["depth"]), weight=float(best["weight"]))
    table["chosen"] = (table["depth"] == fusion.depth) & (table["weight"] == fusion.weight)
    return FusionChoice(fusion, table)


def _measure(
    rankings: Rankings, relevant: Sequence[frozenset[int]], languages: Sequence[str], setting: Fusion
) -> pd.DataFrame:
    right = np.array(
        [
            [code in wanted for code in row]
            for row, wanted in zip(rankings.codes.tolist(), relevant, strict=True)
        ]
    )
    first = np.where(right.any(axis=1), right.argmax(axis=1), np.inf)
    frame = pd.DataFrame({"language": languages, "recall@5": first < _CUTOFF, "mrr": 1.0 / (first + 1.0)})
    overall = frame.assign(language="all")
    means = (
        pd.concat([frame, overall]).groupby("language", sort=True)[["recall@5", "mrr"]].mean().reset_index()
    )
    return means.assign(depth=setting.depth, weight=setting.weight)
