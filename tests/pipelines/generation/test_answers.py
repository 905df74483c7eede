"""How answers are read."""

import json
from typing import Any

import pytest

from codisearch.generators.contract import Answer, Finish
from codisearch.pipelines.generation.answers import (
    BlindCodes,
    Malformed,
    Written,
    WrittenQuery,
    read_blind_codes,
    read_queries,
    schema_of,
)

GOOD = {
    "confusables": [{"code": "E10.9", "qualifier": "aetiology", "difference": "type 1 instead of type 2"}],
    "queries": [{"style": "lay", "query": " azúcar alto ", "noise": "none"}],
}


def read(content: Any, finish: Finish = "stop") -> Any:
    """Read an answer with this content."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return read_queries(Answer(text, finish, "DETAIL"))


def test_a_good_answer():
    """Queries and confusable codes, without blanks around them."""
    found = read(GOOD)
    assert found.fault == ""
    assert found.queries == (WrittenQuery(style="lay", query="azúcar alto", noise="none"),)
    assert found.confusables[0].code == "E10.9"


@pytest.mark.parametrize(
    ("content", "finish", "fault"),
    [
        ("", "stop", "empty"),
        ("  ", "other", "empty"),
        (GOOD, "safety", "safety_block"),
        ('{"queries": [{"style"', "length", "truncated"),
        ('{"queries": [}', "stop", "invalid_json"),
        ("Here you are:", "stop", "invalid_json"),
        ("[" * 100_000, "stop", "invalid_json"),
        ('{"queries": [' + "1" * 5_000 + "]}", "stop", "invalid_json"),
        ("[]", "stop", "wrong_shape"),
        ({"queries": "none"}, "stop", "wrong_shape"),
        ({"query": []}, "stop", "wrong_shape"),
    ],
)
def test_answers_of_no_use(content: Any, finish: Finish, fault: str):
    """Each is told apart, with its detail."""
    found = read(content, finish)
    assert found.fault == fault
    assert found.queries == ()
    assert found.detail or fault == "empty"


def test_a_bad_item_costs_itself_alone():
    """Of three queries one has an unknown style, one no words: the third is read, the others named."""
    content = {
        "queries": [
            {"style": "poem", "query": "a", "noise": "none"},
            {"style": "lay", "words": "b"},
            {"style": "lay", "query": "c", "noise": "none"},
        ]
    }
    first, second, third = read(content).queries
    assert isinstance(first, Malformed)
    assert (first.style, "style" in first.problem) == ("", True)
    assert isinstance(second, Malformed)
    assert (second.style, "query" in second.problem) == ("lay", True)
    assert third == WrittenQuery(style="lay", query="c", noise="none")
    assert read({**GOOD, "queries": ["text", None]}).queries[0].text == '"text"'


def test_texts_that_cannot_be_written():
    """Half of a surrogate pair, which JSON may hold, does not get into a table."""
    (item,) = read('{"queries": [{"style": "lay", "query": "x \\ud83d", "\\udfff": 1}]}').queries
    assert isinstance(item, Malformed)
    (item.text + item.problem).encode("utf-8")


def test_confusable_codes_may_be_missing():
    """Queries are of use without them."""
    found = read({"queries": GOOD["queries"]})
    assert (found.fault, found.confusables, len(found.queries)) == ("", (), 1)


def test_blind_codes():
    """Codes by number; the first of two for a number counts, and a bad item costs itself alone."""
    answers = [
        {"number": 1, "code": "A00"},
        {"number": 1, "code": "B00"},
        {"number": "x"},
        {"number": 3, "code": "C00"},
    ]
    fault, codes = read_blind_codes(Answer(json.dumps({"answers": answers}), "stop"))
    assert (fault, codes) == ("", {1: "A00", 3: "C00"})
    assert read_blind_codes(Answer("", "stop")) == ("empty", {})


@pytest.mark.parametrize("kind", [Written, BlindCodes])
def test_schemas_fit_the_strict_modes(kind: Any):
    """Every object names all its fields as required and allows no others; no choice is an empty string."""
    schema = schema_of(kind)
    for part in (schema, *schema["$defs"].values()):
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False
        for field in part["properties"].values():
            assert "default" not in field
            assert "" not in field.get("enum", ["x"])
