"""A FHIR R4 ConceptMap from the phrases to ICD-10-CM: https://hl7.org/fhir/R4/conceptmap.html."""

import json
from collections.abc import Sequence
from typing import Any

from codisearch.codes import ICD10CM_SYSTEM, release_version
from codisearch.coding.rows import Candidate, CodedRow, squeeze
from codisearch.coding.writers.cells import matched
from codisearch.coding.writers.contract import Head


class FhirWriter:
    """Writes one ConceptMap, an element for each row."""

    def __init__(self, head: Head) -> None:
        self._head = head

    def header(self) -> str:
        """Return the resource up to its group."""
        head = self._head
        resource = {
            "resourceType": "ConceptMap",
            "url": head.identifier,
            "name": "ClinicalPhrasesToICD10CM",
            "title": f"Clinical phrases to {head.release}",
            "status": "draft",
            "date": head.date,
            "description": f"Codes found by codisearch {head.version} and decisions of reviewers.",
        }
        return _json(resource).removesuffix("}")

    def rows(self, rows: Sequence[CodedRow], *, before: int) -> str:
        """Return an element for each row; the first of all opens the group, which must not be empty."""
        if not rows:
            return ""
        elements = ",\n".join(_json(self._element(row)) for row in rows)
        return (self._group() if before == 0 else ",\n") + elements

    def end(self, rows: int) -> str:
        """Return what closes the resource."""
        return "\n]}]}\n" if rows else "}\n"

    def _group(self) -> str:
        group = {
            "source": self._head.source_system,
            "target": ICD10CM_SYSTEM,
            "targetVersion": release_version(self._head.release),
        }
        return f',"group":[{_json(group).removesuffix("}")},"element":[\n'

    def _element(self, row: CodedRow) -> dict[str, Any]:
        phrase = squeeze(row.entry.phrase)
        targets = [self._target(row, one, rank) for rank, one in enumerate(row.candidates)]
        if row.status in {"unknown", "invalid", "empty", "retired"}:
            targets = [_unmatched(row)]
        return {"code": row.entry.key} | ({"display": phrase} if phrase else {}) | {"target": targets}

    @staticmethod
    def _target(row: CodedRow, candidate: Candidate, rank: int) -> dict[str, Any]:
        parts = [row.note if rank == 0 else "", _probability(candidate), matched(candidate)]
        comment = squeeze("; ".join(part for part in parts if part))
        equivalence = "equivalent" if row.status == "kept" else "relatedto"
        target = {"code": candidate.code, "display": candidate.official_title, "equivalence": equivalence}
        return target | ({"comment": comment} if comment else {})


def _unmatched(row: CodedRow) -> dict[str, Any]:
    """Say that there is no code to use; a guess stands in the comment, where none takes it for a code."""
    first = row.first
    guess = f"best guess {first.code} {first.title}, {_probability(first)}" if first else ""
    if first and row.status == "retired":
        guess = f"approved: {first.code} {first.title}"
    comment = squeeze("; ".join(part for part in (row.note, guess) if part))
    return {"equivalence": "unmatched", "comment": comment}


def _probability(candidate: Candidate) -> str:
    return "" if candidate.probability is None else f"probability {candidate.probability}"


def _json(value: Any) -> str:  # noqa: ANN401
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
