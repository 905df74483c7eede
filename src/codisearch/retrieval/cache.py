"""Embeddings by text and model, kept on disk, so that only what changed is encoded again."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from codisearch.files import replace_folder
from codisearch.retrieval.encoder import Vectors

_KEPT_MODELS: Final = 6
_KEY_BYTES: Final = 16


@dataclass(frozen=True)
class CachedVectors:
    """Vectors of texts, with how many had to be encoded.

    Attributes:
        vectors: (texts, dimension), float32, unit length up to half precision.
        encoded: How many texts were not in the cache.
    """

    vectors: Vectors
    encoded: int


@dataclass(frozen=True)
class EmbeddingCache:
    """A folder of vectors in half precision, one sub-folder a model; the least recently used go first."""

    folder: Path

    def vectors(
        self, model_key: str, texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors]
    ) -> CachedVectors:
        """Return the vectors of `texts`, encoding only those that this model has not met.

        Args:
            model_key: Fingerprint of the model that `encode` uses.
            texts: Any number of texts; repeats are encoded once.
            encode: Returns (texts, dimension) unit vectors.

        Raises:
            StorageError: If the disk is full; the cache stays as it was.
        """
        place = self.folder / model_key
        known_keys, known = _read(place)
        position = {bytes(key): number for number, key in enumerate(known_keys)}
        keys = [_key(text) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in position}
        if missing:
            new = encode(list(missing.values())).astype(np.float16)
            position |= {key: len(known) + number for number, key in enumerate(missing)}
            known = np.concatenate([known, new]) if len(known) else new
            self._write(place, np.array([list(key) for key in position], dtype=np.uint8), known)
        elif place.exists():
            place.touch()
        rows = known[[position[key] for key in keys]].astype(np.float32)
        return CachedVectors(rows, len(missing))

    def _write(self, place: Path, keys: npt.NDArray[np.uint8], vectors: npt.NDArray[np.float16]) -> None:
        with replace_folder(place) as aside:
            np.save(aside / "keys.npy", keys)
            np.save(aside / "vectors.npy", vectors)
        models = sorted(
            (path for path in self.folder.iterdir() if path.is_dir()),
            key=lambda path: path.stat().st_mtime,
            reverse=True,
        )
        for stale in models[_KEPT_MODELS:]:
            shutil.rmtree(stale, ignore_errors=True)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).digest()


def _read(place: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    """Return keys and vectors of a model; a folder that cannot be read counts as empty."""
    try:
        keys = np.load(place / "keys.npy", allow_pickle=False)
        vectors = np.load(place / "vectors.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return np.zeros((0, _KEY_BYTES), np.uint8), np.zeros((0, 0), np.float16)
    if len(keys) != len(vectors):
        return np.zeros((0, _KEY_BYTES), np.uint8), np.zeros((0, 0), np.float16)
    return keys, vectors
