"""The near-duplicate search finds what a full comparison finds."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from codisearch.pipelines.curation.params import NearDuplicateParams
from codisearch.pipelines.curation.similarity import near_pairs

PARAMS = NearDuplicateParams(
    ngram_range=(3, 5), duplicate_threshold=0.9, cluster_threshold=0.7, across_languages="link", chunk_size=3
)
WORDS = ["dolor", "dolors", "toracico", "toracica", "agudo", "de", "pecho", "fiebre", "tos", "a", "iam"]


def compare_all(texts: list[str], queries: int, threshold: float) -> dict[tuple[str, str], float]:
    """Return the same by the full matrix."""
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit_transform(texts)
    cosines = (vectors @ vectors.T).toarray().round(6)
    count = range(len(texts))
    return {
        (texts[i], texts[j]): cosines[i, j]
        for i in count[:queries]
        for j in count
        if i < j and cosines[i, j] >= threshold
    }


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join), min_size=2, unique=True),
    st.integers(0, 12),
    st.sampled_from([0.3, 0.6, 0.7, 0.9, 1.0]),
)
def test_same_as_full_comparison(texts: list[str], queries: int, threshold: float) -> None:
    """The search is exact at any threshold and compares no two titles; its rows come in order."""
    found = near_pairs(texts[:queries], texts[queries:], threshold, PARAMS)
    pairs = list(zip(found["left"], found["right"], strict=True))
    expected = compare_all(texts, queries, threshold)
    assert dict(zip(pairs, found["cosine"], strict=True)) == pytest.approx(expected, abs=2e-6)
    assert pairs == list(expected)


def test_word_order_does_not_count() -> None:
    """The same words in another order have cosine 1."""
    found = near_pairs(["dolor agudo", "tos", "agudo dolor"], [], 0.9, PARAMS)
    assert found.to_dict(orient="records") == [{"left": "dolor agudo", "right": "agudo dolor", "cosine": 1.0}]


def test_titles_are_not_compared() -> None:
    """A title that is near to a query and to another title is found with the query alone."""
    found = near_pairs(["dolor agudo"], ["agudo dolor", "dolor, agudo"], 0.9, PARAMS)
    assert found[["left", "right"]].to_numpy().tolist() == [["dolor agudo", "agudo dolor"]]


@pytest.mark.parametrize(
    ("queries", "titles"), [([], []), (["tos"], []), (["tos"], ["fiebre"]), ([], ["tos", "tos ."])]
)
def test_nothing_near(queries: list[str], titles: list[str]) -> None:
    """With nothing to find the table is empty and still has its types."""
    found = near_pairs(queries, titles, 0.5, PARAMS)
    assert found.empty
    assert found.dtypes.map(str).tolist() == ["str", "str", "float64"]
    assert isinstance(found, pd.DataFrame)
