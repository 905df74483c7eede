"""Tests of an official release: order file, tabular list and Alphabetic Index."""

import logging
from pathlib import Path

import pytest

from codisearch.errors import InputError
from codisearch.pipelines.code_set.alphabetic_index import read_index
from codisearch.pipelines.code_set.cms import read_order, read_tabular, read_xml
from codisearch.pipelines.code_set.nodes import load_code_set, load_index_aliases
from codisearch.pipelines.code_set.params import CmsParams, CodeSetParams
from codisearch.schemas import ALIASES, CODE_SET


def params(folder: Path, **cms: str) -> CodeSetParams:
    """Return parameters that read the release in this folder."""
    return CodeSetParams(source="cms", cms=CmsParams(folder=folder, **cms))


def test_official_release_becomes_the_code_set(cms_folder: Path):
    """Codes, long titles and flags come from the order file, chapters and terms from the tabular list."""
    frame = CODE_SET.validate(load_code_set(params(cms_folder)))
    assert list(frame["code"]) == ["I21", "I21.9", "W01", "W01.0", "W01.0XXA"]
    assert list(frame["parent"]) == ["", "I21", "", "W01", "W01.0"]
    assert list(frame["chapter"]) == ["09", "09", "20", "20", "20"]
    assert list(frame["billable"]) == [False, True, False, False, True]
    assert frame["title"].iloc[4] == "Fall without subsequent striking against object, initial encounter"
    assert frame["inclusion_terms"].iloc[0] == ["cardiac infarction", "coronary (artery) embolism"]
    assert frame["inclusion_terms"].iloc[1] == ["Myocardial infarction (acute) NOS"]
    assert set(frame["release"]) == {"ICD-10-CM 2027"}


def test_release_label_can_be_set(cms_folder: Path):
    """A label in the parameters goes before the version of the tabular list."""
    assert set(load_code_set(params(cms_folder, release="CIE-10-ES 2026"))["release"]) == {"CIE-10-ES 2026"}


def test_index_paths_become_aliases(cms_folder: Path, caplog: pytest.LogCaptureFixture):
    """Paths are joined without non-essential modifiers, dashes are cut, unknown codes are counted."""
    code_set = load_code_set(params(cms_folder))
    with caplog.at_level(logging.WARNING):
        aliases = ALIASES.validate(load_index_aliases(code_set, params(cms_folder)))
    assert list(zip(aliases["alias"], aliases["code"], strict=True)) == [
        ("Fall, falling, same level", "W01"),
        ("Fall, falling, same level, from slipping", "W01.0"),
        ("Infarct, infarction, heart", "I21.9"),
    ]
    assert set(aliases["language"]) == {"en"}
    assert set(aliases["source"]) == {"alphabetic_index"}
    assert "Alphabetic Index: 1 rows left out" in caplog.text
    assert "'W99.9'" in caplog.text


def test_index_may_be_absent(cms_folder: Path):
    """Without an index file there are no aliases, and that is no error."""
    code_set = load_code_set(params(cms_folder))
    (cms_folder / "icd10cm_index_2027.xml").unlink()
    assert len(ALIASES.validate(load_index_aliases(code_set, params(cms_folder)))) == 0


def test_missing_folder_names_the_expected_files(tmp_path: Path):
    """The message says which files are expected and what is there."""
    with pytest.raises(
        InputError, match=r"icd10c\*order\*\.txt \(order file\).*tabular.*index.*found: nothing"
    ):
        load_code_set(params(tmp_path / "none"))


def test_missing_tabular_list_names_what_is_there(cms_folder: Path):
    """One missing file is named, and the others are listed as found."""
    (cms_folder / "icd10cm_tabular_2027.xml").unlink()
    with pytest.raises(InputError, match=r"No file icd10c\*tabular.*found: .*icd10cm_order_2027\.txt"):
        load_code_set(params(cms_folder))


