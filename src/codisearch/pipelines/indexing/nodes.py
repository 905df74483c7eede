"""The nodes of the indexing pipeline."""

import logging
import time

import pandas as pd

from codisearch.pipelines.indexing.params import IndexingParams
from codisearch.retrieval import aliases as alias_table
from codisearch.retrieval.bundle import Bundle, new_manifest
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import encode, fingerprint_of
from codisearch.retrieval.index import build_faiss
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.trained import TrainedModel

logger = logging.getLogger(__name__)


def build_aliases(
    code_set: pd.DataFrame,
    pairs: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
    params: IndexingParams,
) -> pd.DataFrame:
    """Return the alias table of the chosen sources (see `retrieval.aliases.build_aliases`)."""
    aliases = alias_table.build_aliases(code_set, pairs, index_aliases, national_titles, params.alias_sources)
    logger.info("Aliases by source: %s", aliases["source"].value_counts().to_dict())
    return aliases


def build_bundle(
    bi_encoder: TrainedModel,
    cross_encoder: TrainedModel,
    aliases: pd.DataFrame,
    code_set: pd.DataFrame,
    embedding_cache: EmbeddingCache,
    params: IndexingParams,
) -> Bundle:
    """Encode every alias that the cache does not hold, index them all, and pack what search needs."""
    started = time.perf_counter()
    model = bi_encoder.model
    cached = embedding_cache.vectors(
        fingerprint_of(model),
        aliases["alias"].tolist(),
        lambda texts: encode(model, texts, progress=True),  # type: ignore[arg-type]
    )
    seconds = time.perf_counter() - started
    logger.info(
        "Encoded %d of %d aliases in %.1f s (%.0f a second); the others were in the cache",
        cached.encoded,
        len(aliases),
        seconds,
        cached.encoded / seconds,
    )
    manifest = new_manifest(
        release=str(code_set["release"].iloc[0]),
        codes=len(code_set),
        aliases=len(aliases),
        alias_sources={str(name): int(count) for name, count in aliases["source"].value_counts().items()},
        dimension=int(cached.vectors.shape[1]),
        index=params.index,
        fusion=Fusion.model_validate(cross_encoder.facts["fusion"]),
        encoder=bi_encoder.fingerprint,
        reranker=cross_encoder.fingerprint,
    )
    codes = code_set[["code", "title", "billable"]]
    return Bundle(
        bi_encoder, cross_encoder, build_faiss(cached.vectors, params.index), aliases, codes, manifest
    )


def release(bundle: Bundle) -> Bundle:
    """Hand the finished bundle over to the model registry."""
    return bundle
