"""Codes a file: reads, checks, codes batch by batch, writes, and goes on where it was interrupted."""

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import NAMESPACE_URL, uuid5

import codisearch
from codisearch.coding.coder import Coder
from codisearch.coding.columns import Columns, resolve_columns
from codisearch.coding.entries import read_entry
from codisearch.coding.job import Fingerprint, Part
from codisearch.coding.params import STREAM, CodingParams, ReadParams
from codisearch.coding.progress import Progress
from codisearch.coding.readers import Table, open_table
from codisearch.coding.rows import FLAGGED, CodedRow, Entry, InputRow, Status
from codisearch.coding.targets import separator_of
from codisearch.coding.writers import TABULAR, Head, Writer, make_writer
from codisearch.coding.writers.cells import check_columns
from codisearch.errors import InputError
from codisearch.files import sha256_of

if TYPE_CHECKING:
    from codisearch.retrieval.retriever import Retriever

_SAMPLE: Final = 100
T = TypeVar("T")


@dataclass(frozen=True)
class Opened:
    """An input whose columns are found.

    Attributes:
        table: What the reader found out.
        columns: Which column means what.
        entries: Its rows, to be read once.
    """

    table: Table
    columns: Columns
    entries: Iterator[Entry]


@dataclass(frozen=True)
class Inspection:
    """What is known of a file after it was read once.

    Attributes:
        columns: Which column means what.
        separator: What separates its fields, where that was guessed; else empty.
        rows: How many rows it has.
        digest: SHA-256 of its bytes.
    """

    columns: Columns
    separator: str
    rows: int
    digest: str


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        counts: Rows by status.
        resumed: Rows that an earlier run had done.
    """

    counts: dict[Status, int]
    resumed: int

    @property
    def flagged(self) -> int:
        """How many approved rows a person should look at again."""
        return sum(self.counts.get(status, 0) for status in FLAGGED)


@contextmanager
def open_input(params: ReadParams) -> Iterator[Opened]:
    """Open an input and find its columns.

    Raises:
        InputError: If it cannot be read or it is not clear which column holds the phrases; also while its
            rows are read, if one of them is malformed.
    """
    with open_table(params) as table:
        sample = list(islice(table.rows, _SAMPLE))
        try:
            columns = resolve_columns(table.columns, sample, params)
        except InputError as error:
            raise InputError(f"{params.path}: {error}") from error
        yield Opened(table, columns, _entries(chain(sample, table.rows), columns, params))


def _entries(rows: Iterable[InputRow], columns: Columns, params: ReadParams) -> Iterator[Entry]:
    for row in rows:
        try:
            yield read_entry(row, columns)
        except InputError as error:
            raise InputError(f"{params.path}, {error}") from error


def inspect_input(params: CodingParams) -> Inspection:
    """Read a file once: count its rows, and raise an error for the first that cannot be read or written.

    That takes little time beside coding, and an error after an hour would be worse than one now.

    Raises:
        InputError: As `open_input`.
    """
    rows = 0
    with open_input(params.read) as opened:
        kept = tuple(opened.columns.kept.values())
        for entry in opened.entries:
            rows += 1
            if params.write.format in TABULAR:
                check_columns(entry, kept)
        guessed = opened.table.separator if opened.table.guessed else ""
    return Inspection(opened.columns, guessed, rows, sha256_of(params.read.path))


def code_file(
    params: CodingParams,
    retriever: "Retriever",
    inspection: Inspection,
    progress: Progress,
    *,
    restart: bool = False,
) -> Outcome:
    """Code a file into a file; a run that was interrupted is gone on with.

    Raises:
        InputError: If a row or an option is not allowed, or what an earlier run left is of another job.
        StorageError: If the disk is full or the folder cannot be written.
    """
    fingerprint = _fingerprint(params, retriever, inspection.digest)
    with open_input(params.read) as opened, Part(params.write.path, fingerprint, restart=restart) as part:
        resumed = part.journal.rows
        writer = make_writer(params.write.format, _head(params, opened, retriever, fingerprint))
        entries = islice(opened.entries, resumed, None)
        progress.resume(resumed)
        for rows in _coded(entries, Coder(retriever, params.search), params):
            done = part.journal.rows
            text = ("" if done else writer.header()) + writer.rows(rows, before=done)
            part.append(text, len(rows), Counter(row.status for row in rows))
            progress.advance(len(rows))
        last = part.journal.rows
        part.finish(("" if last else writer.header()) + writer.end(last))
    return Outcome(part.journal.counts, resumed)


def code_stream(
    params: CodingParams, retriever: "Retriever", progress: Progress, *, restart: bool = False
) -> Outcome:
    """Code from standard input or to standard output; nothing is left to go on with if it is interrupted.

    Raises:
        InputError: If a row or an option is not allowed.
        StorageError: If the disk is full or the folder cannot be written.
    """
    fingerprint = _fingerprint(params, retriever, datetime.now(UTC).isoformat(), stream=True)
    with open_input(params.read) as opened:
        writer = make_writer(params.write.format, _head(params, opened, retriever, fingerprint))
        batches = _coded(opened.entries, Coder(retriever, params.search), params)
        if params.write.path == STREAM:
            return _write_out(writer, batches, progress)
        with Part(params.write.path, fingerprint, restart=restart) as part:
            for text, rows in _texts(writer, batches):
                part.append(text, len(rows), Counter(row.status for row in rows))
                progress.advance(len(rows))
            part.finish("")
        return Outcome(part.journal.counts, 0)


def _write_out(writer: Writer, batches: Iterator[list[CodedRow]], progress: Progress) -> Outcome:
    counts: Counter[Status] = Counter()
    for text, rows in _texts(writer, batches):
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        counts.update(row.status for row in rows)
        progress.advance(len(rows))
    return Outcome(dict(counts), 0)


def _texts(writer: Writer, batches: Iterator[list[CodedRow]]) -> Iterator[tuple[str, list[CodedRow]]]:
    done = 0
    yield writer.header(), []
    for rows in batches:
        yield writer.rows(rows, before=done), rows
        done += len(rows)
    yield writer.end(done), []


def _coded(entries: Iterator[Entry], coder: Coder, params: CodingParams) -> Iterator[list[CodedRow]]:
    for batch in _batches(entries, params.search.batch):
        yield coder.code(batch)


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch


def _fingerprint(
    params: CodingParams, retriever: "Retriever", digest: str, *, stream: bool = False
) -> Fingerprint:
    options = params.model_dump_json(exclude={"read": {"path"}, "write": {"path"}})
    return Fingerprint(
        input=digest,
        options=_digest(options),
        bundle=_digest(retriever.manifest.model_dump_json()),
        codisearch=codisearch.__version__,
        stream=stream,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _head(params: CodingParams, opened: Opened, retriever: "Retriever", fingerprint: Fingerprint) -> Head:
    return Head(
        columns=tuple(opened.columns.kept.values()),
        top=params.search.top,
        release=retriever.release,
        date=datetime.now(UTC).date().isoformat(),
        version=codisearch.__version__,
        identifier=f"urn:uuid:{uuid5(NAMESPACE_URL, fingerprint.model_dump_json())}",
        source_system=params.write.source_system,
        license=params.write.license,
        separator=separator_of(params.write, opened.table.separator),
        bom=opened.table.bom,
    )
