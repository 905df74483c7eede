"""Both stages as one system."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codisearch.retrieval.encoder import Vectors, encode
from codisearch.retrieval.index import DenseRanker
from codisearch.retrieval.ranking import NO_CODE, Ids, Mask, Rankings, Scores, order_of, take
from codisearch.retrieval.reranker import Documents, Fusion, fuse, fused_scores, score_candidates

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

NOT_READ = 0
"""Rank in the second stage of a code that it did not read."""


@dataclass(frozen=True)
class StagedRankings:
    """Rankings of both stages, with what each of them said.

    Attributes:
        rankings: (queries, width), in the order of both stages.
        first_ranks: (queries, width) place of each code after the first stage, from 1.
        second_ranks: (queries, width) place in the second stage's own order, from 1; 0 where it was not read.
        liked: (queries, width) the second stage's probability of each code; 0 where it was not read.
    """

    rankings: Rankings
    first_ranks: Ids
    second_ranks: Ids
    liked: Scores


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

    def encode(self, queries: Sequence[str]) -> Vectors:
        """Return the unit vectors of queries."""
        return encode(self.first.model, queries, role="query")

    def rank(self, queries: Sequence[str], depth: int) -> Rankings:
        """Return the first `depth` codes of each query."""
        return self.rank_in_stages(queries, self.encode(queries), depth).rankings.head(depth)

    def rank_in_stages(
        self,
        queries: Sequence[str],
        vectors: Vectors,
        depth: int,
        *,
        allowed: Mask | None = None,
        rerank: bool = True,
    ) -> StagedRankings:
        """Return the first codes of each query with what each stage said.

        Args:
            queries: The queries.
            vectors: Their vectors.
            depth: How many codes at least.
            allowed: (codes,) which codes may be found; None: all.
            rerank: Whether the second stage reads them.
        """
        rankings = self.first.rank_vectors(vectors, max(depth, self.fusion.depth), allowed)
        return self.rerank_in_stages(queries, rankings) if rerank else _of_first_stage(rankings)

    def rerank(self, queries: Sequence[str], rankings: Rankings, *, progress: bool = False) -> Rankings:
        """Return first-stage rankings in the order of both stages."""
        if not self.reads:
            return rankings
        return fuse(rankings, self._read(queries, rankings, progress=progress), self.fusion)

    def rerank_in_stages(self, queries: Sequence[str], rankings: Rankings) -> StagedRankings:
        """Return first-stage rankings in the order of both stages, with what each said."""
        if not self.reads:
            return _of_first_stage(rankings)
        first = _of_first_stage(rankings)
        read = self._read(queries, rankings, progress=False)
        liked = first.liked.copy()
        liked[:, : read.shape[1]] = read
        second_ranks = first.second_ranks.copy()
        codes = rankings.codes[:, : read.shape[1]]
        is_read = codes != NO_CODE
        likings = order_of(codes, np.where(is_read, read, -1.0).astype(np.float32))
        np.put_along_axis(second_ranks, likings, np.arange(1, read.shape[1] + 1)[None, :], axis=1)
        second_ranks[:, : read.shape[1]][~is_read] = NOT_READ
        scores = fused_scores(rankings.scores, read, self.fusion)
        order = order_of(rankings.codes, scores)
        return StagedRankings(
            rankings=take(Rankings(rankings.codes, scores, rankings.aliases), order),
            first_ranks=np.take_along_axis(first.first_ranks, order, 1),
            second_ranks=np.take_along_axis(second_ranks, order, 1),
            liked=np.take_along_axis(liked, order, 1),
        )

    @property
    def reads(self) -> bool:
        """Whether the second stage changes anything."""
        return self.fusion.depth > 0 and self.fusion.weight > 0

    def _read(self, queries: Sequence[str], rankings: Rankings, *, progress: bool) -> Scores:
        head = rankings.head(self.fusion.depth)
        return score_candidates(self.reranker, queries, head, self.documents, progress=progress)


def _of_first_stage(rankings: Rankings) -> StagedRankings:
    shape = rankings.codes.shape
    places = np.broadcast_to(np.arange(1, shape[1] + 1), shape)
    return StagedRankings(
        rankings, places, np.full(shape, NOT_READ, dtype=np.int64), np.zeros(shape, dtype=np.float32)
    )
