"""Reading rows from files of four formats."""

import codecs
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from codisearch.coding import workbooks
from codisearch.coding.params import ReadParams
from codisearch.coding.readers import format_of, open_table
from codisearch.errors import InputError

Write = Callable[..., Path]


def read(path: Path, **options: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """Return number, place and values of each row of a file."""
    params = ReadParams.model_validate({"path": path, "format": format_of(path)} | options)
    with open_table(params) as table:
        return [(row.number, row.place, dict(row.values)) for row in table.rows]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "csv"),
        ("A.CSV", "csv"),
        ("a.tsv", "tsv"),
        ("a.xlsx", "xlsx"),
        ("a.b.jsonl", "jsonl"),
        ("-", "csv"),
    ],
)
def test_format_of(name: str, expected: str) -> None:
    """The suffix says it, in any case; standard input is CSV."""
    assert format_of(Path(name)) == expected


def test_format_of_nothing_known() -> None:
    """The message says what is allowed and how to go on."""
    with pytest.raises(
        InputError, match=r"a\.xls has the suffix '\.xls', allowed are \.csv,.*--input-format"
    ):
        format_of(Path("a.xls"))


def test_csv(write: Write) -> None:
    """Empty lines are no rows; a row with a line break in it stands where it begins."""
    path = write(["id,query", '1,"chest', 'pain"', "", '2,"a ""b"", c"'])
    assert read(path) == [
        (1, "line 2", {"id": "1", "query": "chest\npain"}),
        (2, "line 5", {"id": "2", "query": 'a "b", c'}),
    ]


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_separator_is_guessed(write: Write, separator: str) -> None:
    """What splits all lines alike wins, though the texts hold the others as well."""
    path = write([separator.join(["id", "query"]), separator.join(["1", '"asthma, acute; severe | x"'])])
    with open_table(ReadParams(path=path, format="csv")) as table:
        assert (table.separator, table.guessed, table.columns) == (separator, True, ("id", "query"))
        assert [row.values["query"] for row in table.rows] == ["asthma, acute; severe | x"]


def test_separator_by_all_rows(write: Write) -> None:
    """The header splits by both; only the semicolon splits the rows as the header."""
    path = write(["id;name, given;text", "1;Ana;asthma", "2;Eva;angina"])
    assert read(path)[0][2] == {"id": "1", "name, given": "Ana", "text": "asthma"}


def test_separator_of_one_column(write: Write) -> None:
    """Then there is nothing to separate."""
    assert read(write(["query", "asthma"])) == [(1, "line 2", {"query": "asthma"})]


def test_separator_is_ambiguous(write: Write) -> None:
    """The message names the candidates; the user decides."""
    path = write(["a;b,c", "1;2,3"])
    with pytest.raises(InputError, match="comma and semicolon both split its first line into 2 fields"):
        read(path)
    assert read(path, separator=",")[0][2] == {"a;b": "1;2", "c": "3"}


def test_bom(write: Write) -> None:
    """The byte order mark is no part of the first name."""
    path = write(["query", "asma"], encoding="utf-8-sig")
    with open_table(ReadParams(path=path, format="csv")) as table:
        assert (table.columns, table.bom) == (("query",), True)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-8"])
def test_encodings(write: Write, encoding: str) -> None:
    """Also those of two bytes a letter."""
    path = write(["query,x", "dolor torácico,ñ"], encoding=encoding)
    assert read(path, encoding=encoding)[0][2] == {"query": "dolor torácico", "x": "ñ"}


def test_bytes_that_do_not_fit(write: Write) -> None:
    """The message names line, byte and encoding."""
    path = write(["query", "asma", "torácico"], encoding="cp1252")
    with pytest.raises(InputError, match=r"in\.csv, line 3: byte 0xe1 does not fit the encoding utf-8; give"):
        read(path)


