"""CodiEsp as it is published: a zip, a folder or a file."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from codisearch.errors import InputError
from codisearch.pipelines.evaluation.gold import Gold
from codisearch.pipelines.evaluation.gold.codiesp import text_of_spans
from codisearch.schemas import QUERIES

ReadGold = Callable[..., Gold]

TEXT = "Varón con dolor en fosa\nrenal y fiebre. Estenosis en la unión pieloureteral."
CORPUS = {
    "train/trainX.tsv": "S1-1\tDIAGNOSTICO\tn23\tdolor en fosa renal\t10 29\n"
    "S1-1\tPROCEDIMIENTO\tbt41zzz\tecografía\t0 5\n"
    "S1-1\tDIAGNOSTICO\tr50.9\tfiebre\t32 38\n",
    "train/trainD.tsv": "S1-1\tn23\nS1-1\tr50.9\n",
    "train/trainP.tsv": "S1-1\tbt41zzz\n",
    "train/text_files/S1-1.txt": TEXT,
    "dev/devX.tsv": "S1-2\tDIAGNOSTICO\tr50.9\tFiebre\t0 3\n"
    "S1-2\tDIAGNOSTICO\tq62.11\tunión Estenosis\t56 61;40 49\n",
    "dev/devD.tsv": "S1-2\tq62.11\nS1-3\tr50.9\n",
    "dev/text_files/S1-2.txt": TEXT,
    "background/text_files/S1-9.txt": TEXT,
    "README.txt": "Introduction",
}


def write_folder(root: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def write_zip(path: Path, files: dict[str, str]) -> Path:
    """Write files into a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return a folder with a tiny corpus in the form of the published one."""
    return write_folder(tmp_path / "corpora" / "final_dataset_v4_to_publish", CORPUS)


def test_mentions_become_queries(corpus: Path, read_path: ReadGold) -> None:
    """Diagnoses are mentions of their split, whole in each; procedures are counted."""
    gold = read_path(corpus)
    QUERIES.validate(gold.queries)
    assert gold.queries["query"].tolist() == ["dolor en fosa renal", "fiebre", "Fiebre", "unión Estenosis"]
    assert gold.queries["codes"].tolist() == [["N23"], ["R50.9"], ["R50.9"], ["Q62.11"]]
    assert gold.queries["style"].tolist() == ["mention (train)"] * 2 + ["mention (dev)"] * 2
    assert set(gold.queries["language"]) == {"es"}
    assert (gold.rows, gold.skipped) == (5, {"procedure": 1})
    assert gold.examples["procedure"][0].startswith("trainX.tsv, line 2: S1-1 PROCEDIMIENTO bt41zzz")
    assert gold.facts["annotation files"] == ["train/trainX.tsv", "dev/devX.tsv"]
    assert gold.notes["query that several splits have"] == 1


def test_spans_are_checked(corpus: Path, read_path: ReadGold) -> None:
    """`Fiebre` does not stand at 0 to 3; the mention in two pieces and the one over two lines do agree."""
    gold = read_path(corpus)
    note = "mention that its spans do not give"
    assert gold.notes[note] == 1
    assert gold.examples[note] == ["devX.tsv, line 1: S1-2 DIAGNOSTICO r50.9 Fiebre 0 3"]


@pytest.mark.parametrize(
    ("spans", "text"),
    [
        ("0 5", "Varón"),
        ("32 38;0 5", "fiebre Varón"),
        ("10 29", "dolor en fosa renal"),
        ("500 600", ""),
        ("5", None),
        ("a b", None),
        ("-3 5", None),
        ("0 5;", None),
        (f"0 {'9' * 5000}", None),
    ],
)
def test_text_of_spans(spans: str, text: str | None) -> None:
    """Pieces are joined in the order of the spans; what is no span gives nothing."""
    assert text_of_spans(TEXT, spans) == text


def test_documents_become_queries(corpus: Path, read_path: ReadGold) -> None:
    """With `documents` the whole text of each document is a query; one without its text is counted."""
    gold = read_path(corpus, documents=True)
    documents = gold.queries[gold.queries["style"] == "document"]
    assert documents["query"].tolist() == [" ".join(TEXT.split())] * 2
    assert documents["codes"].tolist() == [["N23", "R50.9"], ["Q62.11"]]
    assert gold.skipped == {"procedure": 1, "document without its text": 1}
    assert (gold.rows, len(gold.queries)) == (9, 6)


@pytest.mark.parametrize("place", ["", "final_dataset_v4_to_publish"])
def test_folder_above_and_zip_read_alike(
    corpus: Path, tmp_path: Path, read_path: ReadGold, place: str
) -> None:
    """The folder, the one above it and the zip give the same queries."""
    packed = write_zip(
        tmp_path / "codiesp.zip", {f"{place}/{name}".lstrip("/"): CORPUS[name] for name in CORPUS}
    )
    expected = read_path(corpus, documents=True)
    for path in (packed, corpus.parent):
        found = read_path(path, documents=True)
        assert found.queries.equals(expected.queries)
        assert (found.skipped, found.notes) == (expected.skipped, expected.notes)


def test_single_split_has_plain_mentions(corpus: Path, read_path: ReadGold) -> None:
    """One split needs no name in the style; line numbers need no file."""
    gold = read_path(corpus / "train")
    assert set(gold.queries["style"]) == {"mention"}
    assert gold.examples["procedure"][0].startswith("line 2: ")


def test_single_files(corpus: Path, read_path: ReadGold) -> None:
    """A file of mentions finds its texts beside it; one of documents gives documents."""
    mentions = read_path(corpus / "dev" / "devX.tsv")
    assert mentions.queries["query"].tolist() == ["Fiebre", "unión Estenosis"]
    assert mentions.notes == {"mention that its spans do not give": 1}
    both = read_path(corpus / "dev" / "devX.tsv", documents=True)
    assert both.queries["style"].tolist() == ["mention", "mention", "document"]
    documents = read_path(corpus / "train" / "trainD.tsv")
    assert documents.queries["codes"].tolist() == [["N23", "R50.9"]]
    assert documents.queries["style"].tolist() == ["document"]


def test_table_whose_name_ends_alike_is_a_table(read: ReadGold) -> None:
    """A header with the columns counts for more than the name."""
    assert read("query\tcode\nfiebre\tR50.9\n", "mentionsX.tsv").facts["format"] == "table"


def test_file_without_texts_is_read_unchecked(read: ReadGold) -> None:
    """Editions without spans have four cells; rows of another form and labels of another name are counted."""
    rows = [
        "S1\tDIAGNOSTICO\tn23\tdolor",
        "S1\tSINTOMA\tn23\tdolor",
        "S1\tn23",
        "S1\tDIAGNOSTICO\tn23\t \t1 2",
        "S1\tDIAGNOSTICO\tr50.9\tfiebre\t1 2\r",
        "",
    ]
    gold = read("\n".join(rows), "goldX.tsv")
    assert gold.queries["query"].tolist() == ["dolor", "fiebre"]
    assert gold.notes == {}
    assert gold.skipped == {
        "unknown label": 1,
        "row that does not have the columns of CodiEsp": 1,
        "empty query": 1,
    }


def test_own_list_tells_two_kinds_of_unknown_codes(corpus: Path, read_path: ReadGold) -> None:
    """Z99.8 is on the corpus's own list only, Z99.9 on neither."""
    write_folder(
        corpus.parent, {"codiesp_codes/codiesp-D_codes.tsv": "N23\tCólico\tColic\nz99.8\tx\ty\nno code\t\t\n"}
    )
    with (corpus / "dev" / "devX.tsv").open("a") as file:
        file.write("S1-2\tDIAGNOSTICO\tz99.8\ta\t0 1\nS1-2\tDIAGNOSTICO\tz99.9\tb\t0 1\n")
    gold = read_path(corpus.parent)
    assert gold.skipped == {
        "procedure": 1,
        "code of the gold's own list that the code set lacks": 1,
        "unknown code: neither in the code set nor on the gold's own list": 1,
    }
    assert gold.facts["codes on its own list"] == 2
    assert read_path(corpus).skipped == {"procedure": 1, "code not in the code set": 2}


