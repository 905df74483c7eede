"""FHIR ConceptMap, as a library of FHIR reads it; R4B has the same ConceptMap as R4."""

from dataclasses import replace
from typing import Any

import pytest
from coding_rows import DIABETES, HEAD, coded, entry
from fhir.resources.R4B.conceptmap import ConceptMap

from codisearch.coding.rows import CodedRow
from codisearch.coding.writers.fhir import FhirWriter


def parsed(*batches: list[CodedRow]) -> Any:
    """Return the resource that is written in batches."""
    writer, done, text = FhirWriter(HEAD), 0, FhirWriter(HEAD).header()
    for rows in batches:
        text += writer.rows(rows, before=done)
        done += len(rows)
    return ConceptMap.model_validate_json(text + writer.end(done))


def target_of(row: CodedRow) -> dict[str, Any]:
    """Return the only target of a row."""
    (target,) = parsed([row]).group[0].element[0].target
    return dict(target.model_dump(exclude_none=True))


def test_resource() -> None:
    """The phrases are a code system of their own; the target names its release."""
    resource = parsed([coded()])
    assert (resource.url, resource.status, str(resource.date)) == (HEAD.identifier, "draft", "2026-01-31")
    (group,) = resource.group
    assert (group.source, group.target) == ("urn:hospital:diagnoses", "http://hl7.org/fhir/sid/icd-10-cm")
    assert group.targetVersion == "2026"
    assert (group.element[0].code, group.element[0].display) == ("p1", "diabetes tipo 2")


def test_no_rows() -> None:
    """A group must not be empty, so there is none."""
    assert parsed().group is None


def test_batches_are_one_list() -> None:
    """Where a batch ends cannot be seen."""
    rows = [coded(entry(identifier=f"p{number}", number=number)) for number in range(1, 5)]
    assert parsed(rows[:1], rows[1:3], rows[3:]) == parsed(rows)
    assert [element.code for element in parsed(rows).group[0].element] == ["p1", "p2", "p3", "p4"]


def test_found_code() -> None:
    """How the concepts are related is not known as long as nobody looked."""
    assert target_of(coded()) == {
        "code": "E11.9",
        "display": "Type 2 diabetes mellitus without complications",
        "equivalence": "relatedto",
        "comment": "probability 0.93; matched: Diabetes tipo 2 (es, query)",
    }


def test_approved_code() -> None:
    """A person vouches for it."""
    assert target_of(coded(status="kept", review="approved"))["equivalence"] == "equivalent"


@pytest.mark.parametrize("status", ["changed", "heading"])
def test_approved_code_that_is_flagged(status: str) -> None:
    """What was approved is not what it is now; why, stands first in the comment."""
    target = target_of(coded(status=status, review="approved", note="the note"))
    assert (target["code"], target["equivalence"]) == ("E11.9", "relatedto")
    assert target["comment"].startswith("the note; probability")


@pytest.mark.parametrize(
    ("row", "comment"),
    [
        (
            coded(status="unknown", known=False),
            "best guess E11.9 Diabetes mellitus tipo 2 sin complicaciones, probability 0.93",
        ),
        (coded(status="invalid", candidates=(), known=None, note="why"), "why"),
        (
            coded(status="retired", review="approved", note="not in 2026"),
            "not in 2026; approved: E11.9 Diabetes mellitus tipo 2 sin complicaciones",
        ),
    ],
)
def test_unmatched(row: CodedRow, comment: str) -> None:
    """Without a code to use there is none in the target."""
    assert target_of(row) == {"equivalence": "unmatched", "comment": comment}


def test_further_codes_are_targets() -> None:
    """They stand in their order."""
    row = coded(candidates=(DIABETES, replace(DIABETES, code="E11.8", probability=None, alias="")))
    targets = parsed([row]).group[0].element[0].target
    assert [(target.code, target.equivalence) for target in targets] == [
        ("E11.9", "relatedto"),
        ("E11.8", "relatedto"),
    ]
    assert targets[1].comment is None


def test_phrase_that_is_empty() -> None:
    """A display must not be empty, so there is none."""
    row = coded(entry(" \n", identifier=""), status="invalid", candidates=(), known=None, note="empty")
    (element,) = parsed([row]).group[0].element
    assert element.display is None
    assert len(element.code) == 16


def test_version_is_that_of_the_code_system() -> None:
    """A release is labelled with the name of the code system, its version is not."""
    header_and_rows = FhirWriter(replace(HEAD, release="ICD-10-CM 2026-04")).rows([coded()], before=0)
    assert '"targetVersion":"2026-04"' in header_and_rows
