"""Coding with the real retriever over a tiny bundle, from the first coding to the one after a review."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from bundles import make_bundle, static_encoder_of
from coding_rows import params_of, read_csv, run

from codisearch.retrieval.retriever import Retriever
from codisearch.retrieval.trained import open_cross_encoder

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from transformers import PreTrainedTokenizerFast

CODES = [
    ("E11", "", "Type 2 diabetes mellitus", False),
    ("E11.9", "E11", "Type 2 diabetes mellitus without complications", True),
    ("I10", "", "Essential (primary) hypertension", True),
    ("R07", "", "Pain in throat and chest", False),
    ("R07.0", "R07", "Pain in throat", True),
    ("R07.9", "R07", "Chest pain, unspecified", True),
]
NEWER = [
    ("E11", "", "Type 2 diabetes mellitus", False),
    ("E11.8", "E11", "Type 2 diabetes mellitus with complications", True),
    ("I10", "", "Essential (primary) hypertension", False),
    ("I10.1", "I10", "Essential (primary) hypertension, other", True),
    ("R07", "", "Pain in throat and chest", False),
    ("R07.0", "R07", "Pain in throat", True),
    ("R07.9", "R07", "Chest pain, other", True),
]


def retriever_of(
    encoder: "SentenceTransformer",
    cross_encoder: "CrossEncoder",
    codes: list[tuple[str, str, str, bool]],
    release: str,
) -> Retriever:
    """Return a retriever over a bundle of these codes, found by their titles."""
    frame = pd.DataFrame(codes, columns=["code", "parent", "title", "billable"])
    aliases = pd.DataFrame(
        [(title, code, "en", "official_title") for code, _, title, _ in codes],
        columns=["alias", "code", "language", "source"],
        dtype="str",
    )
    titles = [("R07.0", "es", "Dolor de garganta")]
    return Retriever(make_bundle(encoder, cross_encoder, frame, aliases, titles=titles, release=release))


@pytest.fixture(scope="module")
def retrievers(
    tiny_tokenizer: "PreTrainedTokenizerFast", tiny_cross_encoder: Path
) -> tuple[Retriever, Retriever]:
    """Return retrievers over two releases."""
    from tokenizers import Tokenizer

    encoder = static_encoder_of(Tokenizer.from_str(tiny_tokenizer._tokenizer.to_str()))
    cross_encoder = open_cross_encoder(str(tiny_cross_encoder), max_length=32)
    return (
        retriever_of(encoder, cross_encoder, CODES, "2026"),
        retriever_of(encoder, cross_encoder, NEWER, "2027"),
    )


def test_two_codings(retrievers: tuple[Retriever, Retriever], tmp_path: Path) -> None:
    """Titles in the language of the phrases are no change; what has changed is flagged, each in its way."""
    source, first, second = (tmp_path / name for name in ("0.csv", "1.csv", "2.csv"))
    phrases = [title for _, _, title, billable in CODES if billable]
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["query"], *([phrase] for phrase in [*phrases, "", "i10"])])
    outcome = run(params_of(source, first, search={"language": "es", "top": 2}), retrievers[0])
    rows = read_csv(first)
    assert [row["code"] for row in rows] == ["E11.9", "I10", "R07.0", "R07.9", "", "I10"]
    assert [row["status"] for row in rows] == ["coded"] * 4 + ["empty", "coded"]
    assert (rows[2]["title"], rows[2]["alias"]) == ("Dolor de garganta", "Pain in throat")
    assert (rows[0]["path"], rows[0]["billable"], rows[0]["release"]) == ("E11", "true", "2026")
    assert (rows[5]["probability"], rows[5]["alias_source"]) == ("1.0", "code")
    assert outcome.counts == {"coded": 5, "empty": 1}

    with first.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"review": "approved" if row["code"] else ""} for row in rows)
    outcome = run(params_of(first, second, search={"language": "es", "top": 2}), retrievers[1])
    again = read_csv(second)
    assert [row["status"] for row in again] == ["retired", "heading", "kept", "changed", "empty", "heading"]
    assert [row["code"] for row in again] == [row["code"] for row in rows]
    assert again[0]["note"].startswith("not in 2027; near: E11")
    assert again[1]["note"] == "not billable; below it: I10.1 Essential (primary) hypertension, other"
    assert again[2]["title"] == "Dolor de garganta"
    assert again[3]["note"] == "approved as: Chest pain, unspecified; now: Chest pain, other"
    assert outcome.flagged == 4


def review(path: Path, code: str, note: str = "", verdict: str = "approved") -> Path:
    """Write a reviewed file of one row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["query", "code", "note", "review"], ["high blood pressure", code, note, verdict]]
        )
    return path


@pytest.mark.parametrize("code", ["I1O", "E1I.9"])
def test_approved_code_of_lookalikes(
    retrievers: tuple[Retriever, Retriever], tmp_path: Path, code: str
) -> None:
    """A letter that looks like a digit makes another code, which does not exist: it is not kept."""
    output = tmp_path / "out.csv"
    run(params_of(review(tmp_path / "in.csv", code), output), retrievers[0])
    (row,) = read_csv(output)
    assert (row["status"], row["code"]) == ("retired", code)
    assert "near: " in row["note"]


def test_rejections_are_remembered(retrievers: tuple[Retriever, Retriever], tmp_path: Path) -> None:
    """An approved row still knows what was rejected before, and forgets a rejection of what it approves."""
    output = tmp_path / "out.csv"
    run(params_of(review(tmp_path / "in.csv", "I10", "rejected: E11.9, I10"), output), retrievers[0])
    (row,) = read_csv(output)
    assert (row["status"], row["note"]) == ("kept", "rejected: E11.9")
