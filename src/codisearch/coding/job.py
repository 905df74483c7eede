"""A part of an output on disk, with a journal that tells how far it got, so that it can be resumed."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from codisearch.coding.rows import Status
from codisearch.errors import InputError
from codisearch.files import storage_error

_RESTART: Final = "--restart begins anew and drops what it holds"


class Fingerprint(BaseModel):
    """What an output depends on, each part as a digest.

    Attributes:
        input: The input file's bytes; of a stream, when it was read.
        options: Everything that the user asked for.
        bundle: The manifest.
        codisearch: Version of the program.
        stream: Whether the input is a stream, which can be read only once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: str
    options: str
    bundle: str
    codisearch: str
    stream: bool = False


class Journal(BaseModel):
    """How far a part got.

    Attributes:
        fingerprint: What it is made of.
        rows: Rows of the input that are in it.
        size: Its bytes up to there; what follows was cut off by the end of the program.
        counts: Its rows by status.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fingerprint: Fingerprint
    rows: int = 0
    size: int = 0
    counts: dict[Status, int] = {}


def part_of(output: Path) -> Path:
    """Return where the part of an output is written."""
    return output.with_name(f"{output.name}.part")


def journal_of(output: Path) -> Path:
    """Return where the journal of a part is written."""
    return output.with_name(f"{output.name}.part.json")


def rows_kept(output: Path) -> int:
    """Return how many rows are in the part of an output; none where there is no part."""
    if not part_of(output).exists() or not journal_of(output).exists():
        return 0
    return Journal.model_validate_json(journal_of(output).read_bytes()).rows


class Part:
    """The part of an output that is written so far; takes the name of the output when it is finished.

    Attributes:
        output: The file that it becomes.
        journal: How far it got.
    """

    def __init__(self, output: Path, fingerprint: Fingerprint, *, restart: bool) -> None:
        """Open a part, a new one or the one that an earlier run left.

        Raises:
            InputError: If the one that is there is of another job, or another run writes it.
            StorageError: If the disk is full or the folder cannot be written.
        """
        self.output = output
        self._path = part_of(output)
        self._journal_path = journal_of(output)
        self._lock = FileLock(output.with_name(f"{output.name}.part.lock"))
        if not output.parent.is_dir():
            raise InputError(f"Cannot write {output}: there is no folder {output.parent}.")
        with _disk(output):
            self._acquire()
            try:
                self.journal = self._earlier(fingerprint, restart=restart) or Journal(fingerprint=fingerprint)
                self._save(self.journal)  # before the part: a part without a journal is somebody else's file
                self._file: IO[bytes] = self._path.open("r+b" if self.journal.size else "wb")
                self._file.truncate(self.journal.size)
                self._file.seek(self.journal.size)
            except BaseException:
                self._release()
                raise

    def append(self, text: str, rows: int, counts: Mapping[Status, int]) -> None:
        """Add a text that holds so many rows; when this returns, both are on disk.

        Raises:
            StorageError: If the disk is full.
        """
        with _disk(self.output):
            self._write(text)
            before = self.journal
            self.journal = Journal(
                fingerprint=before.fingerprint,
                rows=before.rows + rows,
                size=self._file.tell(),
                counts=dict(Counter(before.counts) + Counter(counts)),
            )
            self._save(self.journal)

    def finish(self, text: str) -> None:
        """Add the last text and give the output its name.

        Raises:
            StorageError: If the disk is full.
        """
        with _disk(self.output):
            self._write(text)
            self._file.close()
            self._path.replace(self.output)
            self._journal_path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
            if self.journal.rows == 0:  # nothing to go on with
                self._path.unlink(missing_ok=True)
                self._journal_path.unlink(missing_ok=True)
        except OSError:  # what could not be written is not in the journal either
            if error is None:
                raise
        finally:
            self._release()

    def _acquire(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"Another run is writing {self._path}; wait for it or choose another output."
            ) from None

    def _release(self) -> None:
        # Removed while it is held: a lock file that is removed later may be another run's by then.
        Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _earlier(self, fingerprint: Fingerprint, *, restart: bool) -> Journal | None:
        """Return the journal of an earlier run of the same job, if it got anywhere."""
        if restart or not self._path.exists():
            return None
        journal = self._read()
        if journal.rows == 0:
            return None
        if journal.fingerprint.stream:
            raise InputError(
                f"{self._path} was begun from standard input, {journal.rows:,} rows are done; such a run "
                f"cannot be gone on with, and {_RESTART}."
            )
        then, now = (one.model_dump(exclude={"stream"}) for one in (journal.fingerprint, fingerprint))
        other = [name for name, digest in now.items() if then[name] != digest]
        if other:
            raise InputError(
                f"{self._path} was begun with another {' and another '.join(other)}, {journal.rows:,} rows "
                f"are done: repeat the command as it was to go on; {_RESTART}."
            )
        if self._path.stat().st_size < journal.size:
            raise InputError(f"{self._path} is shorter than its journal says; {_RESTART}.")
        return journal

    def _read(self) -> Journal:
        try:
            return Journal.model_validate_json(self._journal_path.read_bytes())
        except (FileNotFoundError, ValidationError) as error:
            raise InputError(
                f"{self._path} is there, but {self._journal_path.name} that tells how far it got is missing "
                f"or damaged; {_RESTART}."
            ) from error

    def _write(self, text: str) -> None:
        self._file.write(text.encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def _save(self, journal: Journal) -> None:
        aside = self._journal_path.with_name(f"{self._journal_path.name}.new")
        with aside.open("w", encoding="utf-8") as file:
            json.dump(journal.model_dump(mode="json"), file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._journal_path)


@contextmanager
def _disk(output: Path) -> Iterator[None]:
    """Report a full disk, or a folder that cannot be written, as what it is."""
    try:
        yield
    except OSError as error:
        problem = storage_error(error, output)
        if problem is error:
            raise
        raise problem from error
