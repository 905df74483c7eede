"""What the model is told of a code."""

from collections.abc import Callable

import pandas as pd

from codisearch.pipelines.generation.cards import CodeCards
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.prompts import find_prompt
from codisearch.pipelines.generation.writing import Unit, Writing


def test_card(tiny_code_set: pd.DataFrame, notes: pd.DataFrame):
    """Title, what is above, own and inherited terms and exclusions, and the close codes by title."""
    card = CodeCards.from_frames(tiny_code_set, notes, 3).card("E11.9")
    assert card["title"] == "Type 2 diabetes mellitus without complications"
    assert card["above"] == ["Type 2 diabetes mellitus"]
    assert card["terms"] == ["Diabetes due to insulin resistance"]
    assert card["excludes"] == ["diabetes with kidney disease", "type 1 diabetes mellitus (E10.-)"]
    assert card["neighbours"] == [("E11.2", "Type 2 diabetes mellitus with kidney complications")]


def test_request_of_the_shipped_prompt(
    tiny_code_set: pd.DataFrame,
    notes: pd.DataFrame,
    prompts: dict[str, Callable[[], str]],
    make_params: Callable[..., GenerationParams],
):
    """All of it is in the request, and language and country in the instructions."""
    cards = CodeCards.from_frames(tiny_code_set, notes, 3)
    writing = Writing(find_prompt(prompts, "queries-3"), cards, make_params(queries={"lay": 2}))
    request = writing.request(Unit("E11.9", "ca"), 1)
    assert request.user == (
        "Code: E11.9\n"
        "Title: Type 2 diabetes mellitus without complications\n"
        "Under: Type 2 diabetes mellitus\n"
        "Includes: Diabetes due to insulin resistance\n"
        "Does not include: diabetes with kidney disease; type 1 diabetes mellitus (E10.-)\n"
        "Close codes, to stay clear of:\n"
        "- E11.2 Type 2 diabetes mellitus with kidney complications\n"
        "\n"
        "Language: Catalan\n"
        "Queries: formal 1, shorthand 1, lay 2"
    )
    assert "native speaker of **Catalan**" in request.system
    assert "Catalonia" in request.system
    assert list(request.schema["properties"]) == [
        "confusables",
        "queries",
    ]  # in this order: first the wrong codes


def test_a_code_of_which_little_is_said(
    tiny_code_set: pd.DataFrame,
    notes: pd.DataFrame,
    prompts: dict[str, Callable[[], str]],
    make_params: Callable[..., GenerationParams],
):
    """Lines without content are left out."""
    cards = CodeCards.from_frames(tiny_code_set, notes, 3)
    writing = Writing(find_prompt(prompts, "queries-3"), cards, make_params())
    lines = writing.request(Unit("I10", "en"), 1).user.splitlines()
    assert [line.split(":")[0] for line in lines if line] == [
        "Code",
        "Title",
        "Includes",
        "Language",
        "Queries",
    ]
