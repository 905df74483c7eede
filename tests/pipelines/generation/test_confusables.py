"""Confusable codes that the model named."""

import pandas as pd

from codisearch.languages import Language
from codisearch.pipelines.generation.answers import Malformed, WrongCode
from codisearch.pipelines.generation.confusables import Confusables
from codisearch.schemas import CONFUSABLES

Named = tuple[str, Language, str, str]


def collect(code_set: pd.DataFrame, *named: Named) -> Confusables:
    """Count (code, language, wrong code, difference)."""
    found = Confusables.of(code_set)
    for code, language, wrong, difference in named:
        found.add(code, language, [WrongCode(code=wrong, qualifier="site", difference=difference)])
    return found


def test_those_of_most_languages_come_first(tiny_code_set: pd.DataFrame):
    """Two languages name I10, one J45.9; written without its dot it is the same; the first words stay."""
    found = collect(
        tiny_code_set,
        ("E11.9", "es", "j459", "x"),
        ("E11.9", "es", "I10", "first"),
        ("E11.9", "fr", "i10", "second"),
        ("R07.9", "fr", "R07.0", "x"),
    )
    CONFUSABLES.validate(found.kept)
    assert found.kept[["code", "confusable", "difference"]].values.tolist() == [
        ["E11.9", "I10", "first"],
        ["E11.9", "J45.9", "x"],
        ["R07.9", "R07.0", "x"],
    ]
    assert found.refused == {}


def test_what_is_refused(tiny_code_set: pd.DataFrame):
    """Invented codes, the code itself, those above and below it, and items without their form are counted."""
    found = collect(
        tiny_code_set,
        ("E11.21", "es", "Z99.999", "x"),
        ("E11.21", "es", "diabetes", "x"),
        ("E11.21", "es", "E11.21", "x"),
        ("E11.21", "es", "E11", "x"),
        ("E11.2", "es", "E11.22", "x"),
    )
    found.add("E11.21", "es", [Malformed("{}", "", "code: missing")])
    assert found.kept.empty
    assert found.refused == {"invented_code": 2, "in_its_own_line": 3, "malformed": 1}
    CONFUSABLES.validate(found.kept)


def test_at_most_six(tiny_code_set: pd.DataFrame):
    """More than six are too many for a group."""
    others = [code for code in tiny_code_set["code"] if not code.startswith("R07")]
    found = collect(tiny_code_set, *(("R07.9", "es", code, "x") for code in others))
    assert len(others) > 6
    assert len(found.kept) == 6
