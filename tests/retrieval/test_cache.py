"""The cache of embeddings."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from codisearch.errors import StorageError
from codisearch.retrieval import cache as cache_module
from codisearch.retrieval.cache import EmbeddingCache


class Encoder:
    """Counts what it encodes; a text becomes the unit vector that its length says."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.seen += texts
        return np.eye(8, dtype=np.float32)[[len(text) for text in texts]]


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    """Return a cache in a folder that does not exist yet."""
    return EmbeddingCache(tmp_path / "cache")


def test_second_call_encodes_nothing(cache: EmbeddingCache) -> None:
    """The same texts, in any order, come from the disk, in the order that was asked for."""
    first = cache.vectors("m", ["a", "bb"], Encoder())
    encoder = Encoder()
    second = cache.vectors("m", ["bb", "a", "bb"], encoder)
    assert (first.encoded, second.encoded, encoder.seen) == (2, 0, [])
    np.testing.assert_array_equal(second.vectors, np.eye(8)[[2, 1, 2]])
    assert second.vectors.dtype == np.float32


def test_only_what_changed_is_encoded(cache: EmbeddingCache) -> None:
    """One changed text of three is encoded, and the rows stay in the order of the texts."""
    cache.vectors("m", ["a", "bb", "ccc"], Encoder())
    encoder = Encoder()
    found = cache.vectors("m", ["a", "dddd", "ccc"], encoder)
    assert encoder.seen == ["dddd"]
    np.testing.assert_array_equal(found.vectors, np.eye(8)[[1, 4, 3]])


def test_repeats_are_encoded_once(cache: EmbeddingCache) -> None:
    """A text that stands three times goes through the encoder once."""
    encoder = Encoder()
    found = cache.vectors("m", ["a", "a", "a"], encoder)
    assert encoder.seen == ["a"]
    assert found.encoded == 1
    assert found.vectors.shape == (3, 8)


def test_models_are_apart(cache: EmbeddingCache) -> None:
    """Another model's fingerprint finds nothing."""
    cache.vectors("m", ["a"], Encoder())
    assert cache.vectors("n", ["a"], Encoder()).encoded == 1


def test_no_texts(cache: EmbeddingCache) -> None:
    """No texts give no rows and write nothing."""
    assert len(cache.vectors("m", [], Encoder()).vectors) == 0
    assert not cache.folder.exists()


def test_half_precision(cache: EmbeddingCache) -> None:
    """Vectors are kept in half precision: within 0.001 of what was encoded."""
    vectors = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cache.vectors("m", ["a", "b"], lambda _: vectors)
    np.testing.assert_allclose(cache.vectors("m", ["a", "b"], Encoder()).vectors, vectors, atol=1e-3)


@pytest.mark.parametrize("name", ["keys.npy", "vectors.npy"])
@pytest.mark.parametrize("content", [b"", b"broken", None], ids=["empty", "broken", "missing"])
def test_corrupted_folder_counts_as_empty(cache: EmbeddingCache, name: str, content: bytes | None) -> None:
    """A file that is empty, broken or missing costs a new encoding, nothing else, and is mended by it."""
    cache.vectors("m", ["a"], Encoder())
    file = cache.folder / "m" / name
    file.unlink() if content is None else file.write_bytes(content)
    assert cache.vectors("m", ["a"], Encoder()).encoded == 1
    assert cache.vectors("m", ["a"], Encoder()).encoded == 0


def test_files_of_different_length_count_as_empty(cache: EmbeddingCache) -> None:
    """Keys and vectors that do not belong together are not used."""
    cache.vectors("m", ["a", "bb"], Encoder())
    np.save(cache.folder / "m" / "vectors.npy", np.zeros((1, 8), np.float16))
    found = cache.vectors("m", ["a", "bb"], Encoder())
    assert found.encoded == 2
    np.testing.assert_array_equal(found.vectors, np.eye(8)[[1, 2]])


def test_least_recently_used_go_first(cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for two models, the third drives out the one that was not used since."""
    monkeypatch.setattr(cache_module, "_KEPT_MODELS", 2)
    for age, model in enumerate(["old", "used"]):
        cache.vectors(model, ["a"], Encoder())
        os.utime(cache.folder / model, (age, age))
    cache.vectors("old", ["a"], Encoder())  # counts as a use
    cache.vectors("new", ["a"], Encoder())
    assert sorted(path.name for path in cache.folder.iterdir()) == ["new", "old"]


def test_full_disk_keeps_the_cache(cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails for lack of space is a storage error, and what was cached is still there."""
    cache.vectors("m", ["a"], Encoder())

    def fail(*_: object) -> None:
        raise OSError("1000 requested and 10 written")  # as numpy says it

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", fail)
        with pytest.raises(StorageError, match="No space left"):
            cache.vectors("m", ["bb"], Encoder())
    assert cache.vectors("m", ["a"], Encoder()).encoded == 0
