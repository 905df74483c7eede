"""How each kind of system is opened: lexical, encoder, fusion, reranker, trained."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from codisearch.errors import ModelError
from codisearch.pipelines.evaluation.params import EvaluationParams, FusionSpec, RerankerSpec
from codisearch.retrieval.aliases import positions_of
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import EncoderSpec, encode, fingerprint_of, load_encoder
from codisearch.retrieval.evidence import CANDIDATES
from codisearch.retrieval.fusion import reciprocal_rank, rescore_head, weighted
from codisearch.retrieval.index import DenseRanker, build_faiss
from codisearch.retrieval.lexical import Bm25, CharTfidf
from codisearch.retrieval.ranking import Ids, Ranker, Rankings
from codisearch.retrieval.reranker import Documents, Fusion, fuse, score_candidates
from codisearch.retrieval.trained import open_cross_encoder

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

logger = logging.getLogger(__name__)

_SCORERS: Final = ("ForSequenceClassification", "ForCausalLM")
"""What transformers that score pairs by themselves are called; to others the library adds a random layer."""

Rank = Callable[[Sequence[str], Sequence[Rankings]], Rankings]
"""Ranks queries, given what the components of the system ranked for them."""


@dataclass(frozen=True)
class System:
    """A system that is ready to rank.

    Attributes:
        rank: Ranks queries, as deep as the systems of a run rank.
        encoded: How many aliases had to be encoded for it.
    """

    rank: Rank
    encoded: int = 0


@dataclass(frozen=True)
class SystemOpener:
    """Opens systems by name.

    Attributes:
        bundle: The bundle, whose aliases and codes all systems share.
        cache: Embedding cache.
        params: The pipeline's parameters.
    """

    bundle: Bundle
    cache: EmbeddingCache
    params: EvaluationParams

    @cached_property
    def depth(self) -> int:
        """How many codes every system ranks: as many as are wanted, weighed, or read by the deepest reranker.

        It is the same for all, and whichever of them run, since the scores of a weighted fusion depend on it.
        """
        readers = (spec.depth for spec in self.params.rerankers.values())
        return max(self.params.depth, self.bundle.manifest.fusion.depth, CANDIDATES, *readers)

    def open(self, name: str) -> System:
        """Load a system and index the aliases for it.

        Raises:
            ModelError: If a model is missing, cannot be read, or is of another kind.
            ConfigurationError: If a package, a pooling or an index does not exist.
        """
        if name in self.params.fusions:
            return _fusion(self.params.fusions[name], self.depth)
        if name in self.params.rerankers:
            return _reranker(name, self.params.rerankers[name], self._documents())
        if name == "two_stage":
            rerank = self.bundle.two_stage().rerank
            return System(lambda queries, components: rerank(queries, components[0]))
        if name == "search":
            answer = self.bundle.search().rerank
            return System(lambda queries, components: answer(queries, components[0]))
        if name == "bi_encoder":
            return self._first_stage(self.bundle.first_stage())
        return self._lexical(name) if self.params.kind_of(name) == "lexical" else self._encoder(name)

    def _first_stage(self, ranker: Ranker, encoded: int = 0) -> System:
        return System(lambda queries, _: ranker.rank(queries, self.depth), encoded)

    def _lexical(self, name: str) -> System:
        kind = Bm25 if name == "bm25" else CharTfidf
        return self._first_stage(kind(self._aliases, self._positions))

    def _encoder(self, name: str) -> System:
        """Open an encoder that was not tuned: the start of the fine-tuned one, or one of the parameters."""
        facts = self.bundle.encoder.facts
        is_base = name == "base_encoder"
        spec = EncoderSpec.model_validate(facts["encoder"]) if is_base else self.params.encoders[name]
        model = load_encoder(spec, int(facts["seed"]))
        cached = self.cache.vectors(
            fingerprint_of(model), self._aliases, lambda texts: encode(model, texts, progress=True)
        )
        logger.info(
            "%s: %d of %d aliases encoded, the others were in the cache",
            name,
            cached.encoded,
            len(self._aliases),
        )
        index = build_faiss(cached.vectors, self.bundle.manifest.index)
        return self._first_stage(DenseRanker(model, index, self._positions), cached.encoded)

    @cached_property
    def _aliases(self) -> list[str]:
        return self.bundle.aliases["alias"].tolist()

    @cached_property
    def _positions(self) -> Ids:
        return positions_of(self.bundle.aliases["code"], self.bundle.codes["code"])

    def _documents(self) -> Documents:
        sources = self.bundle.aliases["source"].tolist()
        return Documents(self.bundle.codes["title"].tolist(), self._aliases, sources)


def _fusion(spec: FusionSpec, depth: int) -> System:
    weights = list(spec.of.values())
    if spec.method == "weighted":
        return System(lambda _, components: weighted(components, weights, depth=depth))
    return System(lambda _, components: reciprocal_rank(components, weights, k=spec.k, depth=depth))


def _reranker(name: str, spec: RerankerSpec, documents: Documents) -> System:
    model = _open_scorer(name, spec)

    def rank(queries: Sequence[str], components: Sequence[Rankings]) -> Rankings:
        first = components[0]
        liked = score_candidates(model, queries, first.head(spec.depth), documents)
        if spec.weight is None:
            return rescore_head(first, liked)
        return fuse(first, liked, Fusion(depth=spec.depth, weight=spec.weight))

    return System(rank)


def _open_scorer(name: str, spec: RerankerSpec) -> "CrossEncoder":
    """Return a cross-encoder, unless it would score with a layer of random weights or with several scores."""
    model = open_cross_encoder(
        spec.source,
        max_length=spec.max_length,
        model_kwargs={"use_safetensors": True},
    )
    body = model.transformers_model
    kinds = getattr(body.config, "architectures", None) if body is not None else None
    if kinds and len(model) == 1 and not kinds[0].endswith(_SCORERS):
        raise ModelError(
            f"{spec.source!r} of the reranker {name} is {kinds[0]}, not a cross-encoder: it was never "
            "trained to score pairs. Name it under `encoders`, or a cross-encoder here."
        )
    if model.num_labels != 1:
        raise ModelError(
            f"{spec.source!r} of the reranker {name} gives {model.num_labels} scores to a pair; expected one."
        )
    return model
