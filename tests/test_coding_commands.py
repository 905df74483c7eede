"""`codisearch code`, as a user calls it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import typer
from coding_retriever import FakeRetriever
from coding_rows import read_csv
from typer.testing import CliRunner, Result

from codisearch.coding_commands import code
from codisearch.errors import BundleError, InputError
from codisearch.retrieval.retriever import Retriever

app = typer.Typer()
app.command()(code)
runner = CliRunner()
ASTHMA = "Other and unspecified asthma"
LINES = "id,query\n1,Other and unspecified asthma\n2,\n"


@pytest.fixture(autouse=True)
def fake_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open a fake retriever whatever the bundle."""

    def load(path: Path) -> FakeRetriever:
        if path.name == "none":
            raise BundleError("No bundle at none.")
        return FakeRetriever()

    monkeypatch.setattr(Retriever, "load", load)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of two rows, one of them without a phrase."""
    path = tmp_path / "in.csv"
    path.write_text(LINES, encoding="utf-8")
    return path


def call(*arguments: object, **options: Any) -> Result:
    """Run the command; an error is raised as it is."""
    return runner.invoke(app, [str(one) for one in arguments], catch_exceptions=False, **options)


def fails(*arguments: object) -> str:
    """Return the message of an error that a user can mend."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return str(caught.value)


def test_defaults(file: Path) -> None:
    """The output lies beside the input; what was guessed is said, and the rows are counted by status."""
    result = call(file)
    assert result.exit_code == 0
    assert result.stderr.startswith("2 rows: phrases in 'query', identifiers in 'id', separated by comma.\n")
    table = [line.split("│")[1:3] for line in result.stdout.splitlines() if "│" in line]
    counts = {status.strip(): int(rows) for status, rows in table}
    assert counts == {"coded": 1, "invalid": 1, "all": 2}
    assert result.stdout.endswith(f"Written: {file.with_name('in.coded.csv')}\n")
    assert [row["code"] for row in read_csv(file.with_name("in.coded.csv"))] == ["J45.9", ""]


def test_output_that_exists(file: Path) -> None:
    """It is replaced only if the user says so."""
    output = file.with_name("in.coded.csv")
    output.write_text("mine")
    assert "in.coded.csv exists: choose another with --output, or replace it with --overwrite." in fails(file)
    assert output.read_text() == "mine"
    assert call(file, "--overwrite").exit_code == 0
    assert output.read_text().startswith("id,query,code,")


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("o.csv", "id,query,code"),
        ("o.tsv", "id\tquery\tcode"),
        ("o.usagi.csv", "sourceCode,sourceName,sourceFrequency"),
        ("o.SSSOM.tsv", "# sssom_version: '1.1'"),
        ("o.jsonl", '{"id": "1", "query"'),
        ("o.json", '{"resourceType":"ConceptMap"'),
    ],
)
def test_format_by_name(file: Path, name: str, beginning: str) -> None:
    """The longest ending that is known says the format."""
    output = file.with_name(name)
    call(file, "-o", output)
    assert output.read_text(encoding="utf-8").startswith(beginning)


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("jsonl", "in.coded.jsonl"),
        ("usagi", "in.usagi.csv"),
        ("sssom", "in.sssom.tsv"),
        ("fhir", "in.fhir.json"),
    ],
)
def test_name_by_format(file: Path, to: str, name: str) -> None:
    """Each format has an ending of its own."""
    call(file, "--to", to)
    assert file.with_name(name).exists()


def test_options(file: Path) -> None:
    """They reach the search and the writers."""
    output = file.with_name("o.json")
    call(
        file, "-o", output, "--top", 2, "--precision", "0.99", "--source-system", "urn:x:y", "--under", "J45"
    )
    (group,) = json.loads(output.read_text())["group"]
    assert group["source"] == "urn:x:y"
    assert [one["code"] for one in group["element"][0]["target"]] == ["J45.9"]


