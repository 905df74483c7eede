"""Tests of the corpus folder: reading, every rule, and writing."""

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DataCatalog, DatasetError

from codisearch.datasets import corpus
from codisearch.datasets.corpus import CorpusDataset, read_corpus, write_corpus
from codisearch.datasets.corpus_rows import COLUMNS
from codisearch.errors import InputError, StorageError
from codisearch.languages import LANGUAGES
from codisearch.schemas import RAW_PAIRS

HEADER = ",".join(COLUMNS)


def line(
    pair_id: str, query: str = "dolor torácico", code: str = "R07.9", language: str = "es", style: str = "lay"
) -> str:
    """Return a line of a corpus file."""
    return f"{pair_id},{query},{code},{language},{style},,model,0123456789ab,2026-11-23"


def write(folder: Path, name: str, *lines: str, header: str = HEADER) -> None:
    """Write a corpus file of these lines."""
    (folder / name).write_text("\n".join([header, *lines, ""]), encoding="utf-8")


def make_pairs(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    """Return pairs of (query, code, language, style), numbered."""
    full = [
        (
            f"{language}-{code}-{style}-{number}",
            query,
            code,
            language,
            style,
            "",
            "model",
            "0123456789ab",
            "2026-11-23",
        )
        for number, (query, code, language, style) in enumerate(rows)
    ]
    return pd.DataFrame(full, columns=list(COLUMNS), dtype="str")


def test_files_become_one_table(tmp_path: Path):
    """Languages come in the order of the vocabulary, rows in that of their file, texts as they stand."""
    write(tmp_path, "fr.csv", line("f1", '"fièvre, toux"', language="fr"))
    write(tmp_path, "es.csv", line("e2"), line("e1", style="shorthand"))
    pairs = RAW_PAIRS.validate(read_corpus(tmp_path))
    assert list(pairs["pair_id"]) == ["e2", "e1", "f1"]
    assert pairs["query"].iloc[2] == "fièvre, toux"


def test_columns_may_stand_in_another_order(tmp_path: Path):
    """The header names the fields, so their order is free."""
    reverse = line("e1").split(",")[::-1]
    write(tmp_path, "es.csv", ",".join(reverse), header=",".join(COLUMNS[::-1]))
    assert read_corpus(tmp_path)["code"].tolist() == ["R07.9"]


def test_every_malformed_row_of_every_file_is_reported(tmp_path: Path):
    """One message holds all problems with file, line and rule; good rows are not mentioned."""
    write(
        tmp_path,
        "es.csv",
        line("e1"),
        line("e2", query=" "),
        line("e3") + ",extra",
        line("e4", code="r07.9"),
        line("e5", style="poetic"),
        line("e1"),
        "",
    )
    write(tmp_path, "fr.csv", line("f1", language="de"), line("f2", language="es"), line("e1", language="fr"))
    write(tmp_path, "it.csv", header="pair_id,query,code")
    write(tmp_path, "pt.csv", header=f"{HEADER},note")
    write(tmp_path, "notes.csv", "anything")
    (tmp_path / "ca.csv").write_bytes(HEADER.encode() + b"\n" + line("c1").encode("cp1252"))
    with pytest.raises(InputError) as caught:
        read_corpus(tmp_path)
    text = str(caught.value)
    assert text.splitlines()[0] == f"The corpus in {tmp_path} is malformed in 13 places:"
    for expected in (
        "ca.csv, line 2: not UTF-8: byte 0xe1",
        "es.csv, line 3: empty query",
        "es.csv, line 4: expected 9 fields, found 10",
        "es.csv, line 5: code 'r07.9' is not of the ICD-10-CM form",
        "es.csv, line 6: unknown style 'poetic'; allowed are formal, shorthand, lay, title",
        "es.csv, line 7: duplicate pair_id 'e1', first in es.csv, line 2",
        "es.csv, line 8: expected 9 fields, found 0",
        "fr.csv, line 2: unknown language 'de'; allowed are en, es, ca, it, pt, fr",
        "fr.csv, line 3: language 'es' differs from the file's",
        "fr.csv, line 4: duplicate pair_id 'e1', first in es.csv, line 2",
        "it.csv, line 1: missing column language, style, noise, source, prompt_hash, created; expected",
        "pt.csv, line 1: unknown or repeated column; expected",
        "notes.csv, line 1: unknown language in the file's name",
    ):
        assert expected in text
    assert len(text.splitlines()) == 14


def test_at_most_twenty_problems_are_shown(tmp_path: Path):
    """Of 23 problems 20 are shown, and the rest is counted."""
    write(tmp_path, "es.csv", *(line(f"e{number}", query="") for number in range(23)))
    with pytest.raises(InputError) as caught:
        read_corpus(tmp_path)
    lines = str(caught.value).splitlines()
    assert "in 23 places" in lines[0]
    assert len(lines) == 22
    assert lines[-1] == "  ... and 3 more"


def test_line_of_a_row_after_one_of_several_lines(tmp_path: Path):
    """A quoted line break counts as a line, and a row is named by its first."""
    write(tmp_path, "es.csv", line("e1", query='"dolor\ntorácico"'), line("e2", query='"\n"'))
    with pytest.raises(InputError, match=r"es\.csv, line 4: empty query"):
        read_corpus(tmp_path)


def test_broken_quotes_are_a_problem_of_the_file(tmp_path: Path):
    """A stray quotation mark stops that file with its line, not the report."""
    write(tmp_path, "es.csv", line("e1"), line("e2", query='"dolor" fuerte'))
    with pytest.raises(InputError, match=r"es\.csv, line 3: not CSV from here on"):
        read_corpus(tmp_path)


def test_code_that_no_release_has_is_not_an_error_here(tmp_path: Path):
    """A code of the right form passes; whether it exists is a question for curation."""
    write(tmp_path, "es.csv", line("e1", code="Z99.9999"))
    assert len(read_corpus(tmp_path)) == 1


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_corpus_that_is_not_there(tmp_path: Path, name: str):
    """A missing or empty folder is named with what is expected in it."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError, match=rf"No corpus in .*{name}: expected at least one file <language>\.csv"
    ):
        read_corpus(tmp_path / name)


def test_dataset_in_a_catalog(tmp_path: Path):
    """The catalog loads the folder, says whether it is there, and puts its name before the error."""
    config = {
        "type": "codisearch.datasets.corpus.CorpusDataset",
        "filepath": str(tmp_path),
        "metadata": {"a": 1},
    }
    catalog = DataCatalog.from_config({"corpus": config})
    assert not catalog.exists("corpus")
    with pytest.raises(DatasetError, match=r"^corpus: No corpus in") as caught:
        catalog.load("corpus")
    assert isinstance(caught.value.__cause__, InputError)
    write(tmp_path, "es.csv", line("e1"))
    assert catalog.exists("corpus")
    assert len(catalog.load("corpus")) == 1


def test_dataset_is_read_only(tmp_path: Path):
    """A run cannot overwrite its raw data."""
    with pytest.raises(DatasetError, match="read-only"):
        CorpusDataset(filepath=str(tmp_path)).save(make_pairs([]))  # type: ignore[arg-type]


def test_written_files_are_in_stable_order(tmp_path: Path):
    """Rows are sorted by code and style, columns by the schema, lines end in a line feed."""
    pairs = make_pairs(
        [
            ("b", "I10", "es", "lay"),
            ("a", "A00", "es", "shorthand"),
            ("c", "A00", "es", "formal"),
            ("d", "A00", "fr", "lay"),
        ]
    )
    assert write_corpus(pairs, tmp_path / "new") == [tmp_path / "new" / "es.csv", tmp_path / "new" / "fr.csv"]
    assert (tmp_path / "new" / "es.csv").read_bytes().decode() == (
        f"{HEADER}\n"
        "es-A00-formal-2,c,A00,es,formal,,model,0123456789ab,2026-11-23\n"
        "es-A00-shorthand-1,a,A00,es,shorthand,,model,0123456789ab,2026-11-23\n"
        "es-I10-lay-0,b,I10,es,lay,,model,0123456789ab,2026-11-23\n"
    )
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["es.csv", "fr.csv"]


_queries = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(str.strip)
_rows = st.tuples(
    _queries,
    st.sampled_from(["I10", "A00.1", "S52.501A"]),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["lay", "title"]),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(_rows, min_size=1, max_size=6))
def test_round_trip(rows: list[tuple[str, str, str, str]]):
    """What is written is read back, whatever the query holds: quotes, commas, line breaks."""
    pairs = make_pairs(rows)
    with tempfile.TemporaryDirectory() as folder:
        write_corpus(pairs, Path(folder))
        found = read_corpus(Path(folder))
    order = {"by": "pair_id", "ignore_index": True}
    pd.testing.assert_frame_equal(found.sort_values(**order), pairs.sort_values(**order))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (make_pairs([("x", "nonsense", "es", "lay")]), r"es\.csv, line 2: code 'nonsense'"),
        (make_pairs([("x", "I10", "../es", "lay")]), r"Unknown language '\.\./es'"),
        (
            make_pairs([("x", "I10", "es", "lay")]).drop(columns="style"),
            "Pairs without style; expected columns",
        ),
        (make_pairs([]), "No pairs to write"),
    ],
)
def test_failed_write_leaves_what_was_there(tmp_path: Path, pairs: pd.DataFrame, message: str):
    """Pairs that could not be read back are refused, and the folder is as before."""
    write(tmp_path, "es.csv", line("e1"))
    before = (tmp_path / "es.csv").read_bytes()
    with pytest.raises(InputError, match=message):
        write_corpus(pairs, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["es.csv"]
    assert (tmp_path / "es.csv").read_bytes() == before


def test_other_languages_are_left_alone(tmp_path: Path):
    """Writing French does not touch the Spanish file."""
    write(tmp_path, "es.csv", line("e1"))
    write_corpus(make_pairs([("toux", "R05.9", "fr", "lay")]), tmp_path)
    assert list(read_corpus(tmp_path)["language"]) == ["es", "fr"]


def test_folder_that_cannot_be_written(tmp_path: Path):
    """A file in the folder's place is a storage error."""
    (tmp_path / "corpus").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        write_corpus(make_pairs([("x", "I10", "es", "lay")]), tmp_path / "corpus")


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A disk that is full is a storage error, and nothing half written stays behind."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus, "_csv_line", full)
    with pytest.raises(StorageError, match="No space left"):
        write_corpus(make_pairs([("x", "I10", "es", "lay")]), tmp_path)
    assert list(tmp_path.iterdir()) == []
