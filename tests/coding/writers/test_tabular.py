"""CSV: read again, it is what was written."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from coding_rows import DIABETES, HEAD, coded, entry
from hypothesis import given, settings
from hypothesis import strategies as st

from codisearch.coding.params import ReadParams
from codisearch.coding.text_files import decoded_lines, records
from codisearch.coding.writers.tabular import CsvWriter
from codisearch.errors import InputError

OWN = (
    "code,title,probability,known,billable,alias,alias_language,alias_source,path,release,status,note,"
    "suggested,review"
)


def text_of(writer: CsvWriter, *rows: object) -> str:
    """Return a whole file."""
    return writer.header() + writer.rows(rows, before=0) + writer.end(len(rows))  # type: ignore[arg-type]


def test_columns() -> None:
    """The input's columns stand first, in their order; then the coding's."""
    assert CsvWriter(HEAD).header() == f"id,query,{OWN}\r\n"


def test_row() -> None:
    """Truths are `true` and `false`, and a path is its codes."""
    assert CsvWriter(HEAD).rows([coded(note="n")], before=0) == (
        "p1,diabetes tipo 2,E11.9,Diabetes mellitus tipo 2 sin complicaciones,0.93,true,true,"
        "Diabetes tipo 2,es,query,E11,2026,coded,n,E11.9,\r\n"
    )


def test_nothing_to_say_is_empty() -> None:
    """An invalid row keeps the input's values, its release, status and reason."""
    row = coded(entry(""), status="invalid", candidates=(), known=None, note="why")
    assert CsvWriter(HEAD).rows([row], before=0) == "p1,,,,,,,,,,,2026,invalid,why,,\r\n"


def test_further_codes_are_columns() -> None:
    """They stand after the first code's columns; rows that have fewer codes leave them empty."""
    writer = CsvWriter(replace(HEAD, columns=("query",), top=2))
    second = replace(DIABETES, code="I10", title="HTA", probability=0.02, billable=False)
    row = entry(kept={"query": "x"})
    text = text_of(writer, coded(row, candidates=(DIABETES, second)), coded(row))
    rows = list(csv.DictReader(io.StringIO(text)))
    names = list(rows[0])
    assert names[names.index("path") + 1 : names.index("release")] == [
        "code_2", "title_2", "probability_2", "billable_2",
    ]  # fmt: skip
    assert [rows[0][name] for name in ("code_2", "title_2", "probability_2", "billable_2")] == [
        "I10", "HTA", "0.02", "false",
    ]  # fmt: skip
    assert rows[1]["code_2"] == ""


def test_as_the_input() -> None:
    """The separator and the byte order mark are those of the head."""
    header = CsvWriter(replace(HEAD, separator=";", bom=True)).header()
    assert header.startswith("\ufeffid;query;code;title;")


def test_values_of_json() -> None:
    """What is no text is written as JSON, and null as nothing."""
    row = coded(entry(kept={"id": None, "query": ["a", 1]}))
    assert CsvWriter(HEAD).rows([row], before=0).startswith(',"[""a"", 1]",E11.9,')


def test_key_that_the_first_row_had_not() -> None:
    """It would have no column: an error, not a loss."""
    with pytest.raises(InputError, match=r"line 2: more is not in the first row.*--to jsonl"):
        CsvWriter(HEAD).rows([coded(entry(kept={"id": "1", "more": "x"}))], before=0)


@settings(deadline=None)
@given(
    values=st.lists(
        st.tuples(st.text(st.characters(codec="utf-8")), st.text('",;|\t\r\n\x0b\x0c\x1c\u2028 a')),
        max_size=5,
    ),
    separator=st.sampled_from([",", ";", "|", "\t"]),
)
def test_round_trip(values: list[tuple[str, str]], separator: str) -> None:
    """Whatever stands in the fields, our own reader gives it back."""
    entries = [
        entry(query, number, kept={"id": identifier, "query": query})
        for number, (identifier, query) in enumerate(values, start=1)
    ]
    writer = CsvWriter(replace(HEAD, separator=separator))
    file = io.BytesIO(text_of(writer, *(coded(one) for one in entries)).encode())
    lines = decoded_lines(file, ReadParams(path=Path("x"), format="csv"))
    _, *rows = [fields for _, fields in records(lines, separator, Path("x"))]
    assert [tuple(row[:2]) for row in rows] == values
    assert all(row[2] == "E11.9" for row in rows)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas(sign: str) -> None:
    """The coding's own cells are none to a spreadsheet; the input's are as they were."""
    candidate = replace(DIABETES, alias=f"{sign}1+1")
    row = coded(entry(kept={"id": f"{sign}2", "query": "x"}), candidates=(candidate,))
    text = text_of(CsvWriter(HEAD), row)
    (cells,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (cells["id"], cells["alias"]) == (f"{sign}2", f"'{sign}1+1")
