"""The parts of a report."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.reporting.document import (
    Section,
    format_interval,
    format_share,
    format_value,
    table_of_estimates,
    table_of_frame,
    tables_of_facts,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (98466, "98,466"),
        (0.12345, "0.123"),
        (1234.56, "1,234.6"),
        (float("nan"), "–"),
        (None, "–"),
        ("", "–"),
        (["en", 2], "en, 2"),
        ([], "–"),
        ("static", "static"),
    ],
)
def test_values_in_words(value: object, text: str) -> None:
    """Every plain value has a form that a person reads."""
    assert format_value(value) == text


def test_intervals_and_shares() -> None:
    """An interval follows its value, and is left out where there is none."""
    nan = float("nan")
    assert format_interval(0.5, 0.25, 0.75) == "0.500 [0.250, 0.750]"
    assert format_interval(12.3, -1.0, 20.0, form="{:+.1f}") == "+12.3 [-1.0, +20.0]"
    assert format_interval(0.5, nan, nan) == "0.500"
    assert format_interval(nan, nan, nan) == "–"
    assert format_share(0.6123) == "61.2 %"


def test_estimates_as_a_table() -> None:
    """The best of a column is strong, absent cells are dashed, heads have the counts where they differ."""
    rows = pd.DataFrame(
        {
            "system": ["a", "a", "b"],
            "language": ["es", "en", "es"],
            "value": [0.5, 0.25, 0.75],
            "low": float("nan"),
            "high": float("nan"),
            "queries": [10, 2000, 10],
        }
    )
    labels = {"en": "English", "es": "Spanish", "fr": "French"}
    table = table_of_estimates(rows, "language", labels, "caption")
    assert table.columns == ("system", "English (n = 2,000)", "Spanish (n = 10)")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["a", "0.250", "0.500"],
        ["b", "–", "0.750"],
    ]
    assert [[cell.strong for cell in row] for row in table.rows] == [
        [False, False, False],  # there is nothing to be better than
        [False, False, True],
    ]
    plain = table_of_estimates(rows.drop(columns="queries"), "language", labels, "caption")
    assert plain.columns == ("system", "English", "Spanish")


def test_frame_as_a_table() -> None:
    """Columns lose their underscores, the best of those asked for is strong, long tables fold."""
    frame = pd.DataFrame({"encoder": ["a", "b"], "recall@5": [0.25, 0.5], "index_seconds": [9.0, 3.0]})
    table = table_of_frame(frame, "caption", best=("recall@5", "absent"))
    assert table.columns == ("encoder", "recall@5", "index seconds")
    assert [cell.text for row in table.rows for cell in row if cell.strong] == ["0.500"]
    assert not table.folded
    assert table_of_frame(pd.concat([frame] * 7), "caption").folded


def test_facts_as_tables() -> None:
    """Plain facts stand together, nested ones in their own table under their paths."""
    facts = {
        "near_duplicates": 3,
        "before": {"test": {"share": 0.5}, "count": 2},
        "rules": [{"name": "x"}],
        "none": {},
    }
    plain, before, rules = tables_of_facts(facts, "Facts")
    assert [[cell.text for cell in row] for row in plain.rows] == [["near duplicates", "3"]]
    assert before.caption == "Facts: before"
    assert [[cell.text for cell in row] for row in before.rows] == [["test / share", "0.500"], ["count", "2"]]
    assert [[cell.text for cell in row] for row in rules.rows] == [["1 / name", "x"]]


def test_anchor() -> None:
    """A title becomes a name that links can use."""
    assert Section("What training, and more, add").anchor == "what-training-and-more-add"
