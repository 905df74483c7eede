"""The file for Usagi, read as Usagi reads it."""

import re
from dataclasses import replace

from coding_rows import HEAD, coded, entry

from codisearch.coding.writers.usagi import UsagiWriter


def as_usagi_reads(text: str) -> list[list[str]]:
    """Return the fields of each line as Usagi's ReadCSVFile takes them: line by line, quotes escaped."""
    rows = []
    for line in text.splitlines():
        fields = re.findall(r'(?:^|,)("(?:\\.|[^"\\])*"|(?:\\.|[^,\\])*)', line)
        bare = [
            field[1:-1] if field[:1] == field[-1:] == '"' and len(field) > 1 else field for field in fields
        ]
        rows.append([field.replace('\\"', '"').replace("\\\\", "\\") for field in bare])
    return rows


def test_source_codes() -> None:
    """The three columns that Usagi asks for stand first; all others are additional information."""
    writer = UsagiWriter(HEAD)
    header, row = as_usagi_reads(writer.header() + writer.rows([coded(entry(frequency=12))], before=0))
    assert header[:5] == ["sourceCode", "sourceName", "sourceFrequency", "code", "title"]
    assert header[-3:] == ["review", "id", "query"]
    assert row[:4] == ["p1", "diabetes tipo 2", "12", "E11.9"]
    assert row[4] == "Type 2 diabetes mellitus without complications"  # not the Spanish one
    assert len(set(header)) == len(header) == len(row)


def test_fields_that_would_break_a_line() -> None:
    """Usagi ends a row with the line and knows no doubled quotes."""
    phrase = 'a "b",\n c\\d, e'
    writer = UsagiWriter(HEAD)
    (row,) = as_usagi_reads(writer.rows([coded(entry(phrase))], before=0))
    assert row[1] == 'a "b", c\\d, e'
    assert len(row) == len(as_usagi_reads(writer.header())[0])


def test_columns_of_the_same_name() -> None:
    """Usagi refuses them, so the input's are renamed."""
    writer = UsagiWriter(replace(HEAD, columns=("sourceName",)))
    (header,) = as_usagi_reads(writer.header())
    assert header[-1] == "input_sourceName"
    row = coded(entry("asma", kept={"sourceName": "asma"}))
    assert as_usagi_reads(writer.rows([row], before=0))[0][-1] == "asma"
