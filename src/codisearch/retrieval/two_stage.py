"""Both stages as one system."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codisearch.retrieval.index import DenseRanker
from codisearch.retrieval.ranking import Rankings
from codisearch.retrieval.reranker import Documents, Fusion, fuse, score_candidates

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


@dataclass(frozen=True)
class TwoStageRanker:
    """Ranks with the bi-encoder, and its first codes once more with the cross-encoder.

    Attributes:
        first: The first stage.
        reranker: The cross-encoder.
        documents: What it reads of a candidate.
        fusion: Depth and weight; weight 0 skips it.
    """

    first: DenseRanker
    reranker: "CrossEncoder"
    documents: Documents
    fusion: Fusion

    def rank(self, queries: Sequence[str], depth: int) -> Rankings:
        """Return the first `depth` codes of each query."""
        return self.rerank(queries, self.first.rank(queries, max(depth, self.fusion.depth))).head(depth)

    def rerank(self, queries: Sequence[str], rankings: Rankings, *, progress: bool = False) -> Rankings:
        """Return first-stage rankings in the order of both stages."""
        if not self.fusion.depth or not self.fusion.weight:
            return rankings
        head = rankings.head(self.fusion.depth)
        liked = score_candidates(self.reranker, queries, head, self.documents, progress=progress)
        return fuse(rankings, liked, self.fusion)
