"""Hits out of rankings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.codebook import Codebook, TypedCode
from codisearch.retrieval.confident import ConfidentRankings
from codisearch.retrieval.hits import ABOUT_EQUAL, HitBuilder
from codisearch.retrieval.index import DenseRanker, build_faiss
from codisearch.retrieval.queries import SearchOptions
from codisearch.retrieval.ranking import NO_CODE, Rankings

ALIASES = [
    ("Type 2 diabetes mellitus", "en", 2, 0),
    ("diabetes tipo 2", "es", 6, 10),
    ("DM2", "es", 6, 20),
    ("type 2 diabetes", "en", 6, 2),
    ("diabete tipo 2", "it", 6, 60),
    ("hypertension", "en", 7, 90),
]
"""Text, language, position of its code (2 is E11, 6 is E11.9, 7 is I10), angle of its vector in degrees."""
QUERY = np.array([1.0, 0.0], dtype=np.float32)


@pytest.fixture(scope="module")
def builder(tiny_bundle: Bundle) -> HitBuilder:
    """Return a builder over six aliases whose vectors lie in a plane."""
    frame = pd.DataFrame(ALIASES, columns=["alias", "language", "code", "angle"])
    angles = np.radians(frame["angle"].to_numpy())
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    book = Codebook(tiny_bundle.codes, tiny_bundle.titles, tiny_bundle.confusables, "tiny")
    first = DenseRanker(None, build_faiss(vectors, "Flat"), frame["code"].to_numpy())
    return HitBuilder(book, first, frame.assign(source="query"))


def rankings_of(codes: list[int], aliases: list[int]) -> ConfidentRankings:
    """Return the rankings of a second query, of which the first has none."""
    width = len(codes)
    empty = Rankings.empty(2, width)
    empty.codes[1], empty.aliases[1] = codes, aliases
    empty.scores[1] = np.linspace(0.98765, 0.5, width)
    chances = np.zeros((2, width))
    chances[1] = np.linspace(0.123456, 0.1, width)
    first, second = np.zeros((2, width), dtype=np.int64), np.zeros((2, width), dtype=np.int64)
    first[1], second[1] = range(width, 0, -1), range(width)
    return ConfidentRankings(empty, chances, first, second)


def test_hits(builder: HitBuilder) -> None:
    """A hit holds what the row of its query says of it, numbers rounded to four digits."""
    one, two = builder.of_ranking(rankings_of([6, 7], [3, 5]), 1, QUERY, SearchOptions())
    assert (one.code, one.rank, one.first_rank, one.second_rank) == ("E11.9", 1, 2, None)
    assert (two.code, two.rank, two.first_rank, two.second_rank) == ("I10", 2, 1, 1)
    assert (one.probability, two.probability) == (0.1235, 0.1)
    assert (one.score, two.score) == (0.9876, 0.5)  # the nearest single precision number is below .98765
    assert (one.alias, one.alias_language, one.alias_source) == ("type 2 diabetes", "en", "query")
    assert (one.path, one.billable, one.chapter) == (("E11",), True, "E")
    assert {type(value) for value in (one.score, one.probability)} == {float}
    assert {type(value) for value in (two.rank, two.first_rank, two.second_rank)} == {int}


def test_only_as_many_as_there_are(builder: HitBuilder) -> None:
    """Hits end where codes end, and at the number that was asked for."""
    rankings = rankings_of([6, 7, NO_CODE], [3, 5, NO_CODE])
    for top, number in ((1, 1), (2, 2), (3, 2), (100, 2)):
        assert len(builder.of_ranking(rankings, 1, QUERY, SearchOptions(top=top))) == number
    assert builder.of_ranking(rankings, 0, QUERY, SearchOptions()) == []


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (None, "type 2 diabetes"),
        ("en", "type 2 diabetes"),
        ("es", "diabetes tipo 2"),  # cos 2 - cos 10 = .9994 - .9848: about equal
        ("it", "type 2 diabetes"),  # cos 60 is .5
        ("fr", "type 2 diabetes"),  # no such alias
    ],
)
def test_alias_in_the_asked_language(builder: HitBuilder, language: str | None, shown: str) -> None:
    """Of aliases that match about equally well, that in the asked language is shown; the score stays."""
    (hit,) = builder.of_ranking(rankings_of([6], [3]), 1, QUERY, SearchOptions(language=language))
    assert (hit.alias, hit.score) == (shown, 0.9876)


@pytest.mark.parametrize("degrees", [0, 5, 15, 30, 80])
@pytest.mark.parametrize("language", ["en", "es", "it", "pt"])
def test_alias_is_the_best_that_may_be_shown(builder: HitBuilder, degrees: int, language: str) -> None:
    """From wherever the query comes, the alias is that of a search by hand."""
    family = [(text, its, angle) for text, its, code, angle in ALIASES if code == 6]
    cosine = {text: float(np.cos(np.radians(angle - degrees))) for text, _its, angle in family}
    best = max(cosine, key=cosine.__getitem__)
    near = [
        text for text, its, _angle in family if its == language and cosine[text] >= cosine[best] - ABOUT_EQUAL
    ]
    is_best_asked = any(text == best and its == language for text, its, _angle in family)
    expected = best if is_best_asked or not near else max(near, key=cosine.__getitem__)
    vector = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], dtype=np.float32)
    place = [text for text, *_ in ALIASES].index(best)
    (hit,) = builder.of_ranking(rankings_of([6], [place]), 1, vector, SearchOptions(language=language))
    assert hit.alias == expected


def test_titles(builder: HitBuilder) -> None:
    """The title is in the display language where there is one; the official one is beside it."""
    rankings = rankings_of([7, 6], [5, 3])
    spanish, english = builder.of_ranking(rankings, 1, QUERY, SearchOptions(display_language="es"))
    assert (spanish.title, spanish.title_language) == ("Hipertensión esencial (primaria)", "es")
    assert spanish.official_title == "Essential (primary) hypertension"
    assert (english.title, english.title_language) == (english.official_title, "en")


def test_typed_code(builder: HitBuilder) -> None:
    """The code that was typed is certain, what is shown with it is not, and no stage ranked them."""
    options = SearchOptions(top=2, display_language="es")
    hits = builder.of_typed_code(TypedCode("E11", ("E11", "E11.2", "E11.21")), options)
    assert [(hit.code, hit.rank, hit.probability, hit.score) for hit in hits] == [
        ("E11", 1, 1.0, 1.0),
        ("E11.2", 2, 0.0, 0.0),
    ]
    assert {(hit.first_rank, hit.second_rank, hit.alias_source, hit.alias_language) for hit in hits} == {
        (None, None, "code", "")
    }
    assert [hit.alias for hit in hits] == ["E11", "E11.2"]


def test_nearest_of_an_unknown_code(builder: HitBuilder) -> None:
    """Where the code that was typed does not exist nothing is certain."""
    hits = builder.of_typed_code(TypedCode(None, ("E11", "E11.2")), SearchOptions())
    assert [hit.probability for hit in hits] == [0.0, 0.0]
    assert builder.of_typed_code(TypedCode(None, ()), SearchOptions()) == []


def test_aliases_stand_in_the_order_of_the_index(builder: HitBuilder) -> None:
    """Text, language and source of each alias can be read by its number."""
    assert builder.aliases[1] == ("diabetes tipo 2", "es", "query")
    assert len(builder.aliases) == len(ALIASES)


def test_hits_are_values(builder: HitBuilder) -> None:
    """Two builds of the same ranking are equal, and a hit cannot be changed."""
    one, two = (builder.of_ranking(rankings_of([6], [3]), 1, QUERY, SearchOptions()) for _ in range(2))
    assert one == two
    assert replace(one[0], rank=2) != one[0]
    with pytest.raises(AttributeError):
        one[0].rank = 2