def test_separator_by_name(file: Path) -> None:
    """A tab cannot be typed everywhere."""
    file.write_text("id\tquery, and more\n1\tasthma\n")
    result = call(file, "--separator", "tab", "--column", "query, and more")
    assert "phrases in 'query, and more'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--to", "xml"], "--to 'xml': allowed are csv, jsonl, usagi, sssom, fhir."),
        (
            ["-o", "x.pdf"],
            "x.pdf has the suffix '.pdf', which says no format; allowed are .usagi.csv, .sssom.tsv",
        ),
        (["--language", "de"], "Unknown language 'de'"),
        (
            ["--encoding", "klingon"],
            "--encoding 'klingon': is not an encoding that Python knows, such as utf-8",
        ),
        (["--top", "21"], "--top 21: Input should be less than or equal to 20"),
        (["--output-separator", "x"], "--output-separator 'x': Input should be ',', ';', '|' or '\\t'"),
        (["--output-separator", ";", "--to", "fhir"], "--output-separator is for CSV alone, and"),
        (["--header-row", "0"], "--header-row 0: Input should be greater than or equal to 1"),
        (["--separator", "x"], "--separator 'x': Input should be ',', ';', '|' or '\\t'"),
        (["--source-system", "mine"], "--source-system 'mine': is not an absolute URI such as urn:hospital:"),
        (["--input-format", "xls"], "--input-format 'xls': Input should be 'csv', 'tsv', 'xlsx' or 'jsonl'"),
        (["--column", "x"], "--column 'x': there is no such column; there are id, query."),
        (["-o", "none/x.csv"], "there is no folder none"),
    ],
)
def test_wrong_options(file: Path, arguments: list[str], problem: str) -> None:
    """Each message says what is allowed; nothing is written."""
    assert problem in fails(file, *arguments)
    assert os.listdir(file.parent) == ["in.csv"]  # noqa: PTH208


def test_bundle(file: Path) -> None:
    """The input is read before the bundle is opened, which takes longer."""
    with pytest.raises(BundleError, match="No bundle"):
        call(file, "--bundle", "none")
    file.write_text("a,b\n1,2\n")
    assert "no column looks like phrases" in fails(file, "--bundle", "none")


def test_streams() -> None:
    """The codes are all that is on standard output; that nothing can be resumed is said."""
    result = call("-", input=LINES)
    assert result.stdout.splitlines()[1].startswith(f"1,{ASTHMA},J45.9,")
    assert len(result.stdout.splitlines()) == 3
    assert "an interrupted run cannot be gone on with" in result.stderr
    assert "Rows by status" in result.stderr


