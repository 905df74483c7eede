"""Language identification of short clinical texts, made to abstain rather than to refuse a good query."""

import re
from collections.abc import Sequence

import pandas as pd

from codisearch.detection import language_detector
from codisearch.languages import LANGUAGES
from codisearch.rules.params import IdentificationParams
from codisearch.rules.text import strip_accents

_WORD = re.compile(r"[^\W\d_]+")
_MIN_WORD = 2  # letters


def _read(texts: Sequence[str]) -> pd.DataFrame:
    rows = language_detector().compute_language_confidence_values_in_parallel(list(texts))
    records = [{value.language.iso_code_639_1.name.lower(): value.value for value in row} for row in rows]
    return pd.DataFrame(records, columns=list(LANGUAGES))


def language_confidences(texts: Sequence[str]) -> pd.DataFrame:
    """Return how likely each text is in each of the six languages, one row per text, rows summing to about 1.

    The detector's rules give some languages a flat zero because of one accented letter (Catalan for `è` in
    some words); such a zero is replaced by what the detector says of the text without accents.
    """
    confidences = _read(texts)
    doubtful = (confidences == 0).any(axis=1)
    if doubtful.any():
        plain = _read([strip_accents(text) for text, doubt in zip(texts, doubtful, strict=True) if doubt])
        plain.index = confidences.index[doubtful]
        confidences = confidences.mask(confidences == 0, plain.reindex(confidences.index))
    return confidences


def is_identifiable(text: str, params: IdentificationParams) -> bool:
    """Tell whether a text has enough letters and words for its language to be judged."""
    words = _WORD.findall(text)
    return (
        sum(map(len, words)) >= params.min_letters
        and sum(len(word) >= _MIN_WORD for word in words) >= params.min_words
    )
