"""The normal form of queries."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.rules.text import keys_of, normalise_query, strip_accents


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Dolor  torácico, ¡agudo!", "dolor toracico agudo"),
        ("COL·LAPSE—pulmonar", "col lapse pulmonar"),
        ("ﬁbrilación", "fibrilacion"),
        ("K+ ↑", "k+ ↑"),
        ("…", ""),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    """Case, accents, ligatures, punctuation and spaces are levelled, clinical symbols are kept."""
    assert normalise_query(text) == normal


@given(st.text())
def test_normal_form_is_stable(text: str) -> None:
    """The normal form of a normal form is itself."""
    assert normalise_query(normalise_query(text)) == normalise_query(text)


def test_accents() -> None:
    """Marks go, letters stay."""
    assert strip_accents("Çà ñ ï") == "Ca n i"


def test_keys_keep_the_index() -> None:
    """Keys stand on the index of their rows, also of no rows at all."""
    frame = pd.DataFrame({"query": ["Tos", "FIEBRE"]}, index=[7, 3])
    assert keys_of(frame).to_dict() == {7: "tos", 3: "fiebre"}
    assert keys_of(frame.iloc[:0]).empty