def test_bytes_that_do_not_fit_two_by_two(write: Write, tmp_path: Path) -> None:
    """A line cannot be told from bytes then."""
    path = tmp_path / "odd.csv"
    path.write_bytes(codecs.BOM_UTF16_LE + "query\nasma\n".encode("utf-16-le") + b"x")
    with pytest.raises(InputError, match="bytes do not fit the encoding utf-16"):
        read(path, encoding="utf-16")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["a,b", "1,2", "1,2,3"], "line 3: 3 fields where the header has 2"),
        (["a,b", "1,2", "1"], "line 3: 1 fields where the header has 2"),
        (["a,b", "1,2", '1,"x'], "line 3: unexpected end of data"),
        (["a,b", '1,"x"y'], "line 2: ',' expected after '\"'"),
        (["a,b,a", "1,2,3"], "several columns of the same name: a"),
        (["", ""], "is empty"),
    ],
)
def test_malformed_csv(write: Write, lines: list[str], problem: str) -> None:
    """The message names the line."""
    with pytest.raises(InputError, match=problem):
        read(write(lines), separator=",")


def test_column_without_a_name(write: Write) -> None:
    """An exported index has none."""
    assert read(write([",query", "0,asma"]))[0][2] == {"column_1": "0", "query": "asma"}


def test_json_lines(write: Write) -> None:
    """Values have their types, and rows their own keys."""
    path = write(['{"query": "asma", "n": 1}', "", '{"query": null, "more": [1]}'], "in.jsonl")
    assert read(path) == [
        (1, "line 1", {"query": "asma", "n": 1}),
        (2, "line 3", {"query": None, "more": [1]}),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 2: not a JSON object"),
        ("[1]", r"line 2: expected a JSON object, came '\[1\]"),
        ('{"a": "\\ud800"}', "line 2: not a JSON object.*surrogates not allowed"),
    ],
)
def test_malformed_json(write: Write, line: str, problem: str) -> None:
    """The message names the line."""
    with pytest.raises(InputError, match=problem):
        read(write(['{"a": "x"}', line], "in.jsonl"))


def test_pair_of_surrogates(write: Write) -> None:
    """Two halves are one character."""
    assert read(write(['{"a": "\\ud83d\\ude00"}'], "in.jsonl"))[0][2] == {"a": "😀"}


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """Return a workbook of two sheets; the second has gaps, numbers, a date and a truth."""
    book = openpyxl.Workbook()
    book.active.append(["query"])
    sheet = book.create_sheet("More")
    for row in (
        ["id", "query", "when", "yes", "x", None],
        [1.0, "asma", date(2026, 1, 31), True, 1.5, None],
        [None] * 6,
        [2, "tos", datetime(2026, 3, 1, 8, 30)],
        [None, ""],
    ):
        sheet.append(row)
    path = tmp_path / "in.xlsx"
    book.save(path)
    return path


def test_workbook(workbook: Path) -> None:
    """Numbers, dates and truths are texts; short rows are filled, empty ones at the end left out."""
    assert read(workbook) == []
    assert read(workbook, sheet="More") == [
        (1, "row 2", {"id": "1", "query": "asma", "when": "2026-01-31", "yes": "TRUE", "x": "1.5"}),
        (2, "row 3", dict.fromkeys(["id", "query", "when", "yes", "x"], "")),
        (3, "row 4", {"id": "2", "query": "tos", "when": "2026-03-01 08:30:00", "yes": "", "x": ""}),
    ]


def test_sheet_that_is_not_there(workbook: Path) -> None:
    """The message lists the sheets."""
    with pytest.raises(InputError, match="no sheet 'Less'; it has Sheet, More"):
        read(workbook, sheet="Less")


def test_no_workbook(write: Write) -> None:
    """A wrong suffix is said so."""
    with pytest.raises(InputError, match="is not a workbook in XLSX format"):
        read(write(["query"], "in.xlsx"))


def test_no_file(tmp_path: Path) -> None:
    """The message is the system's."""
    with pytest.raises(InputError, match=r"Cannot read .*none\.csv: No such file"):
        read(tmp_path / "none.csv")


