"""Real mentions from a file."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codisearch.errors import InputError
from codisearch.pipelines.evaluation.gold import Gold, read_gold
from codisearch.schemas import QUERIES

KNOWN = ["I10", "E11", "E11.9", "S02.5XXA", "S02.5XXD", "R50.9"]
TRAINING = ["I10", "S02.5XXA"]


def read(path: Path, text: str | bytes, name: str = "gold.csv") -> Gold:
    """Write a file and read it as gold."""
    file = path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_gold(file, KNOWN, TRAINING, default_language="es")


def test_rows_become_queries(tmp_path: Path) -> None:
    """Rows of one query are gathered, codes normalised, seen and language filled in."""
    gold = read(
        tmp_path,
        "query,code,language\nhipertensión,i10,es\nDM2,e119,ES\nHipertensión ,E11.9,\nfever,R50.9,en\n",
    )
    QUERIES.validate(gold.queries)
    assert gold.queries["query_id"].tolist() == ["gold-0001", "gold-0002", "gold-0003"]
    assert gold.queries["query"].tolist() == ["hipertensión", "DM2", "fever"]
    assert gold.queries["codes"].tolist() == [["I10", "E11.9"], ["E11.9"], ["R50.9"]]
    assert gold.queries["language"].tolist() == ["es", "es", "en"]
    assert gold.queries["seen"].tolist() == [True, False, False]
    assert set(gold.queries["style"]) == {"mention"}
    assert (gold.rows, gold.skipped) == (4, {})


def test_code_without_its_seventh_character_is_kept(tmp_path: Path) -> None:
    """S02.5XX is not a code of the set but begins two of them; one has training pairs, so it is seen."""
    gold = read(tmp_path, "query\tcode\nfractura dental\tS02.5XX\n", "gold.tsv")
    assert gold.queries["codes"].tolist() == [["S02.5XX"]]
    assert gold.queries["seen"].tolist() == [True]


@pytest.mark.parametrize("mark", ["\t", ",", ";", "|"])
def test_separators_are_found(tmp_path: Path, mark: str) -> None:
    """The separator is the one under which the header has the columns, in any order and case."""
    gold = read(tmp_path, f"\ufeffsource{mark}Code{mark} QUERY \nx{mark}I10{mark}tensión alta\n")
    assert gold.queries["query"].tolist() == ["tensión alta"]


def test_bare_quotes_in_tabbed_text_stay(tmp_path: Path) -> None:
    """A quotation mark in a tab-separated file is text, not the start of a cell over several lines."""
    gold = read(tmp_path, 'query\tcode\n"tensión alta\tI10\nfiebre\tR50.9\n', "gold.tsv")
    assert gold.queries["query"].tolist() == ['"tensión alta', "fiebre"]


def test_json_lines(tmp_path: Path) -> None:
    """One object per line; a line that is none is skipped and counted."""
    lines = [json.dumps({"Query": "fiebre", "code": "R50.9"}), "", "[1, 2]", "{"]
    gold = read(tmp_path, "\n".join(lines), "gold.jsonl")
    assert gold.queries["query"].tolist() == ["fiebre"]
    assert gold.skipped == {"row that does not fit the header": 2}
    with pytest.raises(InputError, match="lacks the column code"):
        read(tmp_path, '{"query": "fiebre"}', "gold.jsonl")


def test_unusable_rows_are_counted(tmp_path: Path) -> None:
    """Each reason is counted, and the rest of the file is used."""
    rows = [
        "query,code,language",
        ",I10,es",
        "fiebre,10-I,es",
        "fiebre,R50.9,de",
        "fiebre,Z99.9,es",
        "a,b,c,d",
        "fiebre",
    ]
    gold = read(tmp_path, "\n".join([*rows, "", "tos,R50.9,pt"]))
    assert len(gold.queries) == 1
    assert gold.rows == 7
    assert gold.skipped == {
        "malformed code": 2,
        "empty query": 1,
        "unknown language": 1,
        "code not in the code set": 1,
        "row that does not fit the header": 1,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,icd\nfiebre,R50.9\n", "lacks the column query and code: .* found text, icd"),
        ("", "lacks the column query and code: .* found none"),
        ("query,code\n", "No usable row in .*: .* found it is empty"),
        ("query,code\nfiebre,\n", "No usable row in .*: .* 1 x malformed code"),
        (b"query,code\nfi\xe9bre,R50.9\n", "is not UTF-8: byte 13 is 0xe9"),
        ("query,code\n" + "x" * 200_000 + ",I10\n", "line 2: not a well-formed table"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    """A file that cannot be used says what was expected and what came."""
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_missing_file_and_language_are_refused(tmp_path: Path) -> None:
    """A path without a file and a default language that is none of the six are errors of the user."""
    with pytest.raises(InputError, match="Cannot read the gold file"):
        read_gold(tmp_path / "none.csv", KNOWN, TRAINING, default_language="es")
    with pytest.raises(InputError, match="Unknown language 'de'"):
        read_gold(tmp_path / "none.csv", KNOWN, TRAINING, default_language="de")


@settings(max_examples=40, deadline=None)
@given(codes=st.lists(st.sampled_from(["I10", "E11.9", "x", "Z99.9", ""]), min_size=1))
def test_every_row_is_used_or_counted(tmp_path_factory: pytest.TempPathFactory, codes: list[str]) -> None:
    """Each row is a code of a query or is counted as skipped."""
    path = tmp_path_factory.mktemp("gold")
    text = "query,code\n" + "".join(f"query {number},{code}\n" for number, code in enumerate([*codes, "I10"]))
    gold = read(path, text)
    assert len(gold.queries) + sum(gold.skipped.values()) == gold.rows == len(codes) + 1
