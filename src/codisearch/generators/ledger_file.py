"""The file of a ledger: its tables, and how it is opened."""

import errno
import os
import sqlite3
from pathlib import Path
from typing import Final

from codisearch.errors import LedgerError
from codisearch.files import storage_error

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


def connect(path: Path) -> sqlite3.Connection:
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
        raise disk_error(error, path) from error
    except sqlite3.DatabaseError as error:
        connection.close()
        raise LedgerError(f"{path} is not a ledger: {error}. Move it away to begin a new one.") from error
    return connection


def is_begun(connection: sqlite3.Connection, path: Path) -> bool:
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


def create(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new ledger; only the one writer comes here."""
    try:
        if not is_begun(connection, path):
            connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    except sqlite3.OperationalError as error:
        raise disk_error(error, path) from error


def disk_error(error: sqlite3.OperationalError, path: Path) -> Exception:
    """Return what the user is told when SQLite cannot write; what was committed before is kept."""
    name = getattr(error, "sqlite_errorname", "")
    numbers = {"SQLITE_FULL": "ENOSPC", "SQLITE_READONLY": "EROFS", "SQLITE_CANTOPEN": "EACCES"}
    if name in numbers:
        number = getattr(errno, numbers[name])
        return storage_error(OSError(number, os.strerror(number)), path)
    return LedgerError(f"{path} cannot be used: {error}.")
