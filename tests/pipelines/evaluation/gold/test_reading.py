"""Which adapter reads a path, and what `read_gold` says of it."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codisearch.errors import InputError
from codisearch.pipelines.evaluation.gold import Gold, read_gold
from codisearch.schemas import QUERIES

ReadGold = Callable[..., Gold]


def test_rows_become_queries(read: ReadGold) -> None:
    """Rows of one query are gathered, codes normalised, seen and language filled in."""
    gold = read(
        "query,code,language\nhipertensión,i10,es\nDM2,e119,ES\nHipertensión ,E11.9,\nfever,R50.9,en\n"
    )
    QUERIES.validate(gold.queries)
    assert gold.queries["query_id"].tolist() == ["gold-0001", "gold-0002", "gold-0003"]
    assert gold.queries["query"].tolist() == ["hipertensión", "DM2", "fever"]
    assert gold.queries["codes"].tolist() == [["I10", "E11.9"], ["E11.9"], ["R50.9"]]
    assert gold.queries["language"].tolist() == ["es", "es", "en"]
    assert gold.queries["seen"].tolist() == [True, False, False]
    assert set(gold.queries["style"]) == {"mention"}
    assert (gold.rows, gold.skipped) == (4, {})


def test_facts_say_all_of_the_file(read: ReadGold) -> None:
    """The report gets counts by reason, examples with their lines, kinds of codes, name and checksum."""
    text = "query,code,language\nfiebre,R50.9,es\ndiabetes,E11,es-ES\nfractura,S02.5XX,\n,I10,es\n"
    assert read(text).facts == {
        "file": "gold.csv",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "format": "table",
        "sources": "none",
        "rows": 4,
        "queries": 3,
        "left out": {"empty query": 1},
        "notes": {"row without a language, read as es": 1},
        "kinds of codes": {
            "billable codes": 1,
            "header codes": 1,
            "codes without their seventh character": 1,
        },
        "queries by style": {"mention": 3},
        "queries by language": {"es": 3},
        "where to look": {"empty query": ["line 5"]},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text,icd\nfiebre,R50.9\n", "lacks the column query and code: .* found text, icd"),
        ("", "is empty or has no header: expected a table with query, code"),
        ("\n \n", "is empty or has no header: expected a table with query, code"),
        ("x" * 200_000, "is empty or has no header: expected a table with query, code"),
        ("query,code\n", "No usable row in .*: .* found it is empty"),
        ("query,code\nfiebre,\n", "No usable row in .*: .* 1 x empty code"),
    ],
)
def test_bad_tables_are_refused(read: ReadGold, text: str, message: str) -> None:
    """A file that cannot be used says what was expected and what came."""
    with pytest.raises(InputError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none.csv", "Cannot read the gold file .*No such file"),
        ("none.csv/inner.csv", "Cannot read the gold file"),
        ("x" * 300, "Cannot read the gold file .*name too long"),
        ("a\0b", "Cannot read the gold file .*null"),
        ("/dev/zero", "/dev/zero is neither a file nor a folder"),
    ],
)
def test_bad_paths_are_refused(tmp_path: Path, read_path: ReadGold, path: str, message: str) -> None:
    """Whatever is wrong with the path is an error of the user."""
    with pytest.raises(InputError, match=message):
        read_path(tmp_path / path)


def test_unknown_default_language_is_refused(tmp_path: Path) -> None:
    """It is named before the file is opened."""
    with pytest.raises(InputError, match="Unknown language 'de'"):
        read_gold(tmp_path / "none.csv", ["I10"], [], default_language="de")


@settings(max_examples=40, deadline=None)
@given(codes=st.lists(st.sampled_from(["I10", "E11.9", "x", "Z99.9", "", "I10;E11", "I10X"]), min_size=1))
def test_every_row_is_used_or_counted(tmp_path_factory: pytest.TempPathFactory, codes: list[str]) -> None:
    """Each row is a query or is counted as skipped."""
    path = tmp_path_factory.mktemp("gold") / "gold.csv"
    path.write_text(
        "query,code\n" + "".join(f"query {number},{code}\n" for number, code in enumerate([*codes, "I10"]))
    )
    gold = read_gold(path, ["I10", "E11", "E11.9"], ["I10"], "es")
    assert len(gold.queries) + sum(gold.skipped.values()) == gold.rows == len(codes) + 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: f"query,code\n{text}".encode("utf-8", "surrogatepass")),
        st.text('",\n\r\t;|aI10', max_size=60).map(lambda text: f"query,code\n{text}".encode()),
        st.binary(max_size=60).map(lambda data: b"PK\x03\x04" + data),
    ),
    name=st.sampled_from(["gold.csv", "gold.jsonl", "gold.zip", "devX.tsv", "devD.tsv"]),
)
def test_nothing_but_an_input_error_is_raised(read: ReadGold, data: bytes, name: str) -> None:
    """Whatever the bytes are, a file is read or refused."""
    with suppress(InputError):
        QUERIES.validate(read(data, name).queries)
