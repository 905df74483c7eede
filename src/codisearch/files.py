"""Files and folders that are whole or not there: written aside, then renamed."""

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from codisearch.errors import StorageError

_BLOCK: Final = 1 << 20
_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")  # safetensors and others written in Rust
_SHORT_WRITE: Final = re.compile(r"\d+ requested and \d+ written")  # numpy


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_folder(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file under `folder`, by relative POSIX path, in path order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


@contextmanager
def replace_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to fill, and put it in the place of `target` only when the block ends well.

    What was at `target` before is still there if anything fails.

    Raises:
        StorageError: If the disk is full or the folder cannot be written.
    """
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.new")
    old = aside.with_suffix(".old")
    try:
        aside.mkdir(parents=True)
        yield aside
        if target.exists():
            target.replace(old)
        aside.replace(target)
    except Exception as error:  # libraries report a full disk in exceptions of their own
        problem = storage_error(error, target)
        if problem is error:
            raise
        raise problem from error
    finally:
        if old.exists() and not target.exists():
            old.replace(target)
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def storage_error(error: Exception, target: Path) -> Exception:
    """Return `error` as a `StorageError` with advice where the disk is the cause, and unchanged otherwise."""
    number = _number_of(error)
    if number in {errno.ENOSPC, errno.EDQUOT}:
        free = shutil.disk_usage(_existing(target)).free // _BLOCK
        return StorageError(
            f"No space left to write {target} ({free} MiB free); what was there before is kept."
        )
    if number in {errno.EACCES, errno.EROFS, errno.EPERM}:
        return StorageError(f"Cannot write {target}: {os.strerror(number)}; what was there before is kept.")
    return error


def _number_of(error: Exception) -> int | None:
    """Return the system's error number of an exception, also where a library leaves it in the text only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if found := _OS_ERROR.search(str(error)):
        return int(found[1])
    return errno.ENOSPC if _SHORT_WRITE.fullmatch(str(error)) else None


def _existing(path: Path) -> Path:
    """Return `path` or its nearest parent that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
