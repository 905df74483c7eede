"""The normal form in which queries are compared."""

import unicodedata
from functools import lru_cache
from typing import Final

import pandas as pd

_REMEMBERED: Final = 2**16  # every step of a run compares the same queries


def strip_accents(text: str) -> str:
    """Return `text` decomposed (NFKD) and without combining marks."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn")


@lru_cache(maxsize=_REMEMBERED)
def normalise_query(text: str) -> str:
    """Return the form in which two spellings of one query are equal.

    Compatibility forms, case, accents, punctuation and spacing are levelled; symbols that carry a clinical
    meaning (`+`, `<`, `↑`) stay, so that "K+ ↑" and "K+ ↓" remain apart.
    """
    folded = strip_accents(strip_accents(text).casefold())
    spaced = "".join(" " if unicodedata.category(c)[0] in "PZC" else c for c in folded)
    return " ".join(spaced.split())


def keys_of(pairs: pd.DataFrame) -> pd.Series:
    """Return the normal form of each query, on the index of `pairs`."""
    return pairs["query"].map(normalise_query).astype(str)
