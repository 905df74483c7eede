"""The nodes of the indexing pipeline."""

import logging
from collections.abc import Sequence

import pandas as pd
import pytest

import codisearch
from codisearch.pipelines.indexing import create_pipeline, nodes
from codisearch.pipelines.indexing.params import IndexingParams
from codisearch.retrieval.bundle import FORMAT, Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.trained import TrainedModel
from codisearch.schemas import ALIASES


def test_pipeline() -> None:
    """The pipeline makes the alias table and the bundle, and registers it."""
    assert create_pipeline().outputs() == {"registered_bundle"}
    assert create_pipeline().all_outputs() == {"aliases", "bundle", "registered_bundle"}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("official_title",), {"official_title": 13}),
        (("query", "inclusion_term"), {"query": 9, "inclusion_term": 5}),
    ],
)
def test_build_aliases(
    sources: Sequence[str],
    expected: dict[str, int],
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    no_aliases: pd.DataFrame,
    no_titles: pd.DataFrame,
) -> None:
    """The chosen sources enter, and of the queries only those of the training split."""
    params = IndexingParams.model_validate({"alias_sources": sources})
    aliases = nodes.build_aliases(tiny_code_set, tiny_pairs, no_aliases, no_titles, params)
    ALIASES.validate(aliases)
    assert aliases["source"].value_counts().to_dict() == expected
    assert "asma" not in set(aliases["alias"])  # a test query


def test_manifest(
    small_bundle: Bundle, trained_encoder: TrainedModel, trained_reranker: TrainedModel
) -> None:
    """The manifest says what the bundle is made of."""
    manifest = small_bundle.manifest
    assert manifest.format == FORMAT
    assert manifest.codisearch == codisearch.__version__
    assert (manifest.release, manifest.codes, manifest.aliases) == ("tiny", 13, 27)
    assert manifest.alias_sources == {"official_title": 13, "query": 9, "inclusion_term": 5}
    assert (manifest.dimension, manifest.index) == (32, "Flat")
    assert manifest.fusion == Fusion(depth=12, weight=4000.0)
    assert manifest.encoder == trained_encoder.fingerprint
    assert manifest.reranker == trained_reranker.fingerprint


def test_index(small_bundle: Bundle, tiny_code_set: pd.DataFrame) -> None:
    """Every alias finds its own code first, and the codes carry what search shows."""
    assert small_bundle.index.ntotal == 27
    assert list(small_bundle.codes.columns) == ["code", "title", "billable"]
    titles = tiny_code_set["title"].tolist()
    first = small_bundle.first_stage().rank(titles, 1)
    assert first.codes[:, 0].tolist() == list(range(13))


def test_vectors_come_from_the_cache(
    small_bundle: Bundle,
    trained_encoder: TrainedModel,
    trained_reranker: TrainedModel,
    tiny_code_set: pd.DataFrame,
    embedding_cache: EmbeddingCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A second bundle encodes only the alias that is new."""
    new = pd.DataFrame(
        {"alias": ["asthme"], "code": ["J45"], "language": ["fr"], "source": ["title"]}, dtype=str
    )
    aliases = pd.concat([small_bundle.aliases, new], ignore_index=True)
    params = IndexingParams(alias_sources=("official_title",), index="SQfp16")
    with caplog.at_level(logging.INFO, "codisearch"):
        bundle = nodes.build_bundle(
            trained_encoder, trained_reranker, aliases, tiny_code_set, embedding_cache, params
        )
    assert "Encoded 1 of 28 aliases" in caplog.text
    assert bundle.manifest.index == "SQfp16"
    assert bundle.index.ntotal == 28


def test_no_source() -> None:
    """An index without any alias is refused."""
    with pytest.raises(ValueError, match="at least 1 item"):
        IndexingParams(alias_sources=())


def test_unknown_source() -> None:
    """An unknown source is refused with those that exist."""
    with pytest.raises(ValueError, match="'official_title', 'inclusion_term'"):
        IndexingParams.model_validate({"alias_sources": ["titles"]})
