"""Appends to a ledger; each call is on disk when it returns."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from codisearch.generators.contract import Answer, Fault, Request
from codisearch.generators.ledger_file import disk_error

_INSERT: Final = (
    "INSERT {} INTO events (at, kind, key, task, body, input_tokens, output_tokens, money) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


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
                raise disk_error(error, self.path) from error
            raise


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=64)
def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
