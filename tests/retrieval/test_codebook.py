"""The codes of a bundle."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.errors import InputError, UnknownCodeError
from codisearch.retrieval.answers import CodeName, Confusable
from codisearch.retrieval.codebook import Codebook, TypedCode

CODES = [
    ("C4A", "", "Merkel cell carcinoma", False, "02"),
    ("C4A.9", "C4A", "Merkel cell carcinoma, unspecified", True, "02"),
    ("E10", "", "Type 1 diabetes mellitus", False, "04"),
    ("E10.9", "E10", "Type 1 diabetes mellitus without complications", True, "04"),
    ("E11", "", "Type 2 diabetes mellitus", False, "04"),
    ("E11.2", "E11", "Type 2 diabetes mellitus with kidney complications", False, "04"),
    ("E11.21", "E11.2", "Type 2 diabetes mellitus with diabetic nephropathy", True, "04"),
    ("E11.22", "E11.2", "Type 2 diabetes mellitus with diabetic chronic kidney disease", True, "04"),
    ("E11.9", "E11", "Type 2 diabetes mellitus without complications", True, "04"),
    ("I10", "", "Essential (primary) hypertension", True, "09"),
    ("O80", "", "Encounter for full-term uncomplicated delivery", True, "15"),
    ("S52", "", "Fracture of forearm", False, "19"),
    ("S52.5", "S52", "Fracture of lower end of radius", False, "19"),
    ("S52.50", "S52.5", "Unspecified fracture of the lower end of radius", False, "19"),
    ("S52.501", "S52.50", "Unspecified fracture of the lower end of right radius", False, "19"),
    (
        "S52.501A",
        "S52.501",
        "Unspecified fracture of the lower end of right radius, initial encounter for closed fracture",
        True,
        "19",
    ),
]
NAMES = [row[0] for row in CODES]
LEAVES = {row[0] for row in CODES if row[3]}
TITLES = [
    ("E11.9", "es", "Diabetes mellitus tipo 2 sin complicaciones"),
    ("E11.9", "fr", "Diabète de type 2, sans complication"),
    ("E11", "es", "Diabetes mellitus tipo 2"),
]
CONFUSABLES = [
    ("E11.9", "E10.9", "aetiology", "No insulin is made in type 1."),
    ("E11.9", "E11.21", "complication", ""),
]


def codebook_of(codes: list[tuple[str, str, str, bool, str]]) -> Codebook:
    """Return a codebook of these codes with the titles and confusables above."""
    frame = pd.DataFrame(codes, columns=["code", "parent", "title", "billable", "chapter"])
    terms = [["Diabetes due to insulin resistance"] if row[0] == "E11" else [] for row in codes]
    excludes = [["type 1 diabetes mellitus (E10.-)"] if row[0] == "E11" else [] for row in codes]
    return Codebook(
        frame.assign(inclusion_terms=terms, excludes=excludes),
        pd.DataFrame(TITLES, columns=["code", "language", "title"]),
        pd.DataFrame(CONFUSABLES, columns=["code", "confusable", "qualifier", "difference"]),
        "2026",
    )


BOOK = codebook_of(CODES)


@given(st.sampled_from(NAMES), st.booleans(), st.lists(st.booleans(), min_size=8, max_size=8))
def test_every_code_is_found(code: str, dotted: bool, capital: list[bool]) -> None:
    """With its dot or without, in any mixture of cases, each code is found and no other."""
    written = code if dotted else code.replace(".", "")
    typed = "".join(
        letter if is_capital else letter.lower()
        for letter, is_capital in zip(written, capital[: len(written)], strict=True)
    )
    assert BOOK.find(typed) == code
    assert BOOK.require(f" {typed} ") == code


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("E11.-", "E11"),
        ("E11.", "E11"),
        ("e11-", "E11"),
        ("e11,9", "E11.9"),
        ("E11 .9", "E11.9"),
        ("E 11.2-", "E11.2"),
        ("I1O", "I10"),
        ("El1.9", "E11.9"),
        ("EI19", "E11.9"),
        ("O8O", "O80"),
        ("S52.5OIa", "S52.501A"),
        ("c4a9", "C4A.9"),
    ],
)
def test_ways_to_write_a_code(typed: str, code: str) -> None:
    """Signs of the tabular list, a comma, blanks, and letters that look like a digit do not matter."""
    assert BOOK.find(typed) == code


@pytest.mark.parametrize("typed", ["", ".", "E1", "E12", "E11.99", "011.9", "I10.0", "asthma", "E11.90000"])
def test_what_is_not_found(typed: str) -> None:
    """What is no code, or not one of this code set, is none."""
    assert BOOK.find(typed) is None


@pytest.mark.parametrize(
    ("query", "code", "shown"),
    [
        ("E11", "E11", ["E11", "E11.2", "E11.21", "E11.22", "E11.9"]),
        ("e11.-", "E11", ["E11", "E11.2", "E11.21", "E11.22", "E11.9"]),
        ("E112", "E11.2", ["E11.2", "E11.21", "E11.22"]),
        ("S52501A", "S52.501A", ["S52.501A"]),
        ("E11.25", None, ["E11.2", "E11.21", "E11.22"]),
        ("E11.5", None, ["E11", "E11.2", "E11.9"]),
        ("S52.509A", None, ["S52.50", "S52.501"]),
    ],
)
def test_typed_codes(query: str, code: str | None, shown: list[str]) -> None:
    """A code comes with all below it, a wrong one of a known category with the nearest."""
    assert BOOK.typed_code(query, None) == TypedCode(code, tuple(shown))


@pytest.mark.parametrize("query", ["B12", "T2DM", "E11 diabetes", "diabetes E11", "E11.9 I10", "11"])
def test_phrase_is_no_typed_code(query: str) -> None:
    """What is a phrase, or looks like a code of a category that there is not, was not typed as a code."""
    assert BOOK.typed_code(query, None) is None


def test_typed_code_that_is_not_allowed() -> None:
    """What is not allowed is not shown, though the code is still the one that was typed."""
    leaves = BOOK.mask(billable_only=True, chapter=None, under=None)
    assert BOOK.typed_code("E11", leaves) == TypedCode("E11", ("E11.21", "E11.22", "E11.9"))
    circulation = BOOK.mask(billable_only=False, chapter="09", under=None)
    assert BOOK.typed_code("E11", circulation) == TypedCode("E11", ())


@pytest.mark.parametrize(
    ("typed", "code"), [("e119", "E11.9"), ("E11.9", "E11.9"), ("EI1.9", None), ("E11.-", None)]
)
def test_exact_code(typed: str, code: str | None) -> None:
    """Dot and case are forgiven, look-alike letters and dashes are not."""
    assert BOOK.exact(typed) == code


def test_unknown_code() -> None:
    """The error holds the code, dotted, and the nearest with their titles in the asked language."""
    with pytest.raises(
        UnknownCodeError, match=r"There is no code E11\.99 in 2026; the nearest are E11\.9\."
    ) as caught:
        BOOK.require("e1199", "es")
    assert caught.value.code == "E11.99"
    assert caught.value.suggestions == (
        CodeName("E11.9", "Diabetes mellitus tipo 2 sin complicaciones", True),
    )


@pytest.mark.parametrize("typed", ["", "chest pain", "E1", "E11.90000", "12", "E11/9"])
def test_what_is_no_code(typed: str) -> None:
    """Text in another form is told what a code looks like, and is not an unknown code."""
    with pytest.raises(InputError, match="Not an ICD-10-CM code") as caught:
        BOOK.require(typed)
    assert not isinstance(caught.value, UnknownCodeError)


@pytest.mark.parametrize(
    ("code", "nearest"),
    [
        ("E11.29", ["E11.2", "E11.21", "E11.22"]),
        ("E11.3", ["E11", "E11.2", "E11.9"]),
        ("S52.501B", ["S52.501", "S52.501A"]),
        ("I10.9", ["I10"]),
    ],
)
def test_nearest(code: str, nearest: list[str]) -> None:
    """The closest code above comes first, then what it has."""
    assert BOOK.nearest(code) == nearest


def test_nearest_category() -> None:
    """Where the category does not exist either, those that differ by one character come first."""
    assert set(BOOK.nearest("E12")[:2]) == {"E10", "E11"}
    assert BOOK.nearest("O81.9")[0] == "O80"
    assert BOOK.nearest("I01")[0] == "I10"  # two characters that changed places are one error


@given(st.sampled_from(NAMES), st.integers(0, 8), st.integers(1, 20), st.booleans())
def test_completions(code: str, length: int, limit: int, dotted: bool) -> None:
    """Completions are all codes that begin so, in code order, cut at the limit."""
    typed = code[:length].lower() if dotted else code.replace(".", "")[:length]
    bare = typed.replace(".", "").upper()
    expected = [one for one in NAMES if one.replace(".", "").startswith(bare)]
    assert BOOK.completions(typed, limit) == expected[:limit]


def test_no_completions() -> None:
    """Nothing begins with what begins no code, also beyond the last one."""
    assert BOOK.completions("B", 5) == BOOK.completions("Z99", 5) == BOOK.completions("E119.1", 5) == []


@given(
    st.booleans(),
    st.sampled_from([None, "02", "04", "09", "22"]),
    st.sampled_from([None, *NAMES, "e11"]),
)
def test_mask(billable_only: bool, chapter: str | None, under: str | None) -> None:
    """A code may be found if it passes all that was asked for."""
    mask = BOOK.mask(billable_only=billable_only, chapter=chapter, under=under)
    root = None if under is None else under.upper().replace(".", "")
    expected = [
        (not billable_only or is_leaf)
        and (chapter is None or chapter == its_chapter)
        and (root is None or code.replace(".", "").startswith(root))
        for code, _parent, _title, is_leaf, its_chapter in CODES
    ]
    if mask is None:
        assert (billable_only, chapter, under) == (False, None, None)
    else:
        assert mask.dtype == np.bool_
        assert mask.tolist() == expected


def test_mask_under_an_unknown_code() -> None:
    """A code that does not exist has nothing below it, which is an error and no empty answer."""
    with pytest.raises(UnknownCodeError, match=r"There is no code E12 in 2026"):
        BOOK.mask(billable_only=False, chapter=None, under="E12")


def test_tree() -> None:
    """Below a code stand all its descendants in code order; the path goes down from the category."""
    assert list(BOOK.below("E11")) == ["E11.2", "E11.21", "E11.22", "E11.9"]
    assert list(BOOK.below("I10")) == []
    assert BOOK.path("S52.501A") == ("S52", "S52.5", "S52.50", "S52.501")
    assert BOOK.path("E11") == ()


def test_titles() -> None:
    """A title is in the asked language where there is one, else in English."""
    assert BOOK.title("E11", "es") == ("Diabetes mellitus tipo 2", "es")
    assert BOOK.title("E11", "fr") == BOOK.title("E11", None) == ("Type 2 diabetes mellitus", "en")
    assert BOOK.title("E11", "en") == ("Type 2 diabetes mellitus", "en")
    assert BOOK.name("E11", "es") == CodeName("E11", "Diabetes mellitus tipo 2", False)
    assert BOOK.name("I10") == CodeName("I10", "Essential (primary) hypertension", True)


def test_card() -> None:
    """A card brings together all that is known of a code, with names in the asked language."""
    card = BOOK.card("e11.-", "es")
    assert (card.code, card.title, card.title_language) == ("E11", "Diabetes mellitus tipo 2", "es")
    assert card.official_title == "Type 2 diabetes mellitus"
    assert card.titles == {"en": "Type 2 diabetes mellitus", "es": "Diabetes mellitus tipo 2"}
    assert (card.billable, card.release) == (False, "2026")
    assert (card.chapter, card.chapter_title) == ("04", "Endocrine, nutritional and metabolic diseases")
    assert (card.path, card.siblings) == ((), ())  # the siblings of a category are not listed
    assert card.children == (
        CodeName("E11.2", "Type 2 diabetes mellitus with kidney complications", False),
        CodeName("E11.9", "Diabetes mellitus tipo 2 sin complicaciones", True),
    )
    assert card.inclusion_terms == ("Diabetes due to insulin resistance",)
    assert card.excludes == ("type 1 diabetes mellitus (E10.-)",)
    assert card.confusables == ()


def test_card_of_a_leaf() -> None:
    """A leaf has a path and siblings, and its titles stand in the order of the languages."""
    card = BOOK.card("E119")
    assert (card.title, card.title_language) == ("Type 2 diabetes mellitus without complications", "en")
    assert list(card.titles) == ["en", "es", "fr"]
    assert card.path == (CodeName("E11", "Type 2 diabetes mellitus", False),)
    assert [one.code for one in card.siblings] == ["E11.2"]
    assert card.children == ()
    assert card.to_dict()["path"] == (
        {"code": "E11", "title": "Type 2 diabetes mellitus", "billable": False},
    )


def test_confusables() -> None:
    """What is easily confused says by which words the two titles differ, whatever their case."""
    assert BOOK.card("E11.9", "es").confusables == (
        Confusable(
            code="E10.9",
            title="Type 1 diabetes mellitus without complications",
            billable=True,
            qualifier="aetiology",
            difference="No insulin is made in type 1.",
            only_here=("2",),
            only_there=("1",),
        ),
        Confusable(
            code="E11.21",
            title="Type 2 diabetes mellitus with diabetic nephropathy",
            billable=True,
            qualifier="complication",
            difference="",
            only_here=("without", "complications"),
            only_there=("with", "diabetic", "nephropathy"),
        ),
    )
    assert BOOK.card("E10.9").confusables == ()  # what holds one way need not be listed the other way


def test_card_of_no_code() -> None:
    """A code that does not exist has no card."""
    with pytest.raises(UnknownCodeError, match=r"no code O81 in 2026; the nearest are O80"):
        BOOK.card("O81")


def test_exact_card() -> None:
    """Where only dot and case are forgiven, the error shows what came and names what was meant."""
    assert BOOK.card("e119", exact=True).code == "E11.9"
    with pytest.raises(
        UnknownCodeError, match=r"There is no code E11\.- in 2026; the nearest are E11\."
    ) as caught:
        BOOK.card("E11.-", exact=True)
    assert [one.code for one in caught.value.suggestions] == ["E11"]
