"""Which column of a file means what."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codisearch.coding.columns import Columns, resolve_columns
from codisearch.coding.params import ReadParams
from codisearch.coding.rows import InputRow
from codisearch.errors import InputError


def resolve(names: Sequence[str], *values: Sequence[Any], **options: str) -> Columns:
    """Return the columns of a file of these names and rows."""
    rows = [InputRow(1, "line 2", dict(zip(names, row, strict=True))) for row in values]
    return resolve_columns(names, rows, ReadParams(path=Path("x"), format="csv", **options))


@pytest.mark.parametrize(
    "name",
    ["query", "TEXT", "Diagnóstico", "diagnosi", "Descripció", "Descripción diagnóstico", "Doença", "libellé",
     "sourceName", "source_name"],
)  # fmt: skip
def test_phrases_by_name(name: str) -> None:
    """Case, accents, spaces and punctuation do not matter."""
    assert resolve(["id", name, "ward name"]).phrase == name


def test_phrases_by_values() -> None:
    """The only column of texts is it: numbers, codes, dates and short marks are no texts."""
    columns = resolve(
        ["nr", "what", "sex", "icd", "when"],
        ["1", "asma bronquial", "f", "J45.9", "2026-01-31"],
        ["2", "angina", "m", "I20", "2026-02-01"],
        ["3", "", "m", "", ""],
    )
    assert columns.phrase == "what"


def test_phrases_of_a_single_column() -> None:
    """Whatever its name."""
    assert resolve(["x"]).phrase == "x"


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (
            ["text", "diagnosis"],
            "text and diagnosis may hold the phrases; say which one with --column: text, diag",
        ),
        (["a", "b"], "no column looks like phrases; say which one with --column: a, b"),
    ],
)
def test_phrases_are_not_clear(names: list[str], problem: str) -> None:
    """The message lists the columns."""
    with pytest.raises(InputError, match=problem):
        resolve(names, ["1", "2"])


def test_two_columns_of_texts() -> None:
    """Neither is guessed."""
    with pytest.raises(InputError, match="first and second may hold"):
        resolve(["first", "second"], ["asma aguda", "tos seca"])


def test_values_of_json_are_no_texts() -> None:
    """Lists, objects and null say nothing of a column."""
    assert resolve(["a", "b"], [["x", "y"], "asma aguda"], [{}, None]).phrase == "b"


def test_given() -> None:
    """What the user says counts, not the names."""
    columns = resolve(["text", "diagnosis", "nr"], column="diagnosis", id_column="nr")
    assert (columns.phrase, columns.identifier) == ("diagnosis", "nr")


@pytest.mark.parametrize("option", ["column", "id_column", "language_column", "frequency_column"])
def test_given_but_not_there(option: str) -> None:
    """The message names the option and lists the columns."""
    with pytest.raises(
        InputError, match=f"--{option.replace('_', '-')} 'x': there is no such column; there are"
    ):
        resolve(["text"], **{option: "x"})


def test_others_by_exact_names() -> None:
    """Names that only look like it are not guessed."""
    columns = resolve(["ID", "text", "Language", "frequency", "language_code"])
    assert (columns.identifier, columns.language, columns.frequency) == ("ID", "Language", "frequency")
    assert resolve(["text", "patient_id", "lang"]).identifier is None


def test_own_columns_of_a_first_coding_are_renamed() -> None:
    """A file that has a `code` of its own keeps it; without `review` it was not coded before."""
    columns = resolve(["query", "code", "title", "input_code"])
    assert not columns.reviewed
    assert columns.kept == {
        "query": "query",
        "code": "input_input_code",
        "title": "input_title",
        "input_code": "input_code",
    }
    assert columns.renamed == {"code": "input_input_code", "title": "input_title"}


def test_own_columns_of_a_reviewed_file_are_replaced() -> None:
    """They are not kept, and none of them is taken for the phrases."""
    names = ["what", "ward", "code", "title", "alias", "note", "review", "code_2", "title_2", "alternatives"]
    columns = resolve(names, ["asma aguda", "3", "J45.9", "Asthma", "asma", "see this", "", "", "", ""])
    assert columns.reviewed
    assert columns.phrase == "what"
    assert columns.kept == {"what": "what", "ward": "ward"}


def test_names_of_further_keys() -> None:
    """None takes the name of another, be it of the first row, of this one or of a coding."""
    columns = resolve(["query", "input_status"])
    assert columns.output_names(["query", "status", "", "code", "input_code"]) == {
        "query": "query",
        "status": "input_input_status",
        "": "",
        "code": "input_input_code",
        "input_code": "input_code",
    }
    columns = resolve(["query", "status"])
    assert columns.output_names(["status", "input_status"]) == {
        "status": "input_status",
        "input_status": "input_input_status",
    }
