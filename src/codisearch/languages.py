"""The closed vocabularies of the project: languages, styles, noise and splits."""

import re
from typing import Final, Literal, get_args

from codisearch.errors import InputError

Language = Literal["en", "es", "ca", "it", "pt", "fr"]
Style = Literal["formal", "shorthand", "lay", "title"]
QueryStyle = Literal["formal", "shorthand", "lay"]
Noise = Literal["", "accents", "typo"]
Split = Literal["train", "validation", "test"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
STYLES: Final[tuple[Style, ...]] = get_args(Style)
QUERY_STYLES: Final[tuple[QueryStyle, ...]] = get_args(QueryStyle)
NOISES: Final[tuple[Noise, ...]] = get_args(Noise)
"""What is wrong with a query's spelling on purpose: nothing, accents left out, or a slip of a letter."""
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

LANGUAGE_NAMES: Final[dict[Language, str]] = {
    "en": "English",
    "es": "Spanish",
    "ca": "Catalan",
    "it": "Italian",
    "pt": "Portuguese",
    "fr": "French",
}
_TAG: Final = re.compile(r"([A-Za-z]{2})([-_][A-Za-z0-9]{1,8})*")


def check_language(value: str) -> Language:
    """Return `value` as a language tag.

    Raises:
        InputError: If it is not one of the six.
    """
    for language in LANGUAGES:
        if value == language:
            return language
    raise InputError(f"Unknown language {value!r}: allowed are {', '.join(LANGUAGES)}.")


def language_of_tag(tag: str) -> Language:
    """Return the language of a tag such as `ca`, `CA` or `ca_ES`: the first part alone counts.

    Raises:
        InputError: If it is not one of the six.
    """
    found = _TAG.fullmatch(tag.strip())
    return check_language(found[1].lower() if found else tag)
