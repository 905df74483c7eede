"""What speaks for each candidate of a query, and for none of them: the inputs of `confidence`.

All of it is known at the time of search. How far query and matched text share words, and where that text
comes from, are left out on purpose (docs/decisions/0014): validation queries have no near-duplicates in the
index, so a model that sees these learns how the corpus was split and not what a good match is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.retrieval.ranking import NO_CODE, Mask
from codisearch.retrieval.two_stage import StagedRankings

CANDIDATES: Final = 50
"""How many codes of a query are weighed against each other."""
FEATURES: Final = ("score", "log_share", "is_billable", "log_liked")
"""Of a candidate: its score, the logarithm of its share when scores compete, whether it can be billed, and
the logarithm of what the second stage thinks of it."""
QUERY_FEATURES: Final = ("score", "lead", "lead_over_tenth", "log_words", "log_share", "log_liked")
"""Of a query: what its first candidate has, how far that is ahead, and how many words were asked."""

_WORD: Final = re.compile(r"\w+")
_TEMPERATURE: Final = 0.06
_LEAST: Final = 1e-5
_GAP: Final = 0.2
"""How far below the last candidate the places stand that cannot be filled."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """The evidence of some queries.

    Attributes:
        candidates: (queries, candidates, features) of `FEATURES`.
        queries: (queries, features) of `QUERY_FEATURES`.
        filled: (queries, candidates) whether there is a candidate.
    """

    candidates: Floats
    queries: Floats
    filled: Mask


class EvidenceReader:
    """Reads the evidence off staged rankings.

    Args:
        codes: The codes in code order, of which `billable` is read.
    """

    def __init__(self, codes: pd.DataFrame) -> None:
        self._is_billable = codes["billable"].to_numpy(dtype=bool)

    def read(self, queries: Sequence[str], staged: StagedRankings) -> Evidence:
        """Return the evidence for the first `CANDIDATES` codes of each query."""
        head = staged.rankings.head(CANDIDATES)
        filled = head.codes != NO_CODE
        scores = _known_scores(head.scores.astype(np.float64), filled)
        features = {
            "score": scores,
            "log_share": _log_share(scores, filled),
            "is_billable": self._is_billable[np.where(filled, head.codes, 0)].astype(np.float64),
            "log_liked": np.log(staged.liked[:, :CANDIDATES].astype(np.float64) + _LEAST),
        }
        whole = {
            **{name: values[:, 0] for name, values in features.items()},
            "lead": scores[:, 0] - scores[:, min(1, scores.shape[1] - 1)],
            "lead_over_tenth": scores[:, 0] - scores[:, min(9, scores.shape[1] - 1)],
            "log_words": np.log1p([len(_WORD.findall(query)) for query in queries]),
        }
        return Evidence(
            candidates=np.stack([features[name] for name in FEATURES], axis=-1),
            queries=np.stack([whole[name] for name in QUERY_FEATURES], axis=-1),
            filled=filled,
        )


def _known_scores(scores: Floats, filled: Mask) -> Floats:
    """Return scores in which places without a code stand a little below the last candidate."""
    lowest = np.where(filled, scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    return np.where(filled, scores, np.where(np.isfinite(lowest), lowest, 0.0) - _GAP)


def _log_share(scores: Floats, filled: Mask) -> Floats:
    """Return the logarithm of each score's share when scores compete (softmax at a low temperature)."""
    from scipy.special import log_softmax

    scaled = np.where(filled, scores / _TEMPERATURE, -np.inf)
    scaled[~filled.any(axis=1)] = 0.0
    shares: Floats = log_softmax(scaled, axis=1)
    return np.maximum(shares, np.log(_LEAST))
