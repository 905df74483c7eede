"""The second stage: a cross-encoder reads query and candidate together and corrects the scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from codisearch.retrieval.aliases import QUERY_SOURCE
from codisearch.retrieval.ranking import NO_CODE, Rankings, Scores, reorder

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

SEPARATOR: Final = " | "
"""Stands between the title and the alias of a document."""

_TRANSFORMER_BATCH: Final = 64
_WORD_BATCH: Final = 1024
_DIGITS: Final = 5


class Fusion(BaseModel):
    """How far the second stage reaches, and how much it weighs.

    Attributes:
        depth: Codes of the first stage that the cross-encoder reads; 0 leaves the first stage as it is.
        weight: What full confidence of the cross-encoder adds, on the scale of the first stage's cosine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    depth: int = Field(ge=0)
    weight: float = Field(ge=0)


@dataclass(frozen=True)
class Documents:
    """What the cross-encoder reads of a candidate: its official title, and the alias that matched if another.

    Queries of the corpus that stand as aliases are not shown: in training the query itself would be among
    them.

    Attributes:
        titles: Official title per code position.
        aliases: Alias texts.
        sources: Where each alias comes from.
    """

    titles: Sequence[str]
    aliases: Sequence[str]
    sources: Sequence[str]

    def text(self, code: int, alias: int) -> str:
        """Return the document of a code that was found through an alias (positions; alias -1 for none)."""
        title = self.titles[code]
        if alias == NO_CODE or self.sources[alias] == QUERY_SOURCE or self.aliases[alias] == title:
            return title
        return f"{title}{SEPARATOR}{self.aliases[alias]}"


def score_candidates(
    model: "CrossEncoder",
    queries: Sequence[str],
    rankings: Rankings,
    documents: Documents,
    *,
    batch_size: int | None = None,
    progress: bool = False,
) -> npt.NDArray[np.float32]:
    """Return the cross-encoder's probability of each candidate among the candidates of its query.

    By default a transformer reads 64 pairs at a time, and a model that compares words 1,024, which is twice
    as fast.

    Returns:
        (queries, depth) array; a row sums to 1, places without a code are 0.
    """
    from scipy.special import softmax

    filled = rankings.codes != NO_CODE
    found = zip(
        np.nonzero(filled)[0].tolist(),
        rankings.codes[filled].tolist(),
        rankings.aliases[filled].tolist(),
        strict=True,
    )
    pairs = [(queries[row], documents.text(code, alias)) for row, code, alias in found]
    logits = np.full(rankings.codes.shape, -np.inf, dtype=np.float32)
    if pairs:
        logits[filled] = _predict(model, pairs, batch_size or _batch_size_of(model), progress=progress)
    logits[~filled.any(axis=1)] = 0.0
    return np.where(filled, softmax(logits, axis=1), 0.0).astype(np.float32)


def _batch_size_of(model: "CrossEncoder") -> int:
    from codisearch.retrieval.interaction import WordInteraction

    return _WORD_BATCH if isinstance(model[0], WordInteraction) else _TRANSFORMER_BATCH


def _predict(
    model: "CrossEncoder", pairs: list[tuple[str, str]], batch_size: int, *, progress: bool
) -> npt.NDArray[np.float32]:
    import torch

    from codisearch.retrieval.encoder import supports_bfloat16

    with torch.autocast(model.device.type, dtype=torch.bfloat16, enabled=supports_bfloat16()):
        scores = model.predict(
            pairs,
            batch_size=batch_size,
            activation_fn=torch.nn.Identity(),
            show_progress_bar=progress,
            convert_to_tensor=True,
        )
    return np.asarray(scores.float().cpu().numpy(), dtype=np.float32)


def fuse(rankings: Rankings, probabilities: npt.NDArray[np.float32], fusion: Fusion) -> Rankings:
    """Add the second stage's opinion to the first stage's scores and put the codes in the new order.

    The candidate that the cross-encoder likes most keeps its cosine; every other one loses in proportion to
    how much less it is liked, and codes beyond the depth lose as one that is not liked at all. So scores stay
    on the scale of the cosine, and with weight 0 nothing changes.

    Args:
        rankings: First stage, (queries, width).
        probabilities: (queries, at least depth) from `score_candidates`.
        fusion: Depth and weight.
    """
    return reorder(rankings, fused_scores(rankings.scores, probabilities, fusion))


def fused_scores(scores: Scores, probabilities: Scores, fusion: Fusion) -> Scores:
    """Return the scores of both stages, see `fuse`; rounded, so that they hardly depend on the batch."""
    depth = min(fusion.depth, scores.shape[1], probabilities.shape[1])
    if not depth or not fusion.weight:
        return scores
    liked = np.zeros(scores.shape, dtype=np.float32)
    liked[:, :depth] = probabilities[:, :depth]
    liked -= liked.max(axis=1, keepdims=True)
    return (scores + fusion.weight * liked).round(_DIGITS).astype(np.float32)