def test_workbook_from_a_stream() -> None:
    """Its end would have to be read first."""
    with pytest.raises(InputError, match="cannot be read from standard input"):
        read(Path("-"), format="xlsx")


def test_rows_come_one_by_one(write: Write) -> None:
    """A mistake further down does not keep the rows before it from being read."""
    path = write(["a,b", *["1,2"] * 100, "1"])
    with open_table(ReadParams(path=path, format="csv")) as table:
        assert next(table.rows).number == 1
        with pytest.raises(InputError, match="line 102"):
            list(table.rows)


def test_json_of_a_list_is_kept(write: Write) -> None:
    """Values of all kinds are kept."""
    value = {"query": "asma", "codes": ["A", {"b": None}]}
    assert read(write([json.dumps(value)], "in.jsonl"))[0][2] == value


@pytest.mark.parametrize(
    ("written", "read_as", "bom"),
    [("utf-8", "utf-8", False), ("utf-8-sig", "utf-8", True), ("utf-8-sig", "utf-8-sig", True),
     ("cp1252", "cp1252", True), ("utf-16", "utf-16", True), ("utf-16-le", "utf-16-le", True)],
)  # fmt: skip
def test_bom_by_encoding(write: Write, written: str, read_as: str, bom: bool) -> None:
    """A spreadsheet takes a file without one for what it was, and the output is UTF-8."""
    path = write(["query,x", "torácico,ñ"], encoding=written)
    with open_table(ReadParams(path=path, format="csv", encoding=read_as)) as table:
        assert (table.columns, table.bom) == (("query", "x"), bom)


def test_list_of_texts_with_commas(write: Write) -> None:
    """What nothing separates in the header is one column."""
    lines = ["Diagnòstic", "fractura de canell, caiguda", '"asma, aguda"', "tos; febre", "a, b, c"]
    path = write(lines)
    assert [row["Diagnòstic"] for _, _, row in read(path)] == [
        "fractura de canell, caiguda", "asma, aguda", "tos; febre", "a, b, c",
    ]  # fmt: skip
    with open_table(ReadParams(path=path, format="csv")) as table:
        assert (table.separator, table.guessed) == (",", False)


def test_list_with_a_wrong_quote(write: Write) -> None:
    """The message does not show what stands for no separator."""
    with pytest.raises(InputError, match="line 2: 'end of line' expected after"):
        read(write(["query", '"asma" aguda']))


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        (["id;query", "1;asma", "2;tos"], {"id": "1", "query": "asma"}),
        (["a,b,c", "1,asma,x"], {"a": "1", "b": "asma", "c": "x"}),
    ],
)
def test_title_above_a_table(write: Write, rows: list[str], first: dict[str, str]) -> None:
    """It is no list of one column; who has such a list can say so."""
    path = write(["Diagnoses of 2026", "", *rows])
    with pytest.raises(InputError, match=r"each row has \d fields; give the line of the header"):
        read(path)
    assert read(path, header_row=3)[0][1:] == ("line 4", first)
    assert [row["Diagnoses of 2026"] for _, _, row in read(path, header_row=1)] == rows


def test_header_row_counts_lines(write: Write) -> None:
    """Errors further down name the line of the file."""
    path = write(["Diagnoses, of 2026", "id,query", "1,asma", "2"])
    with pytest.raises(InputError, match="line 4: 1 fields where the header has 2; a field that holds"):
        read(path, header_row=2)
    with pytest.raises(InputError, match="--header-row 9 holds no names of columns"):
        read(path, header_row=9)


