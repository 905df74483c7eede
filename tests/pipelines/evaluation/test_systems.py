"""How each kind of system is opened, and what it ranks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from codisearch.errors import ConfigurationError, ModelError
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.pipelines.evaluation.systems import SystemOpener
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import encode, open_encoder
from codisearch.retrieval.ranking import NO_CODE, Rankings

QUERIES = ["High blood pressure", "pain", "asma"]


def opener(bundle: Bundle, cache: EmbeddingCache, **values: object) -> SystemOpener:
    """Return an opener for parameters of a short evaluation."""
    params = EvaluationParams.model_validate({"systems": ["bm25"], "depth": 10, **values})
    return SystemOpener(bundle, cache, params)


def reranker_of(source: Path | str, **values: object) -> dict[str, object]:
    """Return the parameters of one reranker, `top`, over the bi-encoder."""
    spec = {"first": "bi_encoder", "source": str(source), "max_length": 32, **values}
    return {"rerankers": {"top": spec}}


def first_stage(opened: SystemOpener) -> Rankings:
    """Return what the bi-encoder ranks."""
    return opened.open("bi_encoder").rank(QUERIES, [])


def test_depth(small_bundle: Bundle, embedding_cache: EmbeddingCache) -> None:
    """All rank as deep as any of them reads: the parameter, the fifty that are weighed, or a reranker."""
    assert small_bundle.manifest.fusion.depth == 12
    assert opener(small_bundle, embedding_cache).depth == 50
    assert opener(small_bundle, embedding_cache, depth=70).depth == 70
    assert opener(small_bundle, embedding_cache, depth=70, **reranker_of("a/b", depth=80)).depth == 80


@pytest.mark.parametrize("name", ["bm25", "char_tfidf", "base_encoder", "bi_encoder"])
def test_first_stages(small_bundle: Bundle, embedding_cache: EmbeddingCache, name: str) -> None:
    """Each finds the code whose alias is the query, as deep as all rank."""
    found = opener(small_bundle, embedding_cache).open(name).rank(QUERIES, [])
    assert found.codes.shape == (3, 50)
    assert small_bundle.codes["code"][found.codes[0, 0]] == "I10"


def test_reranker_with_a_weight_is_the_second_stage(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, tiny_cross_encoder: Path
) -> None:
    """The bundle's own cross-encoder, opened from its folder with its depth and weight, ranks as it does."""
    spec = reranker_of(tiny_cross_encoder, depth=12, weight=4000)
    opened = opener(small_bundle, embedding_cache, **spec)
    first = first_stage(opened)
    found = opened.open("top").rank(QUERIES, [first])
    expected = opened.open("two_stage").rank(QUERIES, [first])
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-5)


def test_reranker_without_a_weight(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, tiny_cross_encoder: Path
) -> None:
    """Its order alone counts for the codes that it reads; the others stay behind them as they were."""
    opened = opener(small_bundle, embedding_cache, **reranker_of(tiny_cross_encoder, depth=4))
    first = first_stage(opened)
    found = opened.open("top").rank(QUERIES, [first])
    np.testing.assert_array_equal(np.sort(found.codes[:, :4]), np.sort(first.codes[:, :4]))
    np.testing.assert_array_equal(found.codes[:, 4:], first.codes[:, 4:])
    np.testing.assert_allclose(found.scores[:, :4].sum(axis=1), 1, atol=1e-5)
    assert not np.array_equal(found.codes, first.codes)
    filled = np.where(found.codes == NO_CODE, -1e9, found.scores)
    assert (np.diff(filled, axis=1) <= 0).all()


def test_search_is_what_the_bundle_answers(small_bundle: Bundle, embedding_cache: EmbeddingCache) -> None:
    """The system `search` ranks as the bundle answers, with probabilities as scores that fall."""
    opened = opener(small_bundle, embedding_cache)
    found = opened.open("search").rank(QUERIES, [first_stage(opened)])
    expected = small_bundle.answer(QUERIES, [None] * len(QUERIES))
    np.testing.assert_array_equal(found.codes[:, :13], expected.rankings.codes[:, :13])
    np.testing.assert_allclose(found.scores[:, :13], expected.probabilities[:, :13], atol=1e-6)


