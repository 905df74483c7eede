"""What may be searched for, and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.errors import InputError
from codisearch.retrieval.queries import MAX_CHARACTERS, MAX_TOP, SearchOptions, check_precision, check_query

WORDS = st.lists(st.text(alphabet="aá1-", min_size=1).filter(str.strip), min_size=1).filter(
    lambda words: any(letter.isalpha() for word in words for letter in word)
)
BLANKS = st.sampled_from([" ", "\n", "\t", "  ", " \r\n", "\u00a0", "\u2003"])


@given(WORDS, BLANKS)
def test_white_space(words: list[str], blank: str) -> None:
    """Whatever stands between the words becomes one blank, and what is so stays so."""
    wanted = " ".join(words)
    assert check_query(f"{blank}{blank.join(words)}{blank}") == wanted
    assert check_query(wanted) == wanted


@pytest.mark.parametrize("text", ["", " ", "\n\t", "¿?", "...", "-", "\u200b", "7", "250.00"])
def test_empty(text: str) -> None:
    """Without a letter or digit there is nothing to search; the message names the query by its number."""
    with pytest.raises(InputError, match=r"Query 7 is empty: expected a clinical phrase") as caught:
        check_query(text, 7)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["x", "疼", "¿qué?", "O₂"])
def test_one_letter_is_enough(text: str) -> None:
    """A single letter of any script is a query."""
    assert check_query(text) == text


def test_length() -> None:
    """2,000 characters are allowed; blanks that are squeezed away do not count."""
    longest = "a" * MAX_CHARACTERS
    assert check_query(f"{longest}{' ' * 100}") == longest
    assert len(check_query(("a" + " " * 9) * 1_000)) == 1_999
    with pytest.raises(InputError, match="Query 3 has 2001 characters; at most 2000 are allowed") as caught:
        check_query(longest + "a", 3)
    assert len(str(caught.value)) < 200  # it does not repeat the query


def test_not_utf8() -> None:
    """A byte that is no UTF-8 is refused in a message that any terminal can print."""
    with pytest.raises(InputError, match="Query 2 holds bytes that are not UTF-8") as caught:
        check_query("fièvre \udcff", 2)
    assert str(caught.value).isascii()


def test_options_in_their_normal_form() -> None:
    """The chapter gets two digits and the code its dot; titles are in the query's language by default."""
    asked = SearchOptions(language="es", top=3, chapter="9", under="e119", precision=0.9, grouped=True)
    assert asked.checked() == SearchOptions(
        language="es",
        top=3,
        chapter="09",
        under="E11.9",
        precision=0.9,
        grouped=True,
        display_language="es",
    )
    assert SearchOptions().checked() == SearchOptions()
    assert SearchOptions(language="es", display_language="fr").checked().display_language == "fr"
    assert SearchOptions(display_language="fr").checked().language is None


def test_checking_twice_changes_nothing() -> None:
    """Options in their normal form stay as they are."""
    checked = SearchOptions(language="it", chapter=" 9", under=" i10 ").checked()
    assert checked.checked() == checked


@pytest.mark.parametrize("top", [1, MAX_TOP])
@pytest.mark.parametrize("precision", [None, 0.5, 0.99])
def test_bounds_are_allowed(top: int, precision: float | None) -> None:
    """The least and the most that may be asked for are left as they are."""
    checked = SearchOptions(top=top, precision=precision).checked()
    assert (checked.top, checked.precision) == (top, precision)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SearchOptions(language="de"), "Unknown language 'de': allowed are en, es, ca, it, pt, fr"),
        (SearchOptions(display_language="EN"), "Unknown language 'EN': allowed are"),
        (SearchOptions(language=""), "Unknown language ''"),
        (SearchOptions(top=0), "`top` must be between 1 and 100, came 0"),
        (SearchOptions(top=101), "`top` must be between 1 and 100, came 101"),
        (SearchOptions(precision=0.499), r"`precision` must be between 0\.5 and 0\.99, came 0\.499"),
        (SearchOptions(precision=1), r"`precision` must be between 0\.5 and 0\.99, came 1"),
        (SearchOptions(precision=float("nan")), "came nan"),
        (SearchOptions(chapter="23"), "Unknown chapter '23': allowed are the numbers 1 to 22"),
        (SearchOptions(under="diabetes"), "Not an ICD-10-CM code: 'diabetes'"),
    ],
)
def test_what_is_not_allowed(options: SearchOptions, message: str) -> None:
    """The message says what is wrong, what is allowed and what came."""
    with pytest.raises(InputError, match=message):
        options.checked()


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.99])
def test_precision(precision: float) -> None:
    """Both bounds and all between them can be asked for."""
    assert check_precision(precision) == precision


@pytest.mark.parametrize("precision", [0.49, 0.991, 1.0, -1, float("nan"), float("inf")])
def test_precision_that_is_not_allowed(precision: float) -> None:
    """The message holds both bounds and what came."""
    with pytest.raises(InputError, match=r"must be between 0\.5 and 0\.99, came") as caught:
        check_precision(precision)
    assert str(precision) in str(caught.value)
