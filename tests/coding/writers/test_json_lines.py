"""JSON Lines: the input's keys, and values with their types."""

import json
from dataclasses import replace

from coding_rows import DIABETES, HEAD, coded, entry

from codisearch.coding.writers.json_lines import JsonLinesWriter


def test_row() -> None:
    """Kept values have their types, and what there is nothing to say of is null."""
    row = coded(entry(kept={"query": "a\nñ", "n": [1, None]}))
    text = JsonLinesWriter(HEAD).rows([row, row], before=0)
    first, second = text.splitlines()
    assert first == second
    assert "ñ" in first
    assert json.loads(first) == {
        "query": "a\nñ",
        "n": [1, None],
        "code": "E11.9",
        "title": "Diabetes mellitus tipo 2 sin complicaciones",
        "probability": 0.93,
        "known": True,
        "billable": True,
        "alias": "Diabetes tipo 2",
        "alias_language": "es",
        "alias_source": "query",
        "path": ["E11"],
        "release": "2026",
        "status": "coded",
        "note": None,
        "suggested": "E11.9",
        "review": None,
    }


def test_invalid() -> None:
    """A row without a code has null in its place."""
    row = coded(status="invalid", candidates=(), known=None, note="why")
    content = json.loads(JsonLinesWriter(HEAD).rows([row], before=0))
    assert (content["code"], content["known"], content["path"], content["note"]) == (None, None, None, "why")


def test_alternatives() -> None:
    """Further codes are a list; it is there, and empty, where only one was found."""
    writer = JsonLinesWriter(replace(HEAD, top=2))
    lines = writer.rows([coded(candidates=(DIABETES, DIABETES)), coded()], before=0).splitlines()
    assert [json.loads(line)["alternatives"] for line in lines] == [
        [
            {
                "code": "E11.9",
                "title": "Diabetes mellitus tipo 2 sin complicaciones",
                "probability": 0.93,
                "billable": True,
            }
        ],
        [],
    ]
    assert (writer.header(), writer.end(2)) == ("", "")
