"""Pairs of texts whose character n-gram TF-IDF cosine reaches a threshold, without the full matrix.

Comparing every text with every other is quadratic, and common n-grams make even the sparse product slow.
Prefix filtering (Bayardo, Ma and Srikant, "Scaling up all pairs similarity search", WWW 2007) keeps the
search exact and quick: with n-grams ordered from rare to common, cut each unit vector where the norm of the
rest falls below half the threshold. The rests add less than that to a cosine, so two texts reach the
threshold only if their rare parts, before the cut, make up the other half.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from codisearch.pipelines.curation.params import NearDuplicateParams

_DECIMALS = 6
_TOLERANCE = 0.5 * 10**-_DECIMALS  # cosines are compared as they are written, rounded
_CANDIDATES_AT_ONCE = 50_000


def near_pairs(
    queries: Sequence[str], titles: Sequence[str], threshold: float, params: NearDuplicateParams
) -> pd.DataFrame:
    """Return the pairs of two queries, or of a query and a title, whose cosine is at least `threshold`.

    Titles are not compared with each other: they are many, and alike by nature.

    Args:
        queries: Distinct queries in their normal form.
        titles: Distinct titles in their normal form, none of them among the queries.
        threshold: Least cosine.
        params: Length of the n-grams and number of rows at a time.

    Returns:
        Columns `left` (a query) and `right` (a later query or a title) and `cosine`, in the order of
        queries, then titles.
    """
    texts = [*queries, *titles]
    matrix = _vectors(texts, params) if texts else sparse.csr_array((0, 1))
    rows, cosines = [np.empty((0, 2), dtype=np.int64)], [np.empty(0)]
    for candidates in _candidates(matrix, len(queries), threshold, params.chunk_size):
        cosine = _cosines(matrix, candidates)
        near = cosine >= threshold - _TOLERANCE
        rows.append(candidates[near])
        cosines.append(cosine[near])
    return _table(texts, np.concatenate(rows), np.concatenate(cosines))


def _table(
    texts: Sequence[str], rows: npt.NDArray[np.int64], cosines: npt.NDArray[np.float64]
) -> pd.DataFrame:
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    names = pd.Series(list(texts), dtype=str)
    left, right = (names.iloc[rows[order, end]].reset_index(drop=True) for end in (0, 1))
    return pd.DataFrame({"left": left, "right": right, "cosine": cosines[order]})


def _vectors(texts: Sequence[str], params: NearDuplicateParams) -> sparse.csr_array:
    """Return one unit row per text, its columns from the rarest n-gram to the most common."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=params.ngram_range, sublinear_tf=True)
    matrix = sparse.csr_array(vectorizer.fit_transform(texts))
    frequency = np.bincount(matrix.indices, minlength=matrix.shape[1])
    rank = np.empty_like(frequency)
    rank[np.argsort(frequency, kind="stable")] = np.arange(len(frequency))
    ordered = sparse.csr_array((matrix.data, rank[matrix.indices], matrix.indptr), shape=matrix.shape)
    ordered.sort_indices()
    return ordered


def _rare_part(matrix: sparse.csr_array, cut: float) -> sparse.csr_array:
    """Return each row up to where the norm of what follows falls below `cut`."""
    squares = np.concatenate(([0.0], np.cumsum(matrix.data**2)))
    starts = np.repeat(squares[matrix.indptr[:-1]], np.diff(matrix.indptr))
    keep = 1 - (squares[:-1] - starts) >= (cut - _TOLERANCE) ** 2 - _TOLERANCE
    indptr = np.concatenate(([0], np.cumsum(keep)))[matrix.indptr]
    return sparse.csr_array((matrix.data[keep], matrix.indices[keep], indptr), shape=matrix.shape)


def _candidates(
    matrix: sparse.csr_array, queries: int, threshold: float, chunk_size: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the pairs of one of the first `queries` rows and a later row that may reach the threshold."""
    cut = threshold / 2
    rare = _rare_part(matrix, cut)
    columns = rare.T.tocsr()
    for start in range(0, queries, chunk_size):
        shared = (rare[start : min(start + chunk_size, queries)] @ columns).tocoo()
        enough = shared.data >= threshold - cut - _TOLERANCE
        pairs = np.column_stack([shared.row[enough].astype(np.int64) + start, shared.col[enough]])
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        for begin in range(0, len(pairs), _CANDIDATES_AT_ONCE):
            yield pairs[begin : begin + _CANDIDATES_AT_ONCE]


def _cosines(matrix: sparse.csr_array, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the rounded cosine of each pair of rows."""
    products = matrix[rows[:, 0]].multiply(matrix[rows[:, 1]])
    cosines: npt.NDArray[np.float64] = np.asarray(products.sum(axis=1), dtype=np.float64)
    return cosines.round(_DECIMALS)
