"""Codes as values, and the tree."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.codes import (
    CodeTree,
    category_of,
    four_characters_of,
    matches_gold,
    normalise_code,
    release_version,
)
from codisearch.errors import InputError

CODES = st.from_regex(r"[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?", fullmatch=True).filter(
    lambda code: code.isascii() and any(letter.isdigit() for letter in code)
)


@pytest.mark.parametrize(
    ("value", "code"),
    [("e119", "E11.9"), (" E11.9 ", "E11.9"), ("i10", "I10"), ("S52501A", "S52.501A"), ("E11.", "E11")],
)
def test_codes_are_dotted_and_upper_case(value: str, code: str) -> None:
    """Missing dots, small letters and spaces around are mended."""
    assert normalise_code(value) == code


@pytest.mark.parametrize("value", ["", "11.9", "E1", "E11.90000", "E11-9", "EÁ1"])
def test_what_is_no_code_is_refused(value: str) -> None:
    """The message shows what came and what a code looks like."""
    with pytest.raises(InputError, match=r"Not an ICD-10-CM code: .*expected a form like I10") as caught:
        normalise_code(value)
    assert repr(value) in str(caught.value)


@given(CODES)
def test_normalising_is_stable(code: str) -> None:
    """A code in its normal form stays as it is, and comes back from its form without a dot."""
    assert normalise_code(code) == normalise_code(code.replace(".", "").lower()) == code


def test_levels() -> None:
    """The category has three characters, the next level four and a dot."""
    assert (category_of("S52.501A"), four_characters_of("S52.501A")) == ("S52", "S52.5")
    assert (category_of("I10"), four_characters_of("I10")) == ("I10", "I10")


@pytest.fixture(scope="module")
def tree(tiny_code_set: pd.DataFrame) -> CodeTree:
    """Return the tree of the tiny code set."""
    return CodeTree.from_frame(tiny_code_set)


def test_tree(tree: CodeTree) -> None:
    """Parents and children are those of the frame; a category has no parent."""
    assert tree.children["E11"] == ("E11.2", "E11.9")
    assert tree.parents["E11.21"] == "E11.2"
    assert "E11" not in tree.parents
    assert tree.ancestors("E11.21") == ("E11.2", "E11")
    assert tree.ancestors("I10") == ()


def test_siblings(tree: CodeTree) -> None:
    """Siblings share the parent; categories, which have none, share nothing."""
    assert tree.siblings("E11.21") == ("E11.22",)
    assert tree.siblings("R07.0") == ("R07.9",)
    assert tree.siblings("J45.9") == tree.siblings("E11") == tree.siblings("X99") == ()


def test_neighbours(tree: CodeTree) -> None:
    """Siblings come before cousins, ancestors are none, and the limit cuts."""
    assert tree.neighbours("E11.21", 9) == ("E11.22", "E11.9")
    assert tree.neighbours("E11.21", 1) == ("E11.22",)
    assert tree.neighbours("E11.21", 0) == ()
    assert tree.neighbours("E11.9", 9) == ("E11.2",)
    assert tree.neighbours("I10", 9) == ()


@pytest.mark.parametrize(
    ("code", "gold", "right"),
    [
        ("S52.501A", ["S52.501"], True),
        ("S52.501", ["S52.501"], True),
        ("S52.50", ["S52.501"], False),
        ("E11.9", ["I10", "E11.9"], True),
        ("E11.9", [], False),
    ],
)
def test_gold(code: str, gold: list[str], right: bool) -> None:
    """A longer code answers a shorter gold code, never the other way round."""
    assert matches_gold(code, gold) is right


def test_version_of_a_release() -> None:
    """FHIR names the version, not the code system before it; another label stays as it is."""
    assert release_version("ICD-10-CM 2026-04") == "2026-04"
    assert release_version("our own 3") == "our own 3"
