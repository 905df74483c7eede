"""Which language a text is in."""

import pytest

from codisearch.detection import detect_language, language_detector


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("sudden chest pain when breathing", "en"),
        ("dolor torácico opresivo irradiado al brazo", "es"),
        ("dolor opressiu al pit que s'irradia a l'esquena", "ca"),
        ("mal di gola e febbre alta", "it"),
        ("dor no peito ao respirar", "pt"),
        ("mal de gorge depuis trois jours", "fr"),
    ],
)
def test_language(text: str, language: str) -> None:
    """A phrase of a few words is recognised, in each of the six languages."""
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", "123", "...", "42 / 7"])
def test_nothing_to_go_by(text: str) -> None:
    """Without letters there is no language."""
    assert detect_language(text) is None


@pytest.mark.parametrize("text", ["HTA", "tos", "diabetes", "me duele la tripa"])
def test_doubtful_text(text: str) -> None:
    """What could be in several of the languages is not guessed."""
    assert detect_language(text) is None


def test_one_detector() -> None:
    """It is built once, since that takes a second."""
    assert language_detector() is language_detector()
