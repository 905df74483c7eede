"""Confusable codes that the model named."""

import pandas as pd

from codisearch.pipelines.generation.answers import Malformed, WrongCode
from codisearch.pipelines.generation.confusables import collect_confusables
from codisearch.pipelines.generation.rows import Named
from codisearch.pipelines.generation.writing import Unit
from codisearch.schemas import CONFUSABLES


def named(code: str, language: str, wrong: str, difference: str = "x") -> Named:
    """Return what an answer names."""
    item = WrongCode(code=wrong, qualifier="site", difference=difference)
    return Named(Unit(code, language), item)  # type: ignore[arg-type]


def test_those_of_most_languages_come_first(tiny_code_set: pd.DataFrame):
    """Two languages name I10, one J45.9; written without its dot it is the same; the first words stay."""
    found = collect_confusables(
        [
            named("E11.9", "es", "j459"),
            named("E11.9", "es", "I10", "first"),
            named("E11.9", "fr", "i10", "second"),
            named("R07.9", "fr", "R07.0"),
        ],
        tiny_code_set,
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
    found = collect_confusables(
        [
            named("E11.21", "es", "Z99.999"),
            named("E11.21", "es", "diabetes"),
            named("E11.21", "es", "E11.21"),
            named("E11.21", "es", "E11"),
            named("E11.2", "es", "E11.22"),
            Named(Unit("E11.21", "es"), Malformed("{}", "", "code: missing")),
        ],
        tiny_code_set,
    )
    assert found.kept.empty
    assert found.refused == {"invented_code": 2, "in_its_own_line": 3, "malformed": 1}
    CONFUSABLES.validate(found.kept)


def test_at_most_six(tiny_code_set: pd.DataFrame):
    """More than six are too many for a group."""
    others = [code for code in tiny_code_set["code"] if not code.startswith("R07")]
    found = collect_confusables([named("R07.9", "es", code) for code in others], tiny_code_set)
    assert len(others) > 6
    assert len(found.kept) == 6
