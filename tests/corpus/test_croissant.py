"""Croissant metadata: valid by the reference package, and true to the files."""

import json
from pathlib import Path

import pytest

from codisearch.corpus.croissant import METADATA, stale_files, validate, write_metadata
from codisearch.errors import InputError
from codisearch.files import sha256_of


def test_metadata_reads_the_corpus(corpus: Path) -> None:
    """The reference package reads the rows of every record set through the metadata."""
    import mlcroissant as mlc

    path = write_metadata(corpus, "1.0.0", "2026-11-24")
    dataset = mlc.Dataset(str(path))
    names = [record_set.id for record_set in dataset.metadata.record_sets]
    assert names == ["en", "es", "ca", "it", "pt", "fr", "codes", "confusables", "answers"]
    first = next(iter(dataset.records("es")))
    assert first["es/query"].decode() == "hipertensión arterial esencial"
    assert first["es/code"] == b"I10"
    assert dataset.metadata.license == ["https://creativecommons.org/licenses/by/4.0/"]


def test_checksums(corpus: Path) -> None:
    """The metadata carries each file's SHA-256, so that a changed file is noticed."""
    path = write_metadata(corpus, "1.0.0", "2026-11-24")
    files = {entry["contentUrl"]: entry["sha256"] for entry in json.loads(path.read_text())["distribution"]}
    assert files["es.csv"] == sha256_of(corpus / "es.csv")
    assert stale_files(corpus) == []
    (corpus / "es.csv").write_text("changed", encoding="utf-8")
    (corpus / "audit/answers.csv").unlink()
    assert stale_files(corpus) == ["es.csv", "audit/answers.csv"]


def test_no_metadata(corpus: Path) -> None:
    """Without metadata nothing is stale."""
    assert stale_files(corpus) == []


def test_invalid_document(corpus: Path) -> None:
    """A document that breaks the standard is refused with what the package says."""
    path = write_metadata(corpus, "1.0.0", "2026-11-24")
    document = json.loads(path.read_text())
    document["recordSet"][0]["field"][0]["source"]["fileObject"] = {"@id": "nowhere"}
    (corpus / METADATA).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="no valid Croissant document"):
        validate(corpus / METADATA)
