"""The dense index against brute force."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codisearch.errors import BundleError, ConfigurationError
from codisearch.retrieval import index as subject
from codisearch.retrieval.aliases import positions_of
from codisearch.retrieval.encoder import Vectors, encode
from codisearch.retrieval.index import DenseRanker, build_faiss, read_faiss, search_index, write_faiss
from codisearch.retrieval.ranking import NO_CODE, Mask, Rankings, best_per_code

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


FACTORIES = ["Flat", "SQfp16", "HNSW32", "IVF4,Flat"]
INDEXES = {factory: build_faiss(VECTORS, factory) for factory in FACTORIES}
ALLOWED = arrays.arrays(np.bool_, 120)


@pytest.mark.parametrize("factory", FACTORIES)
@given(allowed=ALLOWED, seed=st.integers(0, 50))
def test_what_is_not_allowed_is_not_found(factory: str, allowed: Mask, seed: int) -> None:
    """Whatever is allowed, nothing else is found, and no code comes twice."""
    dense = DenseRanker(None, INDEXES[factory], CODE_OF_ALIAS)
    found = dense.rank_vectors(unit_vectors(3, seed), 15, allowed)
    for row in found.codes.tolist():
        codes = [code for code in row if code != NO_CODE]
        assert allowed[codes].all()
        assert len(set(codes)) == len(codes)


def best_allowed(queries: Vectors, allowed: Mask, depth: int) -> Rankings:
    """Return the allowed codes by all inner products."""
    everything = np.where(allowed[CODE_OF_ALIAS], np.arange(600), NO_CODE)
    similar = (queries @ VECTORS.T).round(5)
    return best_per_code(np.tile(everything, (len(queries), 1)), similar, CODE_OF_ALIAS, depth)


@given(allowed=ALLOWED, depth=st.integers(1, 130), seed=st.integers(0, 50))
def test_allowed_codes_are_those_of_brute_force(allowed: Mask, depth: int, seed: int) -> None:
    """An exact index finds every code that is allowed, in the order of all inner products."""
    queries = unit_vectors(3, seed)
    dense = DenseRanker(None, INDEXES["Flat"], CODE_OF_ALIAS)
    found, expected = dense.rank_vectors(queries, depth, allowed), best_allowed(queries, allowed, depth)
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_allclose(found.scores, expected.scores, atol=2e-5)


@pytest.mark.parametrize("factory", ["SQfp16", "HNSW32"])
@pytest.mark.parametrize("share", [1, 2, 10])
def test_allowed_codes_of_other_indexes(factory: str, share: int) -> None:
    """Half precision and a graph find all that is allowed too, with the scores of all inner products."""
    queries = unit_vectors(20, seed=4)
    allowed = np.arange(120) % share == 0
    depth = int(allowed.sum())
    dense = DenseRanker(None, INDEXES[factory], CODE_OF_ALIAS)
    found, expected = dense.rank_vectors(queries, depth, allowed), best_allowed(queries, allowed, depth)
    np.testing.assert_array_equal(np.sort(found.codes), np.sort(expected.codes))
    np.testing.assert_allclose(found.scores, expected.scores, atol=2e-3)


@pytest.mark.parametrize("factory", FACTORIES)
def test_nothing_is_allowed(factory: str) -> None:
    """Where nothing may be found nothing is, and no score is there."""
    dense = DenseRanker(None, INDEXES[factory], CODE_OF_ALIAS)
    found = dense.rank_vectors(unit_vectors(2, seed=1), 5, np.zeros(120, dtype=np.bool_))
    assert found.codes.tolist() == found.aliases.tolist() == [[NO_CODE] * 5] * 2
    assert np.isneginf(found.scores).all()


@pytest.mark.parametrize("factory", ["Flat", "SQfp16", "IVF4,Flat"])
def test_everything_is_allowed(factory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that lets everything through changes nothing, also where the library applies it."""
    monkeypatch.setattr(subject, "_FEW", 0)
    dense = DenseRanker(None, INDEXES[factory], CODE_OF_ALIAS)
    queries = unit_vectors(5, seed=1)
    found, expected = (
        dense.rank_vectors(queries, 9, np.ones(120, dtype=np.bool_)),
        dense.rank_vectors(queries, 9),
    )
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_array_equal(found.scores, expected.scores)


@pytest.mark.parametrize("factory", ["Flat", "SQfp16"])
@given(depth=st.integers(1, 130), seed=st.integers(0, 50))
def test_depth_does_not_change_the_order(factory: str, depth: int, seed: int) -> None:
    """The first codes are the same however many are asked for."""
    queries = unit_vectors(3, seed)
    dense = DenseRanker(None, INDEXES[factory], CODE_OF_ALIAS)
    everything = dense.rank_vectors(queries, 130)
    np.testing.assert_array_equal(dense.rank_vectors(queries, depth).codes, everything.codes[:, :depth])
    assert (everything.codes[:, :120] != NO_CODE).all()
    assert (everything.codes[:, 120:] == NO_CODE).all()


def test_one_vector_finds_what_many_do() -> None:
    """A single query is multiplied otherwise than many; codes and scores are the same."""
    queries = unit_vectors(20, seed=6)
    together = ranker("Flat").rank_vectors(queries, 10)
    for row in range(20):
        alone = ranker("Flat").rank_vectors(queries[row : row + 1], 10)
        np.testing.assert_array_equal(alone.codes[0], together.codes[row])
        np.testing.assert_allclose(alone.scores[0], together.scores[row], atol=2e-5)


def test_index_that_cannot_leave_codes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that knows no filter finds codes without one; with one it is an error that names others."""
    monkeypatch.setattr(subject, "_FEW", 0)
    dense = ranker("PQ4x4")
    queries = unit_vectors(2, seed=1)
    assert (dense.rank_vectors(queries, 3).codes != NO_CODE).all()
    with pytest.raises(ConfigurationError, match="kind IndexPQ cannot leave codes out; search without"):
        dense.rank_vectors(queries, 3, np.ones(120, dtype=np.bool_))


@pytest.mark.parametrize("factory", ["IVF4,Flat", "HNSW32", "SQfp16", "Flat"])
@pytest.mark.parametrize("code", [0, 60, 119])
def test_single_code_is_always_found(factory: str, code: int) -> None:
    """Where one code of 120 is allowed, every kind of index finds it, by its best alias of five."""
    allowed = np.arange(120) == code
    dense = DenseRanker(None, INDEXES[factory], CODE_OF_ALIAS)
    queries = unit_vectors(20, seed=3)
    found = dense.rank_vectors(queries, 3, allowed)
    assert found.codes.tolist() == [[code, NO_CODE, NO_CODE]] * 20
    own = np.flatnonzero(code == CODE_OF_ALIAS)
    np.testing.assert_array_equal(found.aliases[:, 0], own[(queries @ VECTORS[own].T).argmax(axis=1)])
