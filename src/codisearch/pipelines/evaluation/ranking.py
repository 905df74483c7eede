"""Every system over the same aliases, for the same queries."""

import logging
import time
from dataclasses import dataclass
from typing import Final

import pandas as pd

from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.retrieval.aliases import positions_of
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import EncoderSpec, encode, fingerprint_of, load_encoder
from codisearch.retrieval.index import DenseRanker, build_faiss
from codisearch.retrieval.lexical import Bm25, CharTfidf
from codisearch.retrieval.ranking import Ids, Ranker, Rankings

logger = logging.getLogger(__name__)

_TRAINED: Final = ("bi_encoder", "two_stage")


@dataclass(frozen=True)
class _Timed:
    """Rankings, and the seconds that they took."""

    rankings: Rankings
    seconds: float


@dataclass(frozen=True)
class SystemRanker:
    """Ranks queries with any of the configured systems.

    Attributes:
        bundle: The bundle, whose aliases and codes all systems share.
        cache: Embedding cache.
        params: The pipeline's parameters.
    """

    bundle: Bundle
    cache: EmbeddingCache
    params: EvaluationParams

    def rank_all(self, queries: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rankings of every system (`schemas.RANKINGS`), and the seconds that each took.

        The seconds of `two_stage` are those of both stages, of an encoder those of its index too.
        """
        texts, ids = queries["query"].tolist(), queries["query_id"].tolist()
        vocabulary = self.bundle.codes["code"].tolist()
        frames, times = [], []
        first: _Timed | None = None
        for name in self.params.systems:
            if name in _TRAINED and first is None:
                first = self._first_stage(texts)
            timed = self._rank(name, texts, first)
            logger.info(
                "%s ranked %d codes for %d queries in %.1f s", name, len(vocabulary), len(ids), timed.seconds
            )
            frames.append(timed.rankings.head(self.params.depth).to_frame(name, ids, vocabulary))
            times.append({"system": name, "seconds": round(timed.seconds, 2), "queries": len(ids)})
        return pd.concat(frames, ignore_index=True), pd.DataFrame(times)

    def _first_stage(self, texts: list[str]) -> _Timed:
        """Rank with the bi-encoder, as deep as the second stage reads."""
        started = time.perf_counter()
        depth = max(self.params.depth, self.bundle.manifest.fusion.depth)
        rankings = self.bundle.first_stage().rank(texts, depth)
        return _Timed(rankings, time.perf_counter() - started)

    def _rank(self, name: str, texts: list[str], first: _Timed | None) -> _Timed:
        """Rank with a system; both trained ones share the first stage."""
        if first is None or name not in _TRAINED:
            started = time.perf_counter()
            rankings = self._system(name).rank(texts, self.params.depth)
            return _Timed(rankings, time.perf_counter() - started)
        if name == "bi_encoder":
            return first
        started = time.perf_counter()
        rankings = self.bundle.two_stage().rerank(texts, first.rankings, progress=True)
        return _Timed(rankings, time.perf_counter() - started + first.seconds)

    def _system(self, name: str) -> Ranker:
        """Return a system that is not trained here."""
        aliases = self.bundle.aliases["alias"].tolist()
        positions = positions_of(self.bundle.aliases["code"], self.bundle.codes["code"])
        if name == "bm25":
            return Bm25(aliases, positions)
        if name == "char_tfidf":
            return CharTfidf(aliases, positions)
        return self._encoder_as_it_comes(name, aliases, positions)

    def _encoder_as_it_comes(self, name: str, aliases: list[str], positions: Ids) -> DenseRanker:
        """Return an encoder that was not tuned: the start of the fine-tuned one, or one of the parameters."""
        facts = self.bundle.encoder.facts
        is_base = name == "base_encoder"
        spec = EncoderSpec.model_validate(facts["encoder"]) if is_base else self.params.encoders[name]
        model = load_encoder(spec, int(facts["seed"]))
        cached = self.cache.vectors(
            fingerprint_of(model), aliases, lambda texts: encode(model, texts, progress=True)
        )
        logger.info(
            "%s: %d of %d aliases encoded, the others were in the cache", name, cached.encoded, len(aliases)
        )
        return DenseRanker(model, build_faiss(cached.vectors, self.bundle.manifest.index), positions)
