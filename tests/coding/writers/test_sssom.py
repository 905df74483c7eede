"""SSSOM, as the library of the standard reads and validates it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coding_rows import DIABETES, HEAD, coded, entry
from sssom.parsers import parse_sssom_table
from sssom.util import MappingSetDataFrame
from sssom.validators import validate

from codisearch.coding.rows import CodedRow
from codisearch.coding.writers.sssom import SssomWriter


@pytest.fixture
def parsed(tmp_path: Path) -> Any:
    """Return what writes rows, parses the file and validates it."""

    def parse(*rows: CodedRow, **head: str) -> MappingSetDataFrame:
        writer = SssomWriter(replace(HEAD, **head))
        path = tmp_path / "x.sssom.tsv"
        path.write_text(
            writer.header() + writer.rows(rows, before=0) + writer.end(len(rows)), encoding="utf-8"
        )
        document = parse_sssom_table(path)
        validate(document)
        return document

    return parse


def test_metadata(parsed: Any) -> None:
    """All that says what the mappings are."""
    document = parsed(coded())
    assert document.metadata["mapping_set_id"] == HEAD.identifier
    assert document.metadata["license"] == HEAD.license
    (mapping,) = document.df.to_dict("records")  # the library hands down what holds for each mapping
    assert (mapping["mapping_tool"], mapping["mapping_tool_version"]) == ("codisearch", "1.0")
    assert str(mapping["mapping_date"]) == "2026-01-31"
    assert (mapping["subject_source"], mapping["object_source"]) == ("phrase:source", "bioregistry:icd10cm")
    assert mapping["object_source_version"] == "2026"


def test_prefixes(parsed: Any) -> None:
    """A phrase is a name below the source system, a code one in the usual namespace."""
    converter = parsed(coded()).converter
    assert converter.expand("phrase:p1") == "urn:hospital:diagnoses:p1"
    assert converter.expand("ICD10CM:E11.9") == "http://purl.bioontology.org/ontology/ICD10CM/E11.9"
    assert (
        parsed(coded(), source_system="https://x.org/a/").converter.expand("phrase:1") == "https://x.org/a/1"
    )


@pytest.mark.parametrize(
    ("row", "predicate", "justification", "confidence"),
    [
        (coded(), "skos:closeMatch", "LexicalSimilarityThresholdMatching", 0.93),
        (coded(entry("azúcar en sangre")), "skos:closeMatch", "SemanticSimilarityThresholdMatching", 0.93),
        (
            coded(known=False, status="unknown"),
            "skos:relatedMatch",
            "LexicalSimilarityThresholdMatching",
            0.93,
        ),
        (coded(status="kept", review="approved"), "skos:exactMatch", "ManualMappingCuration", None),
        (coded(status="changed", review="approved"), "skos:closeMatch", "ManualMappingCuration", None),
        (coded(status="heading", review="approved"), "skos:closeMatch", "ManualMappingCuration", None),
    ],
)
def test_mapping(
    parsed: Any, row: CodedRow, predicate: str, justification: str, confidence: float | None
) -> None:
    """How sure a mapping is, and who or what says so; what a person approved has no probability."""
    frame = parsed(row).df
    (mapping,) = frame.to_dict("records")
    assert mapping["subject_id"] == "phrase:p1"
    assert mapping["subject_label"] == row.entry.phrase
    assert (mapping["predicate_id"], mapping["object_id"]) == (predicate, "ICD10CM:E11.9")
    assert mapping["object_label"] == "Type 2 diabetes mellitus without complications"
    assert mapping["mapping_justification"] == f"semapv:{justification}"
    assert ("confidence" in frame and mapping["confidence"]) == (confidence or False)
    assert mapping["comment"] == "matched: Diabetes tipo 2 (es, query)"


def test_retired(parsed: Any) -> None:
    """There is no such term in the object source any more."""
    row = coded(status="retired", review="approved", note="not in 2026; near: E11", known=None)
    (mapping,) = parsed(row).df.to_dict("records")
    assert (mapping["predicate_id"], mapping["object_id"]) == ("skos:exactMatch", "sssom:NoTermFound")
    assert mapping["comment"] == "E11.9 not in 2026; near: E11"


def test_no_code_fits(parsed: Any) -> None:
    """A phrase without a code is said to have none."""
    row = coded(status="unknown", candidates=(), known=False, note="no code fits the filters")
    (mapping,) = parsed(row).df.to_dict("records")
    assert mapping["object_id"] == "sssom:NoTermFound"
    assert mapping["mapping_justification"] == "semapv:SemanticSimilarityThresholdMatching"


def test_further_codes_are_rows(parsed: Any) -> None:
    """Only the first may be a close match."""
    second = replace(DIABETES, code="E11.8")
    frame = parsed(coded(candidates=(DIABETES, second))).df
    assert frame["predicate_id"].tolist() == ["skos:closeMatch", "skos:relatedMatch"]
    assert frame["object_id"].tolist() == ["ICD10CM:E11.9", "ICD10CM:E11.8"]


def test_invalid_rows_are_left_out(parsed: Any) -> None:
    """They have no subject."""
    row = coded(entry("", identifier=""), status="invalid", candidates=(), known=None)
    assert parsed(row, coded()).df["subject_id"].tolist() == ["phrase:p1"]


def test_identifiers_and_texts_of_all_kinds(parsed: Any) -> None:
    """Names are percent-encoded; tabs, line breaks and quotes do not break a row."""
    phrases = ['a\t"b"\nc|d', "# no metadata", "ñ"]
    rows = [coded(entry(phrase, n, identifier=f"ñ/ {n}#")) for n, phrase in enumerate(phrases, start=1)]
    frame = parsed(*rows, coded(entry("dolor torácico", identifier=""))).df
    assert frame["subject_id"].tolist() == [
        "phrase:%C3%B1%2F%201%23",
        "phrase:%C3%B1%2F%202%23",
        "phrase:%C3%B1%2F%203%23",
        "phrase:85740538b4adf937",
    ]
    assert frame["subject_label"].tolist() == ['a "b" c|d', "# no metadata", "ñ", "dolor torácico"]
