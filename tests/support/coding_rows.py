"""Rows of every kind to be coded and written, and files coded with a fake retriever."""

import csv
import io
import time
from pathlib import Path
from typing import Any

from coding_retriever import FakeRetriever

from codisearch.coding.params import CodingParams
from codisearch.coding.progress import Progress
from codisearch.coding.rows import Candidate, CodedRow, Entry
from codisearch.coding.runner import Outcome, code_file, inspect_input
from codisearch.coding.writers import Head
from codisearch.retrieval.answers import Answer

HEAD = Head(
    columns=("id", "query"),
    top=1,
    release="2026",
    date="2026-01-31",
    version="1.0",
    identifier="urn:uuid:00000000-0000-0000-0000-000000000001",
    source_system="urn:hospital:diagnoses",
    license="https://w3id.org/sssom/license/unspecified",
)
DIABETES = Candidate(
    code="E11.9",
    title="Diabetes mellitus tipo 2 sin complicaciones",
    official_title="Type 2 diabetes mellitus without complications",
    probability=0.93,
    billable=True,
    alias="Diabetes tipo 2",
    alias_language="es",
    alias_source="query",
    path=("E11",),
)


def entry(phrase: str = "diabetes tipo 2", number: int = 1, identifier: str = "p1", **values: Any) -> Entry:
    """Return an entry."""
    content: dict[str, Any] = {
        "number": number,
        "place": f"line {number + 1}",
        "phrase": phrase,
        "identifier": identifier,
        "language": "",
        "frequency": 1,
        "kept": {"id": identifier, "query": phrase},
    }
    return Entry(**(content | values))


def coded(row: Entry | None = None, **values: Any) -> CodedRow:
    """Return a coded row."""
    content: dict[str, Any] = {
        "entry": row or entry(),
        "status": "coded",
        "candidates": (DIABETES,),
        "known": True,
        "release": "2026",
    }
    return CodedRow(**(content | values))


def read_csv(path: Path, separator: str = ",") -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def params_of(path: Path, output: Path, read: dict[str, Any] | None = None, **parts: Any) -> CodingParams:
    """Return parameters for a CSV file."""
    write = {"path": output} | parts.pop("write", {})
    return CodingParams.model_validate(
        {"read": {"path": path, "format": "csv"} | (read or {}), "write": write, **parts}
    )


def run(params: CodingParams, retriever: Any = None, *, restart: bool = False) -> Outcome:
    """Code a file with a fake retriever."""
    retriever = retriever or FakeRetriever()
    return code_file(params, retriever, inspect_input(params), Progress(quiet=True), restart=restart)


class SlowRetriever(FakeRetriever):
    """Takes its time, so that a run can be killed."""

    def search_many(self, *values: Any, **options: Any) -> list[Answer]:
        time.sleep(0.005)
        return super().search_many(*values, **options)


def run_slowly(path: Path, output: Path) -> None:
    """Code a file five rows at a time, slowly."""
    run(params_of(path, output, search={"batch": 5}), SlowRetriever())
