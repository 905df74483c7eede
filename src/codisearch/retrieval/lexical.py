"""Lexical systems: BM25 over words, and TF-IDF over character n-grams."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from codisearch.retrieval.ranking import NO_CODE, Ids, Rankings, Scores, rank_codes
from codisearch.retrieval.static import fold

_QUERIES_AT_ONCE: Final = 64
_WORD: Final = re.compile(r"\w+")


class Bm25:
    """BM25 as in Lucene (bm25s, Lù 2024, https://arxiv.org/abs/2407.03618) over words without accents.

    Args:
        aliases: Texts, one per alias.
        code_of_alias: Position of each alias' code, in code order.
        k1: Saturation of the term frequency.
        b: Weight of the length.
    """

    def __init__(self, aliases: Sequence[str], code_of_alias: Ids, k1: float = 1.2, b: float = 0.75) -> None:
        import bm25s

        self._code_of_alias = code_of_alias
        self._index = bm25s.BM25(k1=k1, b=b)
        self._index.index([_words(alias) for alias in aliases], show_progress=False)

    def rank(self, queries: Sequence[str], depth: int) -> Rankings:
        """Return the first `depth` codes of each query; a code that shares no word with it is not ranked."""
        words = [_words(query) for query in queries]

        def search(rows: Ids, wanted: int) -> tuple[Ids, Scores]:
            return self._search([words[row] for row in rows], wanted)

        return rank_codes(search, len(words), self._code_of_alias, depth)

    def _search(self, queries: Sequence[list[str]], wanted: int) -> tuple[Ids, Scores]:
        """Find the best aliases among those that share a word with the query.

        The library's own search sorts all aliases, of which most score 0, and is many times slower.
        """
        ids = np.full((len(queries), wanted), NO_CODE, np.int64)
        scores = np.full((len(queries), wanted), -np.inf, np.float32)
        for row, words in enumerate(queries):
            if not words:
                continue  # the library cannot score a query without words
            all_scores = self._index.get_scores(words)
            found = np.flatnonzero(all_scores > 0)
            values = all_scores[found].astype(np.float32)
            best = _largest(values, found, wanted)
            ids[row, : len(best)], scores[row, : len(best)] = found[best], values[best]
        return ids, scores


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


class CharTfidf:
    """Cosine of TF-IDF over character 3- to 5-grams inside words, without accents (scikit-learn).

    Args:
        aliases: Texts, one per alias.
        code_of_alias: Position of each alias' code, in code order.
    """

    def __init__(self, aliases: Sequence[str], code_of_alias: Ids) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._code_of_alias = code_of_alias
        self._vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), preprocessor=fold, sublinear_tf=True, dtype=np.float32
        )
        self._matrix = self._vectorizer.fit_transform(aliases).T.tocsr()

    def rank(self, queries: Sequence[str], depth: int) -> Rankings:
        """Return the first `depth` codes of each query; one that shares no n-gram with it is not ranked."""

        def search(rows: Ids, wanted: int) -> tuple[Ids, Scores]:
            return self._search([queries[row] for row in rows], wanted)

        return rank_codes(search, len(queries), self._code_of_alias, depth)

    def _search(self, queries: Sequence[str], wanted: int) -> tuple[Ids, Scores]:
        ids = np.full((len(queries), wanted), NO_CODE, np.int64)
        scores = np.full((len(queries), wanted), -np.inf, np.float32)
        vectors = self._vectorizer.transform(queries)
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            product = (vectors[start : start + _QUERIES_AT_ONCE] @ self._matrix).tocsr()
            for row in range(product.shape[0]):
                found = slice(product.indptr[row], product.indptr[row + 1])
                values, columns = product.data[found], product.indices[found]
                best = _largest(values, columns, wanted)
                ids[start + row, : len(best)] = columns[best]
                scores[start + row, : len(best)] = values[best]
        return ids, scores


def _largest(values: Scores, columns: npt.NDArray[np.integer[Any]], wanted: int) -> Ids:
    """Return the positions of the largest values, ties in the order of the columns."""
    if len(values) > wanted:
        smallest = np.partition(values, -wanted)[-wanted]
        above = np.flatnonzero(values > smallest)
        level = np.flatnonzero(values == smallest)
        level = level[np.argsort(columns[level], kind="stable")][: wanted - len(above)]
        return np.concatenate([above, level])
    return np.arange(len(values))
