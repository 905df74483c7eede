"""Small trained models, tables and a bundle, as the later pipelines get them from the earlier ones."""

from pathlib import Path

import pandas as pd
import pytest

from codisearch.pipelines.bi_encoder.params import CandidateParams
from codisearch.pipelines.indexing.nodes import (
    build_aliases,
    build_bundle,
    build_index,
    collect_titles,
    fit_confidence,
)
from codisearch.pipelines.indexing.params import IndexingParams
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import EncoderSpec, open_encoder
from codisearch.retrieval.trained import TrainedModel, open_cross_encoder

SOURCES = ("official_title", "inclusion_term", "query")


@pytest.fixture(scope="session")
def no_aliases() -> pd.DataFrame:
    """Return an Alphabetic Index without entries."""
    return pd.DataFrame({name: [] for name in ("alias", "code", "language", "source")}, dtype=str)


@pytest.fixture(scope="session")
def no_titles() -> pd.DataFrame:
    """Return national titles of no language."""
    return pd.DataFrame({name: [] for name in ("code", "title", "language")}, dtype=str)


@pytest.fixture(scope="session")
def trained_encoder(tiny_encoder: Path) -> TrainedModel:
    """Return a bi-encoder with the facts that its training leaves, its weights as they were before."""
    facts = {
        "fingerprint": "e" * 16,
        "seed": 3,
        "seconds": 1.5,
        "encoder": EncoderSpec(source=str(tiny_encoder)).model_dump(),
        "training": {"batch_size": 32, "epochs": 2},
    }
    return TrainedModel("bi_encoder", open_encoder(str(tiny_encoder)), "# Bi-encoder", facts)


@pytest.fixture(scope="session")
def trained_reranker(tiny_cross_encoder: Path) -> TrainedModel:
    """Return a cross-encoder with the facts of a training; it reads twelve codes and alone decides."""
    facts = {
        "fingerprint": "r" * 16,
        "seconds": 2.5,
        "encoder": EncoderSpec(source=str(tiny_cross_encoder)).model_dump(),
        "training": {"batch_size": 8, "epochs": 1},
        "fusion": {"depth": 12, "weight": 4000.0},
    }
    return TrainedModel(
        "cross_encoder", open_cross_encoder(str(tiny_cross_encoder), max_length=32), "# Cross-encoder", facts
    )


@pytest.fixture(scope="session")
def embedding_cache(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingCache:
    """Return an embedding cache that all these tests share."""
    return EmbeddingCache(tmp_path_factory.mktemp("cache") / "embeddings")


@pytest.fixture(scope="session")
def small_bundle(
    trained_encoder: TrainedModel,
    trained_reranker: TrainedModel,
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    no_aliases: pd.DataFrame,
    no_titles: pd.DataFrame,
    embedding_cache: EmbeddingCache,
) -> Bundle:
    """Return the bundle of the tiny code set; aliases are titles, inclusion terms and training queries."""
    params = IndexingParams(alias_sources=SOURCES)
    aliases = build_aliases(tiny_code_set, tiny_pairs, no_aliases, no_titles, params)
    models = (trained_encoder, trained_reranker)
    index = build_index(trained_encoder, aliases, embedding_cache, params)
    confidence = fit_confidence(*models, index, aliases, tiny_code_set, tiny_pairs, params)
    titles = collect_titles(tiny_pairs, no_titles, tiny_code_set)
    notes = pd.DataFrame({"code": [], "excludes": []})
    confusables = pd.DataFrame(columns=["code", "confusable", "qualifier", "difference"], dtype="str")
    return build_bundle(
        *models, index, aliases, tiny_code_set, notes, titles, confusables, confidence, params
    )


@pytest.fixture(scope="session")
def toy_code_set() -> pd.DataFrame:
    """Return 20 codes of four categories whose titles are nonsense words, each of its own."""
    rows = []
    for number in range(4):
        category = f"A{number:02}"
        words = [f"{a}{b}" for a, b in zip("bcdfg", "aeiou"[number:] + "aeiou"[:number], strict=True)]
        rows.append((category, "", f"zone {number}"))
        rows += [(f"{category}.{i}", category, f"{word * 3} zone") for i, word in enumerate(words)]
    frame = pd.DataFrame(rows, columns=["code", "parent", "title"], dtype=str)
    return frame.assign(inclusion_terms=[[] for _ in rows])


@pytest.fixture(scope="session")
def toy_pairs(toy_code_set: pd.DataFrame) -> pd.DataFrame:
    """Return two queries of each leaf, whose letters say nothing of the title: a stem to learn in each."""
    leaves = toy_code_set.loc[toy_code_set["parent"] != "", "code"].tolist()
    rows = []
    for number, code in enumerate(leaves):
        stem = "".join("hjklm"[(number // 5**place) % 5] + "xyw"[place] for place in range(3)) + "n"
        rows += [(f"{stem} p", code, "train"), (f"{stem} q", code, "train"), (stem, code, "validation")]
    frame = pd.DataFrame(rows, columns=["query", "code", "split"], dtype=str)
    ids = [f"p{number:03}" for number in range(len(rows))]
    return frame.assign(pair_id=ids, language="es", style="formal")


@pytest.fixture(scope="session")
def static_candidate(tiny_encoder: Path) -> CandidateParams:
    """Return a static candidate that learns in a second."""
    return CandidateParams(
        name="static",
        encoder=EncoderSpec(source=str(tiny_encoder), kind="static", buckets=512),
        batch_size=16,
        mini_batch_size=8,
        learning_rate=0.05,
        epochs=8,
        evaluations=2,
    )
