"""Lexical systems on corpora small enough to work out by hand."""

import math

import numpy as np
import pytest

from codisearch.retrieval.lexical import Bm25, CharTfidf
from codisearch.retrieval.ranking import NO_CODE

CORPUS = ["Dolor torácico", "dolor de garganta", "asma"]
SYSTEMS = [Bm25, CharTfidf]


def test_bm25_by_hand() -> None:
    """The scores are those of BM25 with k1 = 1.2 and b = 0.75 over lengths 2, 3 and 1, whose mean is 2."""
    found = Bm25(CORPUS, np.arange(3)).rank(["toracico DOLOR"], 3)
    dolor, toracico = math.log(1 + 1.5 / 2.5), math.log(1 + 2.5 / 1.5)
    first = (dolor + toracico) / (1 + 1.2 * (0.25 + 0.75 * 2 / 2))
    second = dolor / (1 + 1.2 * (0.25 + 0.75 * 3 / 2))
    assert found.codes.tolist() == [[0, 1, NO_CODE]]
    assert found.scores[0, :2] == pytest.approx([first, second], abs=1e-5)


def test_char_tfidf_by_hand() -> None:
    """`gotas` has six n-grams in common with the nine of `gota`, all of one weight: cosine sqrt(6) / 3."""
    found = CharTfidf(["gato", "gota"], np.arange(2)).rank(["gotas", "GOTA"], 2)
    assert found.codes.tolist() == [[1, NO_CODE], [1, NO_CODE]]
    assert found.scores[:, 0] == pytest.approx([math.sqrt(6) / 3, 1.0], abs=1e-6)


@pytest.mark.parametrize("system", SYSTEMS)
def test_accents_and_case_do_not_matter(system: type[Bm25 | CharTfidf]) -> None:
    """A query with and without accents has the same ranking and scores."""
    found = system(CORPUS, np.arange(3)).rank(["Torácico", "toracico"], 3)
    assert found.codes[0].tolist() == found.codes[1].tolist() == [0, NO_CODE, NO_CODE]
    assert found.scores[0].tolist() == found.scores[1].tolist()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("query", ["xyzzy", "?!", ""])
def test_nothing_in_common(system: type[Bm25 | CharTfidf], query: str) -> None:
    """A query that shares nothing with any alias ranks nothing."""
    found = system(CORPUS, np.arange(3)).rank([query, "asma"], 2)
    assert found.codes.tolist() == [[NO_CODE, NO_CODE], [2, NO_CODE]]


@pytest.mark.parametrize("system", SYSTEMS)
def test_aliases_of_one_code(system: type[Bm25 | CharTfidf]) -> None:
    """Two aliases of a code rank it once, with the better of them."""
    found = system(["asma alérgica", "asma", "tos"], np.array([0, 0, 1])).rank(["asma"], 2)
    assert found.codes.tolist() == [[0, NO_CODE]]
    assert found.aliases[0, 0] == 1


@pytest.mark.parametrize("system", SYSTEMS)
def test_many_aliases_of_one_code(system: type[Bm25 | CharTfidf]) -> None:
    """A code whose aliases fill the list of those looked at does not hide the next code."""
    aliases = ["asma"] * 30 + ["asma alérgica de la infancia", "tos"]
    found = system(aliases, np.array([0] * 30 + [1, 2])).rank(["asma"], 2)
    assert found.codes.tolist() == [[0, 1]]


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_queries(system: type[Bm25 | CharTfidf]) -> None:
    """No queries give no rankings."""
    assert system(CORPUS, np.arange(3)).rank([], 2).codes.shape == (0, 2)


def test_more_queries_than_are_multiplied_at_once() -> None:
    """Each of many queries has its own ranking, wherever it stands in the batch."""
    queries = [CORPUS[number % 3] for number in range(150)]
    found = CharTfidf(CORPUS, np.arange(3)).rank(queries, 1)
    assert found.codes[:, 0].tolist() == [number % 3 for number in range(150)]


def test_char_tfidf_ties_in_alias_order() -> None:
    """Of equal aliases beyond those looked at, the first are kept."""
    found = CharTfidf(["asma"] * 20 + ["tos"], np.arange(21)).rank(["asma"], 2)
    assert found.codes.tolist() == [[0, 1]]