def test_two_corpora_below_one_folder_are_refused(corpus: Path, read_path: ReadGold) -> None:
    """Two editions side by side would count every mention twice."""
    write_folder(corpus.parent / "older", CORPUS)
    with pytest.raises(InputError, match=r"has both .*trainX.tsv and .*trainX.tsv: name the folder of one"):
        read_path(corpus.parent)


def test_folder_without_the_corpus_is_refused(tmp_path: Path, read_path: ReadGold) -> None:
    """Hidden files and what a Macintosh adds do not count."""
    write_folder(tmp_path / "other", {"notes.txt": "x", ".devX.tsv": "x", "__MACOSX/devX.tsv": "x"})
    with pytest.raises(
        InputError, match=r"No CodiEsp files in .*: expected trainX.tsv, .* 1 files: notes.txt"
    ):
        read_path(tmp_path / "other")


def test_another_encoding_in_a_folder_names_the_file(corpus: Path, read_path: ReadGold) -> None:
    """The encoding that the message advises reads it."""
    for path in corpus.rglob("*.t*"):
        path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    with pytest.raises(InputError, match=r"dev/text_files/S1-2.txt is not UTF-8|trainX.tsv is not UTF-8"):
        read_path(corpus)
    assert len(read_path(corpus, encoding="cp1252").queries) == 4


def test_rows_cannot_open_files_outside(corpus: Path, read_path: ReadGold) -> None:
    """A document named by a path is one without a text, though the path leads to a file."""
    (corpus / "secret.txt").write_text("secret")
    (corpus / "dev" / "devD.tsv").write_text("../../secret\tn23\n")
    gold = read_path(corpus, documents=True)
    assert gold.skipped["document without its text"] == 1
    assert not gold.queries["query"].str.contains("secret").any()
