"""The closed vocabularies."""

import pytest

from codisearch.errors import InputError
from codisearch.languages import (
    LANGUAGE_NAMES,
    LANGUAGES,
    QUERY_STYLES,
    SPLITS,
    STYLES,
    check_language,
    language_of_tag,
)


def test_vocabularies() -> None:
    """The six languages, four styles, of which three are queries, and three splits, each with its name."""
    assert LANGUAGES == ("en", "es", "ca", "it", "pt", "fr")
    assert tuple(LANGUAGE_NAMES) == LANGUAGES
    assert STYLES == (*QUERY_STYLES, "title") == ("formal", "shorthand", "lay", "title")
    assert SPLITS == ("train", "validation", "test")


@pytest.mark.parametrize("language", LANGUAGES)
def test_known_language(language: str) -> None:
    """A language of the six is returned."""
    assert check_language(language) == language


@pytest.mark.parametrize("value", ["de", "EN", "", "en "])
def test_unknown_language(value: str) -> None:
    """The message names what came and all that is allowed."""
    with pytest.raises(InputError, match="allowed are en, es, ca, it, pt, fr") as caught:
        check_language(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("tag", ["es", "ES", " es-ES ", "es_MX", "es-419", "es-Latn-ES"])
def test_language_of_tag(tag: str) -> None:
    """The first part alone counts, in any case."""
    assert language_of_tag(tag) == "es"


@pytest.mark.parametrize("tag", ["de-AT", "español", "", "es-", "esp"])
def test_tag_of_another_language(tag: str) -> None:
    """What is none of the six, or no tag, is refused."""
    with pytest.raises(InputError, match="allowed are en, es, ca, it, pt, fr"):
        language_of_tag(tag)
