"""Search as it is answered: both stages, and their evidence weighed into probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from codisearch.retrieval.confidence import Confidence, Floats
from codisearch.retrieval.encoder import Vectors
from codisearch.retrieval.evidence import CANDIDATES, EvidenceReader
from codisearch.retrieval.ranking import NO_CODE, Ids, Mask, Rankings, take
from codisearch.retrieval.two_stage import StagedRankings, TwoStageRanker

_DIGITS: Final = 6
QUERIES_AT_ONCE: Final = 256


@dataclass(frozen=True)
class ConfidentRankings:
    """Rankings in the order of their probabilities.

    Attributes:
        rankings: (queries, width); the scores are those of both stages and need not fall.
        probabilities: (queries, width) that each code is the one that was meant; 0 beyond the candidates that
            are weighed.
        first_ranks: (queries, width) place after the first stage, from 1.
        second_ranks: (queries, width) place in the second stage's own order, from 1; 0 where it was not read.
    """

    rankings: Rankings
    probabilities: Floats
    first_ranks: Ids
    second_ranks: Ids


@dataclass(frozen=True)
class ConfidentRanker:
    """Ranks codes by the probability that they are meant.

    Attributes:
        stages: Both stages.
        confidence: The fitted models.
        evidence: Reads what the models weigh.
    """

    stages: TwoStageRanker
    confidence: Confidence
    evidence: EvidenceReader

    def answer(
        self,
        queries: Sequence[str],
        languages: Sequence[str | None],
        *,
        depth: int = 100,
        allowed: Mask | None = None,
        rerank: bool = True,
    ) -> ConfidentRankings:
        """Return the codes of each query, the likeliest first.

        Args:
            queries: The queries.
            languages: The language of each; None where it is not known. It changes probabilities, no order.
            depth: How many codes at least.
            allowed: (codes,) which codes may be found; None: all.
            rerank: Whether the second stage reads them.
        """
        vectors = self.stages.encode(queries)
        return self.answer_vectors(queries, vectors, languages, depth=depth, allowed=allowed, rerank=rerank)

    def answer_vectors(
        self,
        queries: Sequence[str],
        vectors: Vectors,
        languages: Sequence[str | None],
        *,
        depth: int,
        allowed: Mask | None,
        rerank: bool,
    ) -> ConfidentRankings:
        """Return what `answer` does, for queries whose vectors are known."""
        wanted = max(depth, CANDIDATES)
        staged = self.stages.rank_in_stages(queries, vectors, wanted, allowed=allowed, rerank=rerank)
        return self.weigh(queries, staged, languages, rerank=rerank)

    def rerank(self, queries: Sequence[str], rankings: Rankings) -> Rankings:
        """Return first-stage rankings in the order of the probabilities, with scores that fall."""
        staged = self.stages.rerank_in_stages(queries, rankings)
        found = self.weigh(queries, staged, [None] * len(queries))
        places = np.arange(found.probabilities.shape[1])
        scores = np.where(places < CANDIDATES, found.probabilities, -places / len(places))
        scores = np.where(found.rankings.codes == NO_CODE, -np.inf, scores)
        return replace(found.rankings, scores=scores.astype(np.float32))

    def weigh(
        self,
        queries: Sequence[str],
        staged: StagedRankings,
        languages: Sequence[str | None],
        *,
        rerank: bool = True,
    ) -> ConfidentRankings:
        """Return staged rankings in the order of their probabilities."""
        found = self.evidence.read(queries, staged)
        model = self.confidence.model(rerank=rerank and self.stages.reads)
        weighed = found.filled.shape[1]
        probabilities = np.zeros(staged.rankings.codes.shape)
        probabilities[:, :weighed] = model.probabilities(found, languages)
        # By utility, which no language changes; a stable sort leaves what is beyond the candidates as it is.
        utilities = np.full(probabilities.shape, -np.inf)
        utilities[:, :weighed] = model.utilities(found).round(_DIGITS)
        order = np.argsort(-utilities, axis=1, kind="stable")
        pick = np.take_along_axis
        return ConfidentRankings(
            take(staged.rankings, order),
            pick(probabilities, order, 1),
            pick(staged.first_ranks, order, 1),
            pick(staged.second_ranks, order, 1),
        )


def answer_in_chunks(
    ranker: ConfidentRanker, queries: Sequence[str], languages: Sequence[str | None], depth: int = 100
) -> ConfidentRankings:
    """Return what `ranker.answer` does, for any number of queries in flat memory."""
    chunks = [slice(start, start + QUERIES_AT_ONCE) for start in range(0, len(queries), QUERIES_AT_ONCE)]
    parts = [
        ranker.answer(queries[chunk], languages[chunk], depth=depth) for chunk in chunks or [slice(0, 0)]
    ]

    def join(values: list[Any]) -> Any:  # noqa: ANN401
        return np.concatenate(values)

    return ConfidentRankings(
        Rankings(
            join([part.rankings.codes for part in parts]),
            join([part.rankings.scores for part in parts]),
            join([part.rankings.aliases for part in parts]),
        ),
        join([part.probabilities for part in parts]),
        join([part.first_ranks for part in parts]),
        join([part.second_ranks for part in parts]),
    )
