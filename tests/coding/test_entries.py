"""What each column of a row means."""

from typing import Any

import pytest

from codisearch.coding.columns import Columns
from codisearch.coding.entries import read_entry
from codisearch.coding.rows import Earlier, InputRow
from codisearch.errors import InputError

COLUMNS = Columns(
    "query",
    "id",
    "language",
    "n",
    reviewed=False,
    kept={"query": "query", "id": "id", "language": "language", "n": "n", "code": "input_code"},
)
REVIEWED = Columns("query", None, None, None, reviewed=True, kept={"query": "query"})


def row(**values: Any) -> InputRow:
    """Return the seventh row of a file."""
    return InputRow(7, "line 8", values)


def test_entry() -> None:
    """Each column has its place, and kept ones their new names."""
    entry = read_entry(row(query="asma", id=" 12 ", language="es", n="3", code="x"), COLUMNS)
    assert (entry.number, entry.place, entry.phrase) == (7, "line 8", "asma")
    assert (entry.identifier, entry.language, entry.frequency) == ("12", "es", 3)
    assert entry.kept == {"query": "asma", "id": " 12 ", "language": "es", "n": "3", "input_code": "x"}
    assert entry.earlier is None


def test_key() -> None:
    """Without an identifier it is the beginning of SHA-256 of the phrase with single spaces."""
    assert read_entry(row(query="asma", id="a  b"), COLUMNS).key == "a b"
    keys = {read_entry(row(query=query), COLUMNS).key for query in ("dolor torácico", " dolor  torácico\n")}
    assert keys == {"85740538b4adf937"}


def test_missing_values() -> None:
    """Rows of JSON Lines need not have all keys, and null is nothing."""
    entry = read_entry(row(query=None, n=None), COLUMNS)
    assert (entry.phrase, entry.identifier, entry.frequency, entry.kept) == (
        "",
        "",
        1,
        {"query": None, "n": None},
    )


def test_phrase_that_is_no_text() -> None:
    """It is searched as it stands in the file."""
    assert read_entry(row(query=["a", 1]), COLUMNS).phrase == '["a", 1]'


@pytest.mark.parametrize("value", ["-1", "1.5", "many"])
def test_frequency(value: str) -> None:
    """It is a whole number."""
    with pytest.raises(InputError, match="line 8: the frequency must be a whole number, came"):
        read_entry(row(query="asma", n=value), COLUMNS)


@pytest.mark.parametrize(
    ("written", "review"), [("", ""), (None, ""), ("approved", "approved"), (" Rejected ", "rejected")]
)
def test_review(written: str | None, review: str) -> None:
    """Case and spaces around it do not matter."""
    earlier = read_entry(row(query="asma", code="j459", review=written), REVIEWED).earlier
    assert earlier is not None
    assert (earlier.review, earlier.code) == (review, "J45.9")


def test_review_that_is_none() -> None:
    """The message names the row and what is allowed."""
    with pytest.raises(
        InputError, match="line 8: the review must be approved, rejected or empty, came 'yes'"
    ):
        read_entry(row(query="asma", code="J45", review="yes"), REVIEWED)


@pytest.mark.parametrize("code", ["", "acute asthma", None])
def test_approved_without_a_code(code: str | None) -> None:
    """There is nothing to keep."""
    with pytest.raises(InputError, match="line 8: approved with the code"):
        read_entry(row(query="asma", code=code, review="approved"), REVIEWED)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("true", True), ("VERDADERO", True), (True, True), ("false", False), ("FALSO", False), ("", None)],
)
def test_truths_as_spreadsheets_write_them(written: Any, expected: bool | None) -> None:
    """Spreadsheets write them in their own language."""
    earlier = read_entry(row(query="x", code="J45", review="approved", billable=written), REVIEWED).earlier
    assert earlier is not None
    assert earlier.billable is expected


def test_earlier() -> None:
    """All that an earlier coding said is read, also numbers with a comma."""
    values = {"code": "J45.9", "title": "Asthma ", "probability": "0,93", "known": "true", "alias": "'-asma"}
    values["suggested"] = "r05"
    entry = read_entry(row(query="x", review="approved", alias_language="es", **values), REVIEWED)
    assert entry.earlier == Earlier(
        review="approved",
        code="J45.9",
        title="Asthma",
        probability=0.93,
        known=True,
        alias="-asma",
        alias_language="es",
        suggested="R05",
    )


@pytest.mark.parametrize(
    ("review", "note", "expected"),
    [
        ("rejected", "", ("J45.9",)),
        ("rejected", "rejected: J45, R05; no code fits", ("J45", "R05", "J45.9")),
        ("", "rejected: J45", ("J45",)),
        ("rejected", "rejected: J45.9", ("J45.9",)),
        ("", "my own words", ()),
    ],
)
def test_rejected_codes_are_remembered(review: str, note: str, expected: tuple[str, ...]) -> None:
    """The note carries them from coding to coding, so that none comes back."""
    earlier = read_entry(row(query="x", code="J45.9", review=review, note=note), REVIEWED).earlier
    assert earlier is not None
    assert earlier.rejected == expected


def test_keys_that_the_first_row_had_not() -> None:
    """They are kept as well; those of a coding are renamed, or replaced where the file was coded before."""
    assert read_entry(row(query="x", more=1, title="y"), COLUMNS).kept == {
        "query": "x",
        "more": 1,
        "input_title": "y",
    }
    assert read_entry(row(query="x", more=1, title="y"), REVIEWED).kept == {"query": "x", "more": 1}
