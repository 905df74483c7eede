"""Which of the six languages a short text is in."""

from functools import cache
from typing import TYPE_CHECKING, Final

from codisearch.languages import LANGUAGES, Language, check_language

if TYPE_CHECKING:
    from lingua import LanguageDetector


_SURE: Final = 0.5


@cache
def language_detector() -> "LanguageDetector":
    """Return a detector that knows the project's languages and no other; its models need about 150 MB."""
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    isos = [IsoCode639_1.from_str(language) for language in LANGUAGES]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*isos).build()


def detect_language(text: str) -> Language | None:
    """Return the language of a text if it is likelier than all the others together, else None.

    Abbreviations and short words can be in several languages, and a guess would be shown as a fact.
    """
    found = language_detector().compute_language_confidence_values(text)
    if not found or found[0].value < _SURE:
        return None
    return check_language(found[0].language.iso_code_639_1.name.lower())
