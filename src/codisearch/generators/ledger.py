"""The ledger: every request and every answer, appended and never changed, in one SQLite file.

An answer is on disk before it is used, so a run that is killed at any moment loses only what was under way,
and a later run sends nothing again that was answered. One run at a time writes.
"""

import errno
import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from codisearch.errors import LedgerError
from codisearch.files import storage_error
from codisearch.generators.contract import Answer, Fault, Request, Usage
from codisearch.generators.meter import Spent

FORMAT: Final = 1
_NEVER: Final = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
_SCHEMA: Final = f"""
CREATE TABLE texts (hash TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN (
        'request', 'sent', 'answered', 'fault', 'surplus', 'job_prepared', 'job_submitted', 'job_ended')),
    key TEXT NOT NULL,
    task TEXT NOT NULL,
    body TEXT NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    money REAL NOT NULL DEFAULT 0
);
CREATE INDEX by_key ON events (key, kind);
CREATE INDEX by_task ON events (task, kind);
CREATE UNIQUE INDEX one_answer ON events (key) WHERE kind = 'answered';
CREATE UNIQUE INDEX one_request ON events (key) WHERE kind = 'request';
CREATE TRIGGER events_stay BEFORE UPDATE ON events {_NEVER};
CREATE TRIGGER events_remain BEFORE DELETE ON events {_NEVER};
CREATE TRIGGER texts_stay BEFORE UPDATE ON texts {_NEVER};
CREATE TRIGGER texts_remain BEFORE DELETE ON texts {_NEVER};
PRAGMA user_version = {FORMAT};
"""
_INSERT: Final = (
    "INSERT {} INTO events (at, kind, key, task, body, input_tokens, output_tokens, money) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True)
class Recorded:
    """An answer as it stands in the ledger.

    Attributes:
        answer: What the model answered.
        day: The date on which the answer came, like `2026-11-28`, in UTC.
        meta: What the asker kept with the request.
        attempt: Which attempt it answers.
    """

    answer: Answer
    day: str
    meta: Mapping[str, Any]
    attempt: int = 1


@dataclass(frozen=True)
class OpenJob:
    """A batch job that has not ended, as far as the ledger knows.

    Attributes:
        label: Our name of it.
        name: The service's name; empty if the ledger does not know whether it was handed in.
        task: What its requests are for.
        keys: Keys of its requests.
        settings: Digest of the settings of who was asked.
    """

    label: str
    name: str
    task: str
    keys: tuple[str, ...]
    settings: str


@dataclass(frozen=True)
class Totals:
    """What stands in a ledger, or in a task of it.

    Attributes:
        spent: Requests, tokens and money.
        unanswered: Requests that were sent and brought neither an answer nor a final refusal.
        faults: How often each kind of fault came.
    """

    spent: Spent
    unanswered: int
    faults: Mapping[str, int]


@dataclass(frozen=True)
class Means:
    """What an answer came to on average.

    Attributes:
        answers: Number of answers.
        input_tokens: Tokens of the prompt.
        output_tokens: Tokens of the answer, thinking among them.
        seconds: Time to the answer, of those that were asked for one by one.
    """

    answers: int
    input_tokens: float
    output_tokens: float
    seconds: float


class Ledger:
    """A ledger file for reading; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def writing(self) -> Iterator["LedgerWriter"]:
        """Give the one writer of the ledger.

        Raises:
            LedgerError: If another run is writing to it, or it is not a ledger of this version.
            StorageError: If it cannot be written.
        """
        lock = FileLock(f"{self.path}.lock", timeout=0)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise LedgerError(
                f"Another run is writing to {self.path}. Wait for its end, or stop it: two runs at once "
                "would pay for the same answers."
            ) from None
        except OSError as error:
            raise storage_error(error, self.path) from error
        try:
            with closing(_connect(self.path)) as connection:
                _create(connection, self.path)
                yield LedgerWriter(self.path, connection)
        finally:
            lock.release()

    def settled_keys(self) -> set[str]:
        """Return the keys of the requests that were answered."""
        return {row[0] for row in self._rows("SELECT key FROM events WHERE kind = 'answered'")}

    def answers(self, keys: Iterable[str]) -> Iterator[Recorded | None]:
        """Yield, for each key, the answer to its request, or None if there is none."""
        query = (
            "SELECT a.body, substr(a.at, 1, 10), r.body FROM events a JOIN events r ON r.key = a.key "
            "WHERE a.key = ? AND a.kind = 'answered' AND r.kind = 'request'"
        )
        with self._reading() as connection:
            for key in keys:
                row = connection.execute(query, (key,)).fetchone() if connection else None
                yield _recorded(*row) if row else None

    def answers_of(self, task: str, settings: str) -> Iterator[Recorded]:
        """Yield every answer to a task's requests under some settings, in the order in which they came."""
        rows = self._rows(
            "SELECT a.body, substr(a.at, 1, 10), r.body FROM events a JOIN events r ON r.key = a.key "
            "WHERE a.task = ? AND a.kind = 'answered' AND r.kind = 'request' ORDER BY a.id",
            (task,),
        )
        for row in rows:
            if json.loads(row[2])["settings"] == settings:
                yield _recorded(*row)

    def last_faults(self) -> dict[str, tuple[str, str]]:
        """Return kind and message of the last fault of every request that had one, by its key."""
        rows = self._rows("SELECT key, body FROM events WHERE kind = 'fault' ORDER BY id")
        faults = {key: json.loads(body) for key, body in rows}
        return {key: (fault["kind"], fault["message"]) for key, fault in faults.items()}

    def totals(self, task: str | None = None) -> Totals:
        """Return what the ledger's requests came to, all of them or those of a task."""
        values = (task or "%",)
        counts: Counter[str] = Counter()
        tokens_in = tokens_out = 0
        money = 0.0
        for kind, count, used_in, used_out, cost in self._rows(
            "SELECT kind, count(*), sum(input_tokens), sum(output_tokens), sum(money) FROM events "
            "WHERE task LIKE ? GROUP BY kind",
            values,
        ):
            counts[kind] = count
            tokens_in, tokens_out, money = tokens_in + used_in, tokens_out + used_out, money + cost
        spent = Spent(counts["sent"], counts["answered"], tokens_in, tokens_out, money)
        return Totals(spent, self._unanswered(values), self._faults(values))

    def means(self, task: str, settings: str) -> Means:
        """Return what the answers to a task's requests under some settings came to on average."""
        query = (
            "SELECT count(*), avg(a.input_tokens), avg(a.output_tokens), "
            "avg(nullif(json_extract(a.body, '$.seconds'), 0)) FROM events a JOIN events r ON r.key = a.key "
            "WHERE a.task = ? AND a.kind = 'answered' AND r.kind = 'request' "
            "AND json_extract(r.body, '$.settings') = ?"
        )
        for answers, used_in, used_out, seconds in self._rows(query, (task, settings)):
            return Means(answers, used_in or 0.0, used_out or 0.0, seconds or 0.0)
        return Means(0, 0.0, 0.0, 0.0)

    def open_jobs(self) -> list[OpenJob]:
        """Return the batch jobs that have not ended, in the order in which they were prepared."""
        jobs: dict[str, OpenJob] = {}
        query = "SELECT kind, key, task, body FROM events WHERE kind GLOB 'job_*' ORDER BY id"
        for kind, label, task, text in self._rows(query):
            body = json.loads(text)
            if kind == "job_prepared":
                jobs[label] = OpenJob(label, "", task, tuple(body["keys"]), body["settings"])
            elif kind == "job_submitted":
                jobs[label] = replace(jobs[label], name=body["name"])
            else:
                del jobs[label]
        return list(jobs.values())

    def _unanswered(self, values: tuple[str]) -> int:
        query = (
            "SELECT count(*) FROM (SELECT key, "
            "sum(kind = 'sent') AS sent, sum(kind = 'answered') AS settled "
            "FROM events WHERE task LIKE ? GROUP BY key) WHERE sent > 0 AND settled = 0"
        )
        return next((int(row[0]) for row in self._rows(query, values)), 0)

    def _faults(self, values: tuple[str]) -> dict[str, int]:
        query = (
            "SELECT json_extract(body, '$.kind'), count(*) FROM events "
            "WHERE task LIKE ? AND kind = 'fault' GROUP BY 1 ORDER BY 1"
        )
        return {str(kind): int(count) for kind, count in self._rows(query, values)}

    def _rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        with self._reading() as connection:
            if connection:
                yield from connection.execute(query, values)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """Give a connection, or None as long as no run has begun the ledger."""
        if not self.path.exists():
            yield None
            return
        with closing(_connect(self.path)) as connection:
            yield connection if _is_begun(connection, self.path) else None


class LedgerWriter:
    """Appends to a ledger; `Ledger.writing` gives it. Each call is on disk when it returns."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._texts: set[str] = set()

    def sent(self, requests: Sequence[Request], job: str = "") -> None:
        """Record that requests are about to be sent, with all that they say the first time."""
        with self._transaction():
            for request in requests:
                key = request.key
                self._append("request", key, request.task, self._content(request), ignore=True)
                self._append("sent", key, request.task, {"job": job} if job else {})

    def answered(self, key: str, task: str, answer: Answer, money: float) -> bool:
        """Record an answer and its cost; return False if the request has one already, and keep the first."""
        with self._transaction():
            return self._answered(key, task, answer, money)

    def fault(self, key: str, task: str, fault: Fault) -> None:
        """Record a fault."""
        with self._transaction():
            self._fault(key, task, fault)

    def job_prepared(self, label: str, task: str, keys: Sequence[str], settings: str) -> None:
        """Record that a batch job is about to be handed in to who is asked with these settings."""
        with self._transaction():
            self._append("job_prepared", label, task, {"keys": list(keys), "settings": settings})

    def job_submitted(self, label: str, task: str, name: str) -> None:
        """Record the service's name of a batch job."""
        with self._transaction():
            self._append("job_submitted", label, task, {"name": name})

    def job_ended(
        self, label: str, task: str, detail: str, results: Iterable[tuple[str, Answer | Fault, float]] = ()
    ) -> None:
        """Record all results of a batch job and its end, at once or not at all."""
        with self._transaction():
            for key, result, money in results:
                if isinstance(result, Answer):
                    self._answered(key, task, result, money)
                else:
                    self._fault(key, task, result)
            self._append("job_ended", label, task, {"detail": detail})

    def _content(self, request: Request) -> dict[str, Any]:
        """Return what a request says; the texts that many requests share are kept once."""
        texts = {_hash(text): text for text in (request.system, _json(request.schema))}
        if not texts.keys() <= self._texts:
            self._connection.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", texts.items())
            self._texts |= texts.keys()
        system, schema = texts
        return {
            "subject": request.subject,
            "system": system,
            "user": request.user,
            "schema": schema,
            "attempt": request.attempt,
            "settings": request.settings,
            "prompt": request.prompt,
            "meta": dict(request.meta),
        }

    def _answered(self, key: str, task: str, answer: Answer, money: float) -> bool:
        used = (answer.usage.input, answer.usage.output + answer.usage.thinking, money)
        new = self._append("answered", key, task, asdict(answer), used, ignore=True)
        if not new:
            self._append("surplus", key, task, asdict(answer), used)
        return new

    def _fault(self, key: str, task: str, fault: Fault) -> None:
        body = {"kind": fault.kind, "message": fault.message, "retry_after": fault.retry_after}
        self._append("fault", key, task, body)

    def _append(
        self,
        kind: str,
        key: str,
        task: str,
        body: Mapping[str, Any],
        used: tuple[int, int, float] = (0, 0, 0.0),
        *,
        ignore: bool = False,
    ) -> bool:
        row = (datetime.now(UTC).isoformat(timespec="milliseconds"), kind, key, task, _json(body), *used)
        return self._connection.execute(_INSERT.format("OR IGNORE" if ignore else ""), row).rowcount > 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise _disk_error(error, self.path) from error
            raise


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file as SQLite.

    Raises:
        LedgerError: If it is something else.
        StorageError: If it cannot be opened.
    """
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        # Write-ahead: a commit is out of the process at once, so it outlives a kill; a power cut may cost the
        # last few, never the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.OperationalError as error:
        connection.close()
        raise _disk_error(error, path) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise LedgerError(f"{path} is not a ledger: {error}. Move it away to begin a new one.") from error
    return connection


def _is_begun(connection: sqlite3.Connection, path: Path) -> bool:
    """Tell whether a ledger has its tables.

    Raises:
        LedgerError: If the file is of another version, or another kind of database.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return False
    if version != FORMAT:
        raise LedgerError(
            f"{path} is not a ledger of format {FORMAT}: it says {version}. Use the release that wrote it."
        )
    return True


def _create(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new ledger; only the one writer comes here."""
    try:
        if not _is_begun(connection, path):
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    except sqlite3.OperationalError as error:
        raise _disk_error(error, path) from error


def _disk_error(error: sqlite3.OperationalError, path: Path) -> Exception:
    """Return what the user is told when SQLite cannot write; what was committed before is kept."""
    name = getattr(error, "sqlite_errorname", "")
    numbers = {"SQLITE_FULL": "ENOSPC", "SQLITE_READONLY": "EROFS", "SQLITE_CANTOPEN": "EACCES"}
    if name in numbers:
        number = getattr(errno, numbers[name])
        return storage_error(OSError(number, os.strerror(number)), path)
    return LedgerError(f"{path} cannot be used: {error}.")


def _recorded(answer: str, day: str, request: str) -> Recorded:
    fields, asked = json.loads(answer), json.loads(request)
    said = Answer(**{**fields, "usage": Usage(**fields["usage"])})
    return Recorded(said, day, asked["meta"], asked["attempt"])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
