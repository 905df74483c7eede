"""The dense index: unit vectors of all aliases in FAISS, read as codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from codisearch.errors import BundleError, ConfigurationError
from codisearch.retrieval.encoder import Vectors, encode
from codisearch.retrieval.ranking import NO_CODE, Ids, Mask, Rankings, Scores, rank_codes

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_QUERIES_AT_ONCE: Final = 256
_DIGITS: Final = 5
_FEW: Final = 20_000
"""So few allowed entries of an approximate index are compared one by one: it would miss most of them."""
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


def search_index(
    index: Any,  # noqa: ANN401
    vectors: Vectors,
    wanted: int,
    allowed: Mask | None = None,
) -> tuple[Scores, Ids]:
    """Return scores and positions of the `wanted` best entries for each vector, (vectors, wanted) each.

    Over an exact index this is one product of matrices, for which torch takes a fraction of the time of the
    library's own search (docs/decisions/0012); everything else is the library's.

    Args:
        index: FAISS index for inner products.
        vectors: (queries, dimension).
        wanted: How many entries; places that cannot be filled have position -1 and score -inf.
        allowed: Which entries may be found; None: all.

    Raises:
        ConfigurationError: If some entries are not allowed and this kind of index cannot leave them out.
    """
    import faiss

    exact: Any = faiss.downcast_index(index)
    if not isinstance(exact, faiss.IndexFlat) or exact.metric_type != faiss.METRIC_INNER_PRODUCT:
        if allowed is not None and allowed.sum() <= _FEW:
            return _compare(vectors, index.reconstruct_batch(np.flatnonzero(allowed)), wanted, allowed)
        scores, ids = index.search(vectors, wanted, params=_search_parameters(index, wanted, allowed))
        return np.where(ids == NO_CODE, -np.inf, scores).astype(np.float32), ids.astype(np.int64)
    entries = faiss.rev_swig_ptr(exact.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)
    return _compare(vectors, entries, wanted, allowed)


def _compare(vectors: Vectors, entries: Vectors, wanted: int, allowed: Mask | None) -> tuple[Scores, Ids]:
    """Compare vectors with entries one by one; `entries` are all of the index, or those that are allowed."""
    asked, all_ = torch.from_numpy(vectors), torch.from_numpy(entries)
    # One vector is faster as such than as a matrix of one row.
    products = (all_ @ asked[0])[None] if len(vectors) == 1 else asked @ all_.T
    places = None if allowed is None or len(allowed) == len(entries) else np.flatnonzero(allowed)
    if allowed is not None and places is None:
        products = products.masked_fill(~torch.from_numpy(allowed), -torch.inf)
    best = torch.topk(products, min(wanted, len(entries)), dim=1)
    scores = np.full((len(vectors), wanted), -np.inf, np.float32)
    ids = np.full((len(vectors), wanted), NO_CODE, np.int64)
    found = best.indices.numpy() if places is None else places[best.indices.numpy()]
    scores[:, : found.shape[1]], ids[:, : found.shape[1]] = best.values, found
    return scores, np.where(np.isneginf(scores), NO_CODE, ids)


def _search_parameters(index: Any, wanted: int, allowed: Mask | None) -> Any:  # noqa: ANN401
    """Return what the library's search takes: how far it looks, and what it may find."""
    import faiss as library

    faiss: Any = library  # its type stubs lack what is used here
    selector = None if allowed is None else faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    if inverted := faiss.try_extract_index_ivf(index):
        inner = faiss.SearchParametersIVF(sel=selector, nprobe=inverted.nprobe)
        is_inside = isinstance(faiss.downcast_index(index), faiss.IndexPreTransform)
        return faiss.SearchParametersPreTransform(index_params=inner) if is_inside else inner
    kind = faiss.downcast_index(index)
    if isinstance(kind, faiss.IndexHNSW):
        return faiss.SearchParametersHNSW(sel=selector, efSearch=max(kind.hnsw.efSearch, wanted))
    if selector is None:
        return None
    if isinstance(kind, (faiss.IndexFlat, faiss.IndexScalarQuantizer)):
        return faiss.SearchParameters(sel=selector)
    raise ConfigurationError(
        f"An index of the kind {type(kind).__name__} cannot leave codes out; search without billable_only, "
        "chapter and under, or make the bundle with index: Flat, SQfp16, HNSW32 or IVF256,SQ8."
    )


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

    def rank_vectors(self, vectors: Vectors, depth: int, allowed: Mask | None = None) -> Rankings:
        """Return the first `depth` codes of each query vector, of shape (queries, dimension).

        Scores are rounded, so that equal aliases nearly always score equally wherever they stand.

        Args:
            vectors: (queries, dimension).
            depth: Codes to return.
            allowed: (codes,) which codes may be found; None: all.
        """
        of_aliases = None if allowed is None else allowed[self.code_of_alias]

        def search(rows: Ids, wanted: int) -> tuple[Ids, Scores]:
            parts = [
                search_index(self.index, vectors[rows[start : start + _QUERIES_AT_ONCE]], wanted, of_aliases)
                for start in range(0, len(rows), _QUERIES_AT_ONCE)
            ]
            scores, ids = (np.concatenate(part) for part in zip(*parts, strict=True))
            return ids, scores.round(_DIGITS)

        return rank_codes(search, len(vectors), self.code_of_alias, depth)

    def similarities(self, vector: Scores, aliases: Ids) -> Scores:
        """Return the inner product of one query vector with each of these aliases' vectors."""
        scores: Scores = self.index.reconstruct_batch(aliases) @ vector
        return scores
