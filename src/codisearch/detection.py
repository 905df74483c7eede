"""Which of the six languages a short text is in."""

from functools import cache
from typing import TYPE_CHECKING

from codisearch.languages import LANGUAGES, Language, check_language

if TYPE_CHECKING:
    from lingua import LanguageDetector


@cache
def language_detector() -> "LanguageDetector":
    """Return a detector that knows the project's languages and no other; its models need about 150 MB."""
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    isos = [IsoCode639_1.from_str(language) for language in LANGUAGES]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*isos).build()


def detect_language(text: str) -> Language | None:
    """Return the most likely language of a text; None where nothing speaks for any of them."""
    found = language_detector().detect_language_of(text)
    return None if found is None else check_language(found.iso_code_639_1.name.lower())
