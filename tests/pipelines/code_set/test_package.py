"""Tests of the release inside `simple-icd-10-cm`, against facts of the April 2026 release."""

import pandas as pd
import pytest

from codisearch.pipelines.code_set.nodes import load_code_notes, load_code_set, load_index_aliases
from codisearch.pipelines.code_set.package import package_label
from codisearch.pipelines.code_set.params import CodeSetParams
from codisearch.schemas import ALIASES, CODE_NOTES, CODE_SET


@pytest.fixture(scope="module")
def code_set() -> pd.DataFrame:
    """Return the whole release, made once."""
    return CODE_SET.validate(load_code_set(CodeSetParams()))


def row(code_set: pd.DataFrame, code: str) -> dict[str, object]:
    """Return the row of one code."""
    return code_set[code_set["code"] == code].iloc[0].to_dict()


def test_whole_release_is_there(code_set: pd.DataFrame):
    """All headers and billable codes of the release are in, in the 22 chapters, under one label."""
    assert 98_166 <= len(code_set) <= 98_186
    assert 74_706 <= code_set["billable"].sum() <= 74_719
    assert sorted(code_set["chapter"].unique()) == [f"{number:02d}" for number in range(1, 23)]
    assert set(code_set["release"]) == {"ICD-10-CM 2026-04"}


def test_includes_count_as_inclusion_terms(code_set: pd.DataFrame):
    """The everyday name of I10, which stands under its includes, is among its terms."""
    assert row(code_set, "I10") == {
        "code": "I10",
        "title": "Essential (primary) hypertension",
        "category": "I10",
        "chapter": "09",
        "parent": "",
        "billable": True,
        "inclusion_terms": [
            "high blood pressure",
            "hypertension (arterial) (benign) (essential) (malignant) (primary) (systemic)",
        ],
        "release": "ICD-10-CM 2026-04",
    }


def test_block_of_the_same_name_gives_way_to_the_category(code_set: pd.DataFrame):
    """B99 is the category, once, and has no parent."""
    assert (code_set["code"] == "B99").sum() == 1
    assert row(code_set, "B99")["title"] == "Other and unspecified infectious diseases"
    assert row(code_set, "B99")["parent"] == ""
    assert row(code_set, "B99.8")["parent"] == "B99"


def test_seventh_character_codes_are_billable_leaves(code_set: pd.DataFrame):
    """A generated code carries its parent's title with the meaning of its last character."""
    found = row(code_set, "W01.0XXA")
    assert (found["parent"], found["billable"], found["chapter"]) == ("W01.0", True, "20")
    assert str(found["title"]).endswith(", initial encounter")
    assert row(code_set, "W01.0")["billable"] is False


def test_every_parent_is_in_the_code_set(code_set: pd.DataFrame):
    """The tree has no loose ends: billable codes are exactly the leaves."""
    parents = set(code_set["parent"]) - {""}
    assert parents <= set(code_set["code"])
    assert set(code_set.loc[code_set["billable"], "code"]) == set(code_set["code"]) - parents


def test_package_has_no_alphabetic_index(code_set: pd.DataFrame):
    """The package's release gives an empty alias table of the right types."""
    assert len(ALIASES.validate(load_index_aliases(code_set, CodeSetParams()))) == 0


def test_label_comes_from_the_list_of_codes():
    """Year and month are in the file's name; another name gives the package's version."""
    assert package_label(["x.xml", "code-list-October-2027.txt"]) == "ICD-10-CM 2027-10"
    assert package_label(["code-list-Octember-2027.txt"]) == "ICD-10-CM of simple_icd_10_cm 1.5.0"


def test_notes_are_what_codes_exclude(code_set: pd.DataFrame):
    """Both kinds of exclusion of a code, its own alone, for the codes of the code set."""
    notes = CODE_NOTES.validate(load_code_notes(code_set, CodeSetParams())).set_index("code")["excludes"]
    assert "gestational diabetes (O24.4-)" in notes["E11"]
    assert notes["E11.9"] == ["type 2 diabetes mellitus, without complications in remission (E11.A)"]
    assert "E11.21" not in notes.index
    some = load_code_notes(code_set[code_set["category"] == "E11"], CodeSetParams())
    assert set(some["code"]) == {code for code in notes.index if code.startswith("E11")}
