"""SSSOM, a table of mappings with a header of metadata: https://mapping-commons.github.io/sssom/."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import yaml
from rapidfuzz.distance import Levenshtein
from rapidfuzz.utils import default_process

from codisearch.coding.rows import Candidate, CodedRow, squeeze
from codisearch.coding.writers.cells import lines, matched
from codisearch.coding.writers.contract import Head

COLUMNS: Final = (
    "subject_id", "subject_label", "predicate_id", "object_id", "object_label", "mapping_justification",
    "confidence", "comment",
)  # fmt: skip
ICD10CM_NAMESPACE: Final = "http://purl.bioontology.org/ontology/ICD10CM/"
NO_TERM: Final = "sssom:NoTermFound"
LEXICAL_SIMILARITY: Final = 0.9
"""From this similarity of phrase and alias on (equal: 1), a match is one of letters, not of meaning."""


class SssomWriter:
    """Writes a mapping for each code of each row; rows without a phrase map nothing and are left out."""

    def __init__(self, head: Head) -> None:
        self._head = head

    def header(self) -> str:
        """Return the metadata and the names of the columns."""
        head = self._head
        metadata = {
            "sssom_version": "1.1",
            "curie_map": {
                "ICD10CM": ICD10CM_NAMESPACE,
                "bioregistry": "https://bioregistry.io/registry/",
                "phrase": f"{head.source_system}{'' if head.source_system[-1] in '/#' else ':'}",
            },
            "mapping_set_id": head.identifier,
            "mapping_set_title": f"Clinical phrases to {head.release}",
            "license": head.license,
            "subject_source": "phrase:source",
            "object_source": "bioregistry:icd10cm",
            "object_source_version": head.release,
            "mapping_tool": "codisearch",
            "mapping_tool_version": head.version,
            "mapping_date": head.date,
        }
        text = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=10_000)
        return "".join(f"# {line}\n" for line in text.splitlines()) + "\t".join(COLUMNS) + "\n"

    def rows(self, rows: Sequence[CodedRow], *, before: int) -> str:
        """Return a line for each code of each row."""
        mappings = [mapping for row in rows for mapping in self._mappings(row)]
        return lines(mappings, COLUMNS, "\t").replace("\r\n", "\n")  # no field holds either: all are squeezed

    def end(self, rows: int) -> str:
        """Return nothing."""
        return ""

    def _mappings(self, row: CodedRow) -> list[dict[str, str]]:
        if row.status in {"invalid", "empty"}:
            return []
        candidates = row.candidates if row.status != "retired" else ()
        if not candidates:
            return [self._unmapped(row)]
        return [self._mapping(row, one, rank) for rank, one in enumerate(candidates)]

    def _mapping(self, row: CodedRow, candidate: Candidate, rank: int) -> dict[str, str]:
        probability = candidate.probability
        approved = row.review == "approved"
        return self._line(
            row,
            predicate_id=_predicate(row, rank),
            object_id=f"ICD10CM:{candidate.code}",
            object_label=candidate.official_title,
            mapping_justification=_justification(row, candidate),
            confidence="" if approved or probability is None else str(probability),
            comment="; ".join(part for part in (row.note if rank == 0 else "", matched(candidate)) if part),
        )

    def _unmapped(self, row: CodedRow) -> dict[str, str]:
        approved = row.first.code if row.first else ""
        return self._line(
            row,
            predicate_id="skos:exactMatch",
            object_id=NO_TERM,
            mapping_justification=_justification(row, None),
            comment=f"{approved} {row.note}",
        )

    @staticmethod
    def _line(row: CodedRow, **values: str) -> dict[str, str]:
        subject = f"phrase:{quote(row.entry.key, safe='')}"
        texts = {"subject_id": subject, "subject_label": row.entry.phrase, **values}
        return {name: squeeze(text) for name, text in texts.items()}


def _predicate(row: CodedRow, rank: int) -> str:
    """Return how sure the mapping is: a person vouches for it, the tool is sure of it, or it is a guess."""
    if row.status == "kept":
        return "skos:exactMatch"
    sure = rank == 0 and (row.known or row.review == "approved")
    return "skos:closeMatch" if sure else "skos:relatedMatch"


def _justification(row: CodedRow, candidate: Candidate | None) -> str:
    if row.review == "approved":
        return "semapv:ManualMappingCuration"
    if candidate and candidate.alias:
        similarity = Levenshtein.normalized_similarity(
            row.entry.phrase, candidate.alias, processor=default_process
        )
        if similarity >= LEXICAL_SIMILARITY:
            return "semapv:LexicalSimilarityThresholdMatching"
    return "semapv:SemanticSimilarityThresholdMatching"
