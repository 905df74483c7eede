"""The dense index: unit vectors of all aliases in FAISS, read as codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from codisearch.errors import BundleError, ConfigurationError
from codisearch.retrieval.encoder import Vectors, encode
from codisearch.retrieval.ranking import Ids, Rankings, Scores, rank_codes

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_QUERIES_AT_ONCE: Final = 256
_MATRIX_FROM: Final = 16
"""Vectors from which on a product of matrices is worth its overhead."""
_LISTS_PER_PROBE: Final = 16
"""An inverted-file index looks into one of so many of its lists; the library's default is a single list."""


def build_faiss(vectors: Vectors, factory: str) -> Any:  # noqa: ANN401
    """Return a FAISS index of unit vectors for inner products.

    Args:
        vectors: (aliases, dimension) unit vectors.
        factory: FAISS factory string: `Flat` (exact), `SQfp16` (exact but for half precision, half the size),
            `HNSW32`, `IVF256,SQ8` ...

    Raises:
        ConfigurationError: If FAISS does not know the string, or cannot train it on so few vectors.
    """
    import faiss

    try:
        index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise ConfigurationError(
            f"FAISS knows no index {factory!r}; try Flat, SQfp16, HNSW32 or IVF256,SQ8."
        ) from error
    try:
        index.train(vectors)
    except RuntimeError as error:
        raise ConfigurationError(
            f"The index {factory!r} cannot be trained on {len(vectors)} vectors; Flat and SQfp16 always can."
        ) from error
    index.add(vectors)
    if inverted := faiss.try_extract_index_ivf(index):
        inverted.nprobe = max(1, inverted.nlist // _LISTS_PER_PROBE)
        inverted.make_direct_map()
    return index


def write_faiss(index: Any, path: Path) -> None:  # noqa: ANN401
    """Write a FAISS index to a file."""
    import faiss

    path.write_bytes(faiss.serialize_index(index).tobytes())


def read_faiss(path: Path) -> Any:  # noqa: ANN401
    """Read a FAISS index from a file.

    Raises:
        BundleError: If the file is no FAISS index.
    """
    import faiss

    try:
        return faiss.deserialize_index(np.fromfile(path, dtype=np.uint8))
    except (OSError, RuntimeError) as error:
        raise BundleError(f"{path} is no FAISS index: {error}") from error


def search_index(index: Any, vectors: Vectors, wanted: int) -> tuple[Scores, Ids]:  # noqa: ANN401
    """Return scores and positions of the `wanted` best entries for each vector, (vectors, wanted) each.

    Many vectors over an exact index are one product of matrices, for which torch takes a fraction of the time
    of the library's own search (docs/decisions/0012); everything else is the library's.
    """
    import faiss

    exact: Any = faiss.downcast_index(index)
    is_exact = isinstance(exact, faiss.IndexFlat) and exact.metric_type == faiss.METRIC_INNER_PRODUCT
    if len(vectors) < _MATRIX_FROM or not is_exact or index.ntotal < wanted:
        scores, ids = index.search(vectors, wanted)
        return scores, ids.astype(np.int64)
    entries = faiss.rev_swig_ptr(exact.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)
    best = torch.topk(torch.from_numpy(vectors) @ torch.from_numpy(entries).T, wanted, dim=1)
    return best.values.numpy(), best.indices.numpy()


@dataclass(frozen=True)
class DenseRanker:
    """Ranks codes by the best inner product of the query's vector with one of their aliases' vectors.

    Attributes:
        model: The bi-encoder.
        index: FAISS index of the aliases' vectors, in alias order.
        code_of_alias: Position of each alias' code, in code order.
    """

    model: "SentenceTransformer"
    index: Any
    code_of_alias: Ids

    def rank(self, queries: Sequence[str], depth: int) -> Rankings:
        """Return the first `depth` codes of each query."""
        return self.rank_vectors(encode(self.model, queries, role="query"), depth)

    def rank_vectors(self, vectors: Vectors, depth: int) -> Rankings:
        """Return the first `depth` codes of each query vector, of shape (queries, dimension)."""

        def search(rows: Ids, wanted: int) -> tuple[Ids, Scores]:
            parts = [
                search_index(self.index, vectors[rows[start : start + _QUERIES_AT_ONCE]], wanted)
                for start in range(0, len(rows), _QUERIES_AT_ONCE)
            ]
            scores, ids = (np.concatenate(part) for part in zip(*parts, strict=True))
            return ids, scores

        return rank_codes(search, len(vectors), self.code_of_alias, depth)

    def similarities(self, vector: Scores, aliases: Ids) -> Scores:
        """Return the inner product of one query vector with each of these aliases' vectors."""
        scores: Scores = self.index.reconstruct_batch(aliases) @ vector
        return scores
