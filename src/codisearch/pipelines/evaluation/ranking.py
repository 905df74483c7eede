"""Every system over the same aliases, for the same queries."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.retrieval.aliases import positions_of
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import EncoderSpec, encode, fingerprint_of, load_encoder
from codisearch.retrieval.index import DenseRanker, build_faiss
from codisearch.retrieval.lexical import Bm25, CharTfidf
from codisearch.retrieval.ranking import Ranker, Rankings

logger = logging.getLogger(__name__)


@dataclass
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
        """Return the rankings of every system (`schemas.RANKINGS`), and per system the seconds that it took."""
        texts = queries["query"].tolist()
        vocabulary = self.bundle.codes["code"].tolist()
        frames, times = [], []
        first: Rankings | None = None
        for name in self.params.systems:
            started = time.perf_counter()
            if name == "two_stage" and first is not None:
                rankings = self.bundle.two_stage().rerank(texts, first, progress=True)
            else:
                rankings = self._system(name).rank(texts, self.params.depth)
            first = rankings if name == "bi_encoder" else first
            seconds = time.perf_counter() - started
            logger.info(
                "%s ranked %d codes for %d queries in %.1f s", name, len(vocabulary), len(texts), seconds
            )
            frames.append(rankings.to_frame(name, queries["query_id"].tolist(), vocabulary))
            times.append({"system": name, "seconds": round(seconds, 2), "queries": len(texts)})
        return pd.concat(frames, ignore_index=True), pd.DataFrame(times)

    def _system(self, name: str) -> Ranker:
        aliases = self.bundle.aliases["alias"].tolist()
        positions = positions_of(self.bundle.aliases["code"], self.bundle.codes["code"])
        if name == "bm25":
            return Bm25(aliases, positions)
        if name == "char_tfidf":
            return CharTfidf(aliases, positions)
        if name == "bi_encoder":
            return self.bundle.first_stage()
        if name == "two_stage":
            return self.bundle.two_stage()
        return self._encoder_as_it_comes(name, aliases, positions)

    def _encoder_as_it_comes(self, name: str, aliases: Sequence[str], positions: "np.ndarray") -> DenseRanker:
        """Return an encoder that was not tuned: the fine-tuned one's start, or one that the parameters name."""
        facts = self.bundle.encoder.facts
        seed = int(facts["seed"])
        spec = (
            EncoderSpec.model_validate(facts["encoder"])
            if name == "base_encoder"
            else self.params.encoders[name]
        )
        model = load_encoder(spec, seed)
        cached = self.cache.vectors(
            fingerprint_of(model), aliases, lambda texts: encode(model, texts, progress=True)
        )
        logger.info(
            "%s: %d of %d aliases encoded, the others were in the cache", name, cached.encoded, len(aliases)
        )
        return DenseRanker(model, build_faiss(cached.vectors, self.bundle.manifest.index), positions)
