"""Completions of what is being typed."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.retrieval.answers import Suggestion
from codisearch.retrieval.codebook import Codebook
from codisearch.retrieval.static import fold
from codisearch.retrieval.suggestions import Suggester, Text

CODES = [
    ("E11", "", "Type 2 diabetes mellitus", False),
    ("E11.2", "E11", "Type 2 diabetes mellitus with kidney complications", False),
    ("E11.21", "E11.2", "Type 2 diabetes mellitus with diabetic nephropathy", True),
    ("E11.9", "E11", "Type 2 diabetes mellitus without complications", True),
    ("I10", "", "Essential (primary) hypertension", True),
    ("R07", "", "Pain in throat and chest", False),
    ("R07.9", "R07", "Chest pain, unspecified", True),
]
TEXTS = [
    ("Type 2 diabetes mellitus", "E11", "en"),
    ("Type 2 diabetes mellitus without complications", "E11.9", "en"),
    ("diabetes tipo 2", "E11.9", "es"),
    ("diabetes del adulto", "E11.9", "es"),
    ("diabète de type 2", "E11.9", "fr"),
    ("Nefropatía diabética", "E11.21", "es"),
    ("Neuropatía periférica", "R07.9", "es"),
    ("Hipertensión arterial", "I10", "es"),
    ("hipertensión arterial", "I10", "es"),
    ("Ipertensione", "I10", "it"),
    ("Pressió arterial alta", "I10", "ca"),
    ("dolor torácico", "R07.9", "es"),
    ("dolor en el tórax", "R07.9", "es"),
    ("Chest pain, unspecified", "R07.9", "en"),
    ("Pain in throat and chest", "R07", "en"),
    ("COVID-19", "R07.9", "en"),
]
WORD = re.compile(r"\w+")


def make() -> Suggester:
    """Return a suggester of the texts above; one of its codes has a Spanish title."""
    empty = [[] for _ in CODES]
    codes = pd.DataFrame(CODES, columns=["code", "parent", "title", "billable"])
    titles = pd.DataFrame([("R07.9", "es", "Dolor en el pecho")], columns=["code", "language", "title"])
    confusables = pd.DataFrame([], columns=["code", "confusable", "qualifier", "difference"])
    filled = codes.assign(chapter="01", inclusion_terms=empty, excludes=empty)
    book = Codebook(filled, titles, confusables, "2026")
    return Suggester(book, [Text(text, book.positions[code], language) for text, code, language in TEXTS])


SUGGESTER = make()


def texts(typed: str, language: str | None = None, top: int = 10) -> list[str]:
    """Return the texts of the completions."""
    return [one.text for one in SUGGESTER.suggest(typed, language, top)]


def test_suggestion() -> None:
    """A completion has the text as it is written, its language, and its code with a title to show."""
    assert SUGGESTER.suggest("tora", "es", 1) == [
        Suggestion("dolor torácico", "R07.9", "Dolor en el pecho", True, "es")
    ]
    assert SUGGESTER.suggest("tora", None, 1)[0].title == "Chest pain, unspecified"


@pytest.mark.parametrize(
    ("typed", "language", "expected"),
    [
        ("dolor", "es", ["dolor torácico", "dolor en el tórax"]),  # short before long
        ("dolor tor", "es", ["dolor torácico", "dolor en el tórax"]),  # of which the first begins so
        ("dolor e", "es", ["dolor en el tórax"]),
        ("TÓRAX dol", "es", ["dolor en el tórax"]),  # order, case and accents do not matter
        ("arterial", "ca", ["Pressió arterial alta", "Hipertensión arterial"]),
        ("arterial", "es", ["Hipertensión arterial", "Pressió arterial alta"]),
        ("ches", "en", ["Chest pain, unspecified", "Pain in throat and chest"]),  # billable before heading
        ("pain in", "en", ["Pain in throat and chest"]),
        ("covid-19", None, ["COVID-19"]),
        ("  chest,  pain ", "en", ["Chest pain, unspecified", "Pain in throat and chest"]),
        ("hest", "en", ["Chest pain, unspecified", "Pain in throat and chest"]),  # one letter is missing
        ("diabetes xyz", "es", []),
        ("", "es", []),
        ("¿?", "es", []),
    ],
)
def test_order(typed: str, language: str | None, expected: list[str]) -> None:
    """What is suggested, and what comes first."""
    assert texts(typed, language) == expected


def test_texts_that_begin_so_come_first() -> None:
    """A longer text that begins with what is typed comes before a shorter one that holds it."""
    assert texts("pain", "en") == ["Pain in throat and chest", "Chest pain, unspecified"]


def test_the_asked_language_comes_first() -> None:
    """All texts of the asked language come before any other, and without one there is no preference."""
    found = SUGGESTER.suggest("diab", "fr", 10)
    assert [one.language for one in found[:1]] == ["fr"]
    assert {one.language for one in found[1:]} == {"en", "es"}
    assert texts("diab") == [
        "diabetes tipo 2",
        "diabète de type 2",
        "diabetes del adulto",
        "Nefropatía diabética",
        "Type 2 diabetes mellitus without complications",
        "Type 2 diabetes mellitus",
    ]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("hipretension", ["Hipertensión arterial"]),  # two letters changed places: one error
        ("hipertenson arterial", ["Hipertensión arterial"]),
        ("hipertencion arteriel", ["Hipertensión arterial"]),
        ("nafrapatia", ["Nefropatía diabética"]),  # two errors in ten letters
        ("nafrapatio", []),  # three
        ("nefropatja", ["Nefropatía diabética"]),  # one error, and two from the other word: the nearest alone
        ("tipu", ["diabetes tipo 2"]),
        ("tupu", []),  # two errors in four letters
        ("del", ["diabetes del adulto"]),
        ("dxl", []),  # words of three letters are taken as they are
    ],
)
def test_misspelt(typed: str, expected: list[str]) -> None:
    """A word that begins none stands for the nearest: one error in four letters or more, two in eight."""
    assert texts(typed, "es") == expected


def test_same_text_once() -> None:
    """A text that differs by case alone is suggested once, for one code."""
    assert texts("hipertensión") == ["Hipertensión arterial"]


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("E11", ["E11", "E11.2", "E11.21", "E11.9"]),
        ("e11.2", ["E11.2", "E11.21"]),
        ("e112", ["E11.2", "E11.21"]),
        (" r0", ["R07", "R07.9"]),
        ("Z9", []),
        ("i10", ["I10"]),
    ],
)
def test_codes(typed: str, codes: list[str]) -> None:
    """The beginning of a code is completed to codes, in code order."""
    found = SUGGESTER.suggest(typed, "es", 10)
    assert [one.code for one in found] == [one.text for one in found] == codes
    assert all(one.language == "" for one in found)


def test_titles_of_codes() -> None:
    """A code is suggested with its title in the asked language where there is one."""
    assert SUGGESTER.suggest("R07.9", "es", 1) == [
        Suggestion("R07.9", "R07.9", "Dolor en el pecho", True, "")
    ]


@given(st.sampled_from(TEXTS), st.data())
def test_typed_words_are_beginnings(text: tuple[str, str, str], data: st.DataObject) -> None:
    """Beginnings of a text's words, in any order, find that text; whatever they find begins with them."""
    words = WORD.findall(text[0])
    chosen = data.draw(st.permutations(words))[: data.draw(st.integers(1, len(words)))]
    typed = [word[: data.draw(st.integers(1, len(word)))].upper() for word in chosen]
    found = SUGGESTER.suggest(" ".join(typed), text[2], 100)
    if not re.fullmatch(r"[A-Z][0-9][0-9A-Z.]*", " ".join(typed)):
        assert (fold(text[0]), text[1]) in {(fold(one.text), one.code) for one in found}
    for one in found:
        held = WORD.findall(fold(one.text))
        assert all(any(word.startswith(fold(part)) for word in held) for part in typed)


@given(st.sampled_from(["d", "di", "a", "2", "e11", "pain", "dolor tor"]), st.integers(1, 12))
def test_top(typed: str, top: int) -> None:
    """Fewer completions are the first of more, and none comes twice."""
    everything = SUGGESTER.suggest(typed, "es", 100)
    assert SUGGESTER.suggest(typed, "es", top) == everything[:top]
    assert len({(fold(one.text), one.code) for one in everything}) == len(everything)