def test_reranker_over_a_fusion(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, tiny_cross_encoder: Path
) -> None:
    """A cross-encoder reads what a fusion ranks, also where that has fewer codes than it could read."""
    opened = opener(
        small_bundle,
        embedding_cache,
        fusions={"hybrid": {"method": "reciprocal_rank", "of": ["bm25", "char_tfidf"]}},
        rerankers={"top": {"first": "hybrid", "source": str(tiny_cross_encoder)}},
    )
    parts = [opened.open(name).rank(QUERIES, []) for name in ("bm25", "char_tfidf")]
    hybrid = opened.open("hybrid").rank(QUERIES, parts)
    found = opened.open("top").rank(QUERIES, [hybrid])
    assert (hybrid.codes == NO_CODE).any()
    np.testing.assert_array_equal(np.sort(found.codes), np.sort(hybrid.codes))


def test_encoder_as_reranker(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, tiny_encoder: Path
) -> None:
    """An encoder has no weights that score pairs; chance ones would rank without a word."""
    expected = "of the reranker top is BertModel, not a cross-encoder: it was never trained to score pairs"
    with pytest.raises(ModelError, match=expected):
        opener(small_bundle, embedding_cache, **reranker_of(tiny_encoder)).open("top")


def test_classifier_as_reranker(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, tiny_cross_encoder: Path, tmp_path: Path
) -> None:
    """A cross-encoder of three classes, as for entailment, is refused."""
    from transformers import BertConfig, BertForSequenceClassification

    folder = shutil.copytree(tiny_cross_encoder, tmp_path / "classes")
    config = BertConfig.from_pretrained(tiny_cross_encoder, num_labels=3)
    BertForSequenceClassification(config).save_pretrained(folder)
    with pytest.raises(ModelError, match="of the reranker top gives 3 scores to a pair; expected one"):
        opener(small_bundle, embedding_cache, **reranker_of(folder)).open("top")


@pytest.mark.parametrize("source", ["/no/such/folder", "nobody/none"])
def test_missing_reranker(small_bundle: Bundle, embedding_cache: EmbeddingCache, source: str) -> None:
    """A cross-encoder that is not there is a model error that names it."""
    with pytest.raises(ModelError, match=f"Cannot load the cross-encoder '{source}'"):
        opener(small_bundle, embedding_cache, **reranker_of(source)).open("top")


def test_encoder_with_conventions(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, tiny_encoder: Path, tmp_path: Path
) -> None:
    """Pooling and prompts of the parameters are used for aliases and for queries."""
    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    spec = {
        "source": str(folder),
        "pooling": "cls",
        "query_prompt": "chest ",
        "document_prompt": "pain in ",
    }
    system = opener(small_bundle, embedding_cache, encoders={"mine": spec}).open("mine")
    found = system.rank(QUERIES, [])
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({**json.loads(pooling.read_text()), "pooling_mode": "cls"}))
    plain = open_encoder(str(folder))
    plain.max_seq_length = 48
    aliases = encode(plain, [f"pain in {alias}" for alias in small_bundle.aliases["alias"]])
    cosines = encode(plain, [f"chest {query}" for query in QUERIES]) @ aliases.T
    assert system.encoded == small_bundle.aliases["alias"].nunique()
    np.testing.assert_allclose(found.scores[:, 0], cosines.max(axis=1), atol=2e-3)


def test_encoder_that_cannot_pool(
    small_bundle: Bundle, embedding_cache: EmbeddingCache, tiny_encoder: Path
) -> None:
    """A setting that the model cannot follow is a configuration error, which leaves the system out."""
    spec = {"source": str(tiny_encoder), "kind": "static", "buckets": 64, "pooling": "cls"}
    with pytest.raises(ConfigurationError, match="needs a transformer with a pooling layer"):
        opener(small_bundle, embedding_cache, encoders={"mine": spec}).open("mine")
