"""Cells that a spreadsheet would take for formulas."""

from typing import Final

_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")  # https://owasp.org/www-community/attacks/CSV_Injection


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before it where it might."""
    return f"'{text}" if text.startswith(_SIGNS) else text


def unguarded(text: str) -> str:
    """Return a text without the apostrophe that guards it."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_SIGNS) else text