def test_header_row_of_a_workbook(tmp_path: Path) -> None:
    """The message speaks of cells, and rows have the numbers of the sheet."""
    book = openpyxl.Workbook()
    for row in (["Diagnoses of 2026"], [], ["id", "query"], [], [1, "asma"]):
        book.active.append(row)
    path = tmp_path / "in.xlsx"
    book.save(path)
    with pytest.raises(
        InputError, match=r"row 3: a value in column B, which has no name in row 1; .*--header"
    ):
        read(path)
    assert read(path, header_row=3) == [
        (1, "row 4", {"id": "", "query": ""}),
        (2, "row 5", {"id": "1", "query": "asma"}),
    ]
    with pytest.raises(InputError, match="--header-row 2 holds no names of columns"):
        read(path, header_row=2)


def test_header_row_of_json_lines(write: Write) -> None:
    """There is none."""
    with pytest.raises(InputError, match="JSON Lines have no header"):
        read(write(['{"query": "asma"}'], "in.jsonl"), header_row=2)


def test_damaged_workbook(workbook: Path, tmp_path: Path) -> None:
    """A workbook that is cut off in its sheet or in its table of contents is no traceback."""
    content = workbook.read_bytes()
    for name, cut in (("short.xlsx", content[: len(content) // 2]), ("empty.xlsx", b"")):
        (tmp_path / name).write_bytes(cut)
        with pytest.raises(InputError, match=r"not a workbook|damaged"):
            read(tmp_path / name)
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(workbook) as whole, zipfile.ZipFile(broken, "w") as target:
        for member in whole.namelist():
            data = whole.read(member)
            target.writestr(member, data[:-40] if member.endswith("sheet2.xml") else data)
    with pytest.raises(InputError, match=r"is damaged: .*Open it and save it again"):
        read(broken, sheet="More")


def test_workbook_of_a_gigabyte(workbook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook that unpacks to more than can be read is refused before it is opened."""
    monkeypatch.setattr(workbooks, "LARGEST_MEMBER", 100)
    with pytest.raises(InputError, match=r"unpacks to .* MiB; at most .* MiB are read"):
        read(workbook)


def test_carriage_returns(tmp_path: Path) -> None:
    """Lines may end with them alone, and fields may hold them."""
    path = tmp_path / "old.csv"
    path.write_bytes('id,query\r1,"dolor\rtorácico"\r2,tos\r'.encode("cp1252"))
    assert read(path, encoding="cp1252") == [
        (1, "line 2", {"id": "1", "query": "dolor\rtorácico"}),
        (2, "line 4", {"id": "2", "query": "tos"}),
    ]


def test_long_fields(write: Write) -> None:
    """A report fits, what a quote left open swallows does not."""
    report = "x, " * 40_000
    assert read(write(["id,report", f'1,"{report}"']))[0][2]["report"] == report
    with pytest.raises(
        InputError, match=r"line 2: a field has more than 131,072 characters; is a quote left"
    ):
        read(write(["id,report", '1,"', *["x, " * 1000] * 400]))


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999"])
def test_numbers_that_json_has_not(write: Write, value: str) -> None:
    """Python would read and write them, and no other program would read the output."""
    with pytest.raises(InputError, match=f"line 1: not a JSON object: {value} is no number"):
        read(write([f'{{"query": "asma", "n": {value}}}'], "in.jsonl"))


def test_sheet_of_a_chart(tmp_path: Path) -> None:
    """It has no cells: the first sheet that has some is read."""
    book = openpyxl.Workbook()
    book.active.append(["query"])
    book.active.append(["asma"])
    book.create_chartsheet("Chart", 0).add_chart(openpyxl.chart.BarChart())
    path = tmp_path / "in.xlsx"
    book.save(path)
    assert [values for _, _, values in read(path)] == [{"query": "asma"}]
    with pytest.raises(InputError, match="no sheet 'Chart'; it has Sheet"):
        read(path, sheet="Chart")


def test_workbook_that_hides_its_size(tmp_path: Path) -> None:
    """A few bytes that become very many are no table."""
    path = tmp_path / "in.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", bytes(1 << 25))
    with pytest.raises(
        InputError, match=r"unpacks to more than 300 times its size, .* Save the sheet as CSV"
    ):
        read(path)
