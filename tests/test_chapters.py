"""The chapters of ICD-10-CM."""

import pytest

from codisearch.chapters import CHAPTERS, check_chapter
from codisearch.errors import InputError


def test_chapters() -> None:
    """There are 22, numbered in two digits and in order, each with a title of its own."""
    assert list(CHAPTERS) == [f"{number:02}" for number in range(1, 23)]
    assert len(set(CHAPTERS.values())) == 22
    assert CHAPTERS["09"] == "Diseases of the circulatory system"


@pytest.mark.parametrize(
    ("value", "number"), [("9", "09"), ("09", "09"), (" 9 ", "09"), ("22", "22"), ("1", "01")]
)
def test_known_chapter(value: str, number: str) -> None:
    """A number in one digit or two becomes one in two."""
    assert check_chapter(value) == number


@pytest.mark.parametrize(
    "value", ["0", "00", "23", "-1", "009", "9.0", "IX", "I00-I99", "", " ", "nine", "٩"]
)
def test_unknown_chapter(value: str) -> None:
    """The message names what came and what is allowed, in one line."""
    with pytest.raises(InputError, match="allowed are the numbers 1 to 22") as caught:
        check_chapter(value)
    assert repr(value) in str(caught.value)
    assert "\n" not in str(caught.value)