def test_stream_to_a_file(tmp_path: Path) -> None:
    """It has its name only when it is finished, and the summary is on standard output."""
    output = tmp_path / "o.csv"
    result = call("-", "-o", output, input=LINES)
    assert "Rows by status" in result.stdout
    assert len(read_csv(output)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["o.csv"]


def test_file_to_a_stream(file: Path) -> None:
    """Any format can be piped on."""
    assert json.loads(call(file, "--to", "fhir", "-o", "-").stdout)["resourceType"] == "ConceptMap"


def test_resume(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run says how much the first had done, and that a column has another name."""
    file.write_text("query,title\n" + "Chest pain,x\n" * 5)

    def ending(searches: int) -> Callable[..., Any]:
        whole = FakeRetriever.search_many

        def search_many(self: FakeRetriever, *values: Any, **options: Any) -> Any:
            if len(self.searched) == searches:
                raise RuntimeError("the end")
            return whole(self, *values, **options)

        return search_many

    with monkeypatch.context() as context:
        context.setattr(FakeRetriever, "search_many", ending(2))
        with pytest.raises(RuntimeError, match="the end"):
            call(file, "--batch", 2)
    result = call(file, "--batch", 2)
    assert "4 of them were done by an earlier run." in result.stdout
    assert "Your column 'title' is called 'input_title' in the output." in result.stderr
    assert len(read_csv(file.with_name("in.coded.csv"))) == 5


def test_restart(file: Path) -> None:
    """What is there of another job is dropped."""
    part = file.with_name("in.coded.csv.part")
    part.write_text("something")
    assert "missing or damaged; --restart begins anew" in fails(file)
    assert call(file, "--restart").exit_code == 0
    assert not part.exists()


def test_flagged(file: Path) -> None:
    """How many approved rows need another look is said."""
    file.write_text("query,code,title,review\nasthma,J45.9,Old,approved\nx,Q99,,approved\ny,I10,,approved\n")
    result = call(file)
    assert "coded and reviewed before" in result.stderr
    assert "2 approved rows need another look; see `note`." in result.stdout


def test_no_progress_without_a_terminal(file: Path) -> None:
    """What is said on standard error is a line of words."""
    assert len(call(file).stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--precision", "2"], "`precision` must be between 0.5 and 0.99, came 2.0."),
        (["--chapter", "77"], "Unknown chapter '77'"),
        (["--under", "diabetes"], "Not an ICD-10-CM code: 'diabetes'"),
    ],
)
def test_options_are_checked_before_the_bundle(file: Path, arguments: list[str], problem: str) -> None:
    """A wrong one costs no time."""
    assert problem in fails(file, *arguments, "--bundle", "none")


def test_output_that_is_the_input(file: Path) -> None:
    """Whatever is overwritten, the input is not."""
    link = file.with_name("link.csv")
    link.symlink_to(file)
    for output in (file, link):
        assert "is the input" in fails(file, "-o", output, "--overwrite")
    assert file.read_text() == LINES


def test_output_separator_of_a_workbook(tmp_path: Path) -> None:
    """What a spreadsheet in Spanish opens with a double click."""
    book = openpyxl.Workbook()
    for row in (["List of 2026"], ["id", "query"], [1, ASTHMA], [2, True]):
        book.active.append(row)
    book.save(tmp_path / "in.xlsx")
    call(tmp_path / "in.xlsx", "--output-separator", ";", "--header-row", 2)
    output = tmp_path / "in.coded.csv"
    assert output.read_bytes().startswith(b"\xef\xbb\xbfid;query;code;")
    rows = read_csv(output, ";")
    assert [row["status"] for row in rows] == ["coded", "invalid"]
    assert rows[1]["note"] == "row 4: the phrase is a yes or no, not words: 'TRUE'."


def test_tabs_of_a_text_file(tmp_path: Path) -> None:
    """They stay, as does the suffix."""
    (tmp_path / "in.txt").write_text(f"id\tquery\n1\t{ASTHMA}\n", encoding="utf-16")
    call(tmp_path / "in.txt", "--encoding", "utf-16")
    assert (tmp_path / "in.coded.txt").read_bytes().startswith(b"\xef\xbb\xbfid\tquery\tcode\t")


@pytest.mark.parametrize(
    ("searches", "line"),
    [
        (2, "4 of 5 rows done and kept in {}; the same command goes on."),
        (0, "Interrupted before any of 5 rows was done."),
    ],
)
def test_interrupt(file: Path, monkeypatch: pytest.MonkeyPatch, searches: int, line: str) -> None:
    """It is one line, and the status that shells give it; the same command goes on."""
    file.write_text("query\n" + "".join(f"chest {number}\n" for number in range(5)))
    whole = FakeRetriever.search_many

    def search_many(self: FakeRetriever, *values: Any, **options: Any) -> Any:
        if len(self.searched) == searches:
            raise KeyboardInterrupt
        return whole(self, *values, **options)

    with monkeypatch.context() as context:
        context.setattr(FakeRetriever, "search_many", search_many)
        result = call(file, "--batch", 2)
    part = file.with_name("in.coded.csv.part")
    assert result.exit_code == 130
    assert result.stderr.splitlines()[1:] == [line.format(part)]
    assert part.exists() == (searches > 0)
    assert call(file, "--batch", 2).exit_code == 0
    assert len(read_csv(file.with_name("in.coded.csv"))) == 5


def test_output_that_is_a_folder(file: Path, tmp_path: Path) -> None:
    """It is said before anything is coded, also where an output may be replaced."""
    folder = tmp_path / "out.csv"
    folder.mkdir()
    assert "out.csv is a folder" in fails(file, "-o", folder, "--overwrite", "--bundle", "none")