def test_two_releases_in_a_folder_are_an_error(cms_folder: Path):
    """Two order files leave open which release is meant."""
    (cms_folder / "icd10cm_order_2026.txt").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"One file .* is expected.*order_2026\.txt, icd10cm_order_2027"):
        load_code_set(params(cms_folder))


def test_files_of_two_releases_do_not_mix(cms_folder: Path):
    """A category that only the order file has shows that the files do not belong together."""
    with (cms_folder / "icd10cm_order_2027.txt").open("a", encoding="utf-8") as file:
        file.write(f"00006 {'Z99':<7} 0 {'Dependence':<60} Dependence\n")
    with pytest.raises(InputError, match=r"1 categories of .*such as Z99: are both files"):
        load_code_set(params(cms_folder))


def test_malformed_order_row_is_named_with_its_line(tmp_path: Path):
    """A row without the columns is quoted with file and line."""
    path = tmp_path / "order.txt"
    path.write_text(
        f"00001 I10     1 {'Hypertension':<60} Hypertension\n\nI10;Hypertension\n", encoding="utf-8"
    )
    with pytest.raises(
        InputError, match=r"order\.txt, line 3: expected order number .*found 'I10;Hypertension'"
    ):
        read_order(path)


def test_empty_order_file_is_an_error(tmp_path: Path):
    """An order file without rows is not a release."""
    path = tmp_path / "order.txt"
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds no codes"):
        read_order(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_order_file_in_the_encodings_that_occur(tmp_path: Path, encoding: str):
    """Titles with accents are read from UTF-8 and from the older encoding."""
    path = tmp_path / "order.txt"
    path.write_text(f"00001 {'C841':<7} 0 {'Sézary disease':<60} Sézary disease\n", encoding=encoding)
    assert read_order(path) == [("C84.1", "Sézary disease", False)]


def test_order_file_padded_by_bytes(tmp_path: Path):
    """A short title that is padded by bytes moves the long one by a column, which is still found."""
    path = tmp_path / "order.txt"
    path.write_text(f"00001 {'C841':<7} 0 {'Sézary disease':<59} Sézary disease\n", encoding="utf-8")
    assert read_order(path) == [("C84.1", "Sézary disease", False)]


def test_short_title_that_fills_its_columns(tmp_path: Path):
    """A short title of 60 characters leaves a single blank before the long one."""
    path = tmp_path / "order.txt"
    path.write_text(f"00001 {'A000':<7} 1 {'x' * 60} Long title\n", encoding="utf-8")
    assert read_order(path) == [("A00.0", "Long title", True)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<ICD10CM.tabular><chapter>", "cannot be read as XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "cannot be read as XML"),
        ("<html/>", "not a tabular list: expected <chapter> with <diag> in it, found <html>"),
    ],
)
def test_malformed_tabular_list(tmp_path: Path, content: str, message: str):
    """Broken XML, entities and another document are refused."""
    path = tmp_path / "tabular.xml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_tabular(path)


def test_malformed_index(tmp_path: Path):
    """A document without main terms is not an index."""
    path = tmp_path / "index.xml"
    path.write_text("<ICD10CM.tabular/>", encoding="utf-8")
    with pytest.raises(InputError, match=r"not an Alphabetic Index: .*found <ICD10CM\.tabular>"):
        read_index(path)


def test_index_entry_without_title_takes_the_path_above(tmp_path: Path):
    """A term that lacks a title stands for the one above it."""
    path = tmp_path / "index.xml"
    path.write_text(
        "<i><mainTerm><title>Cholera</title><term><code>A00.9</code></term></mainTerm></i>", encoding="utf-8"
    )
    assert read_index(path) == [("Cholera", "A00.9")]


def test_xml_root_is_returned(tmp_path: Path):
    """A well-formed file is read."""
    path = tmp_path / "a.xml"
    path.write_text("<a/>", encoding="utf-8")
    assert read_xml(path).tag == "a"
