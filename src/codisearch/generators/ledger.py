"""The ledger: every request and every answer, appended and never changed, in one SQLite file.

An answer is on disk before it is used, so a run that is killed at any moment loses only what was under way,
and a later run sends nothing again that was answered. One run at a time writes.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from codisearch.errors import LedgerError
from codisearch.files import storage_error
from codisearch.generators.contract import Answer, Usage
from codisearch.generators.ledger_file import connect, create, is_begun
from codisearch.generators.ledger_writer import LedgerWriter
from codisearch.generators.meter import Spent


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
        unanswered: Requests that were sent and brought no answer.
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
    def writing(self) -> Iterator[LedgerWriter]:
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
            with closing(connect(self.path)) as connection:
                create(connection, self.path)
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
        with closing(connect(self.path)) as connection:
            yield connection if is_begun(connection, self.path) else None


def _recorded(answer: str, day: str, request: str) -> Recorded:
    fields, asked = json.loads(answer), json.loads(request)
    said = Answer(**{**fields, "usage": Usage(**fields["usage"])})
    return Recorded(said, day, asked["meta"], asked["attempt"])
