"""Cells that a spreadsheet would take for formulas."""

import pytest

from codisearch.coding.formulas import guarded, unguarded


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_guarded(text: str) -> None:
    """What reads a guarded text has the text again, and a second guard adds nothing."""
    assert guarded(text) == f"'{text}"
    assert guarded(guarded(text)) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", ["", "x=1", "'", "'s morning sickness"])
def test_harmless(text: str) -> None:
    """It stays as it is."""
    assert guarded(text) == text
    assert unguarded(text) == text
