"""The dense index against brute force."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from codisearch.errors import BundleError, ConfigurationError
from codisearch.retrieval.aliases import positions_of
from codisearch.retrieval.encoder import Vectors, encode
from codisearch.retrieval.index import DenseRanker, build_faiss, read_faiss, search_index, write_faiss
from codisearch.retrieval.ranking import best_per_code

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def unit_vectors(count: int, seed: int) -> Vectors:
    """Return random unit vectors of 16 components."""
    vectors = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


VECTORS = unit_vectors(600, seed=0)
CODE_OF_ALIAS = np.arange(600) // 5


def ranker(factory: str) -> DenseRanker:
    """Return a ranker over 600 vectors of 120 codes that needs no model."""
    return DenseRanker(None, build_faiss(VECTORS, factory), CODE_OF_ALIAS)


def test_flat_is_brute_force() -> None:
    """For 300 queries the ranking is that of all inner products, whichever batch a query is in."""
    queries = unit_vectors(300, seed=1)
    found = ranker("Flat").rank_vectors(queries, 7)
    similarities = (queries @ VECTORS.T).round(5)
    everything = np.tile(np.arange(600), (300, 1))
    expected = best_per_code(everything, similarities, CODE_OF_ALIAS, 7)
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_array_equal(found.aliases, expected.aliases)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


@pytest.mark.parametrize("wanted", [1, 40, 600, 700])
def test_many_vectors_find_what_few_do(wanted: int) -> None:
    """The product of matrices gives the library's own answer, also for more entries than there are."""
    index, queries = build_faiss(VECTORS, "Flat"), unit_vectors(20, seed=2)
    scores, ids = search_index(index, queries, wanted)
    expected = index.search(queries, wanted)
    np.testing.assert_array_equal(ids, expected[1])
    np.testing.assert_allclose(scores[:, :600], expected[0][:, :600], atol=1e-6)


@pytest.mark.parametrize("factory", ["SQfp16", "HNSW32", "IVF4,Flat"])
def test_other_indexes(factory: str) -> None:
    """Each alias' own vector finds its code first, with a cosine of about 1, and can be compared by hand."""
    dense = ranker(factory)
    found = dense.rank_vectors(VECTORS[::50], 3)
    assert found.codes[:, 0].tolist() == CODE_OF_ALIAS[::50].tolist()
    np.testing.assert_allclose(found.scores[:, 0], 1.0, atol=2e-3)
    wanted = np.array([599, 3])
    np.testing.assert_allclose(
        dense.similarities(VECTORS[0], wanted), VECTORS[wanted] @ VECTORS[0], atol=2e-3
    )


def test_inverted_file_looks_into_several_lists() -> None:
    """An index of 32 lists looks into two of them, not into the one that is the default of FAISS."""
    import faiss

    index = build_faiss(VECTORS, "IVF32,Flat")
    assert faiss.extract_index_ivf(index).nprobe == 2


def test_unknown_index() -> None:
    """A string that FAISS does not know is an error that offers others."""
    with pytest.raises(ConfigurationError, match="FAISS knows no index 'Flatt'; try Flat, SQfp16, HNSW32"):
        build_faiss(VECTORS, "Flatt")


def test_too_few_vectors_to_train() -> None:
    """An index that wants more vectors than there are is an error that says so."""
    with pytest.raises(ConfigurationError, match="'IVF256,Flat' cannot be trained on 20 vectors"):
        build_faiss(VECTORS[:20], "IVF256,Flat")


@pytest.mark.parametrize("factory", ["SQfp16", "IVF4,SQ8"])
def test_file_round_trip(tmp_path: Path, factory: str) -> None:
    """An index read back finds the same codes with the same scores."""
    write_faiss(build_faiss(VECTORS, factory), tmp_path / "index.faiss")
    again = DenseRanker(None, read_faiss(tmp_path / "index.faiss"), CODE_OF_ALIAS)
    queries = unit_vectors(5, seed=2)
    found, expected = again.rank_vectors(queries, 4), ranker(factory).rank_vectors(queries, 4)
    np.testing.assert_array_equal(found.aliases, expected.aliases)
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(
        again.similarities(queries[0], found.aliases[0]),
        ranker(factory).similarities(queries[0], found.aliases[0]),
    )


@pytest.mark.parametrize("content", [b"", b"no index"])
def test_no_index(tmp_path: Path, content: bytes) -> None:
    """A file that is no index is a bundle error, and so is one that is not there."""
    (tmp_path / "index.faiss").write_bytes(content)
    with pytest.raises(BundleError, match=r"index\.faiss is no FAISS index"):
        read_faiss(tmp_path / "index.faiss")
    with pytest.raises(BundleError, match=r"other\.faiss is no FAISS index"):
        read_faiss(tmp_path / "other.faiss")


def test_texts(
    static_encoder: "SentenceTransformer", aliases: pd.DataFrame, tiny_code_set: pd.DataFrame
) -> None:
    """A query that is an alias finds the alias' code, with cosine 1; depth is the whole code set."""
    vectors = encode(static_encoder, aliases["alias"].tolist())
    positions = positions_of(aliases["code"], tiny_code_set["code"])
    found = DenseRanker(static_encoder, build_faiss(vectors, "Flat"), positions).rank(["asma bronquial"], 13)
    assert tiny_code_set["code"][found.codes[0, 0]] == "J45.9"
    assert aliases["alias"][found.aliases[0, 0]] == "asma bronquial"
    assert found.scores[0, 0] == pytest.approx(1.0, abs=1e-5)
    assert sorted(found.codes[0]) == list(range(13))


def test_queries_get_their_prompt(static_encoder: "SentenceTransformer") -> None:
    """A query is looked for with the query prompt before it: here that makes it the alias."""
    aliases = ["asthma", "chest pain", "asthma chest pain"]
    index = build_faiss(encode(static_encoder, aliases), "Flat")
    static_encoder.prompts["query"] = "asthma "
    try:
        found = DenseRanker(static_encoder, index, np.arange(3)).rank(["chest pain"], 1)
    finally:
        static_encoder.prompts["query"] = ""
    assert found.codes.tolist() == [[2]]
    assert found.scores[0, 0] == pytest.approx(1.0, abs=1e-5)
