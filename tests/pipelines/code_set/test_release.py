"""Tests of the table that is made of a release."""

import logging

import pytest

from codisearch.codes import CodeTree
from codisearch.errors import InputError
from codisearch.pipelines.code_set.release import (
    Entry,
    Release,
    chapter_label,
    frame_of,
    parent_of,
    unique_terms,
)
from codisearch.schemas import CODE_SET


def entry(code: str, *terms: str, billable: bool = True) -> Entry:
    """Return an entry of chapter 20."""
    return Entry(code, f"Title of {code}", "20", billable, terms)


def test_frame_is_in_code_order_with_the_tree():
    """Rows are sorted, a category has no parent and the placeholder X does not hide one."""
    entries = (entry("W01.0XXA"), entry("W01.0", billable=False), entry("W01", "slip", billable=False))
    frame = CODE_SET.validate(frame_of(Release("R 1", entries)))
    assert list(frame["code"]) == ["W01", "W01.0", "W01.0XXA"]
    assert list(frame["parent"]) == ["", "W01", "W01.0"]
    assert list(frame["category"]) == ["W01", "W01", "W01"]
    assert list(frame["billable"]) == [False, False, True]
    assert list(frame["inclusion_terms"]) == [["slip"], [], []]
    assert set(frame["release"]) == {"R 1"}
    assert CodeTree.from_frame(frame).ancestors("W01.0XXA") == ("W01.0", "W01")


def test_repeated_code_is_an_error():
    """A code that stands twice is named."""
    with pytest.raises(InputError, match=r"once; repeated are 1 codes, such as A00"):
        frame_of(Release("R", (entry("A00"), entry("A00"))))


def test_code_without_category_is_an_error():
    """A code whose category is not in the release is named."""
    with pytest.raises(
        InputError, match=r"category of every code; without theirs are 1 codes, such as A01\.0"
    ):
        frame_of(Release("R", (entry("A00"), entry("A01.0"))))


def test_codes_of_another_form_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture):
    """A code that is not of the ICD-10-CM form does not enter, and the log says so."""
    with caplog.at_level(logging.WARNING):
        frame = frame_of(Release("R", (entry("A00"), entry("??9"))))
    assert list(frame["code"]) == ["A00"]
    assert "1 codes, such as ??9" in caplog.text


def test_parent_is_the_longest_prefix():
    """The nearest code above wins, whatever characters lie between."""
    codes = {"S52", "S52.5", "S52.50"}
    assert [parent_of(code, codes) for code in ("S52.501A", "S52.5", "S52", "A00.0")] == [
        "S52.50",
        "S52",
        "",
        "",
    ]


def test_terms_are_squeezed_and_unique():
    """White space and case make no second term, and empty ones go."""
    assert unique_terms(["High  blood\npressure", "high blood pressure", " ", "HBP"]) == (
        "High blood pressure",
        "HBP",
    )


def test_chapters_have_two_digits():
    """Chapter numbers are padded, so that they sort."""
    assert [chapter_label("9"), chapter_label(" 22 ")] == ["09", "22"]
