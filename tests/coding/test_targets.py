"""Where a coding is written, and what separates its fields."""

from pathlib import Path

import pytest

from codisearch.coding.params import Separator, WriteParams
from codisearch.coding.targets import check_output, separator_of, target_of
from codisearch.errors import InputError


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", "a.coded.csv"), ("a.TXT", "a.coded.TXT"), ("a.tsv", "a.coded.tsv"), ("a.xlsx", "a.coded.csv"),
     ("a.jsonl", "a.coded.csv")],
)  # fmt: skip
def test_beside_the_input(name: str, expected: str) -> None:
    """A text file keeps its suffix, so that the same program opens the output."""
    assert target_of(Path("x") / name, None, None) == (Path("x") / expected, "csv")


@pytest.mark.parametrize(
    ("name", "asked", "of_input", "expected"),
    [
        ("o.csv", None, ";", ";"),
        ("o.txt", None, "\t", "\t"),
        ("-", None, "\t", "\t"),
        ("o.csv", None, "\t", ","),
        ("o.TSV", None, ";", "\t"),
        ("o.tab", None, ",", "\t"),
        ("o.csv", ";", ",", ";"),
        ("o.csv", "\t", ",", "\t"),
        ("o.tsv", "|", ",", "|"),
    ],
)
def test_separator(name: str, asked: Separator | None, of_input: str, expected: str) -> None:
    """It is the one asked for, else that of the name, else the input's."""
    assert separator_of(WriteParams(path=Path(name), separator=asked), of_input) == expected


@pytest.mark.parametrize("name", ["in.csv", "link.csv", "hard.csv", "sub/../in.csv", "begun.csv"])
def test_output_that_is_the_input(tmp_path: Path, name: str) -> None:
    """By whatever name, and also where the input has the name of its part."""
    file = tmp_path / "in.csv"
    file.write_text("query")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(file)
    (tmp_path / "hard.csv").hardlink_to(file)
    (tmp_path / "begun.csv.part").hardlink_to(file)
    with pytest.raises(InputError, match="is the input: choose another output with --output"):
        check_output(file, tmp_path / name, overwrite=True)
    (tmp_path / "other.csv").write_text("query")
    check_output(file, tmp_path / "other.csv", overwrite=True)
    check_output(Path("-"), file, overwrite=True)


def test_output_that_is_a_folder(tmp_path: Path) -> None:
    """It cannot be replaced by a file, so nothing is coded for it."""
    with pytest.raises(InputError, match="is a folder: give a file with --output"):
        check_output(tmp_path / "in.csv", tmp_path, overwrite=True)


def test_standard_output_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is called like it."""
    monkeypatch.chdir(tmp_path)
    Path("-").write_text("mine")
    check_output(Path("in.csv"), Path("-"), overwrite=False)
