"""The formats that coded rows are written in, one module each."""

from collections.abc import Callable
from typing import Final

from codisearch.coding.params import OutputFormat
from codisearch.coding.writers.contract import Head, Writer
from codisearch.coding.writers.fhir import FhirWriter
from codisearch.coding.writers.json_lines import JsonLinesWriter
from codisearch.coding.writers.sssom import SssomWriter
from codisearch.coding.writers.tabular import CsvWriter
from codisearch.coding.writers.usagi import UsagiWriter

TABULAR: Final[frozenset[OutputFormat]] = frozenset({"csv", "usagi"})
"""The formats whose rows all have the same columns."""
__all__ = ["TABULAR", "Head", "Writer", "make_writer"]

_WRITERS: Final[dict[OutputFormat, Callable[[Head], Writer]]] = {
    "csv": CsvWriter,
    "jsonl": JsonLinesWriter,
    "usagi": UsagiWriter,
    "sssom": SssomWriter,
    "fhir": FhirWriter,
}


def make_writer(output_format: OutputFormat, head: Head) -> Writer:
    """Return the writer of a format."""
    return _WRITERS[output_format](head)
