"""Files and folders that are whole or not there: written aside, then renamed."""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from codisearch.errors import StorageError

_BLOCK: Final = 1 << 20


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
            os.replace(target, old)
        os.replace(aside, target)
    except OSError as error:
        if old.exists() and not target.exists():
            os.replace(old, target)
        raise storage_error(error, target) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def storage_error(error: OSError, target: Path) -> OSError:
    """Return `error` as a `StorageError` with advice where the disk is the cause, and unchanged otherwise."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        free = shutil.disk_usage(_existing(target)).free // _BLOCK
        return StorageError(
            f"No space left to write {target} ({free} MiB free); what was there before is kept."
        )
    if error.errno in {errno.EACCES, errno.EROFS, errno.EPERM}:
        return StorageError(f"Cannot write {target}: {error.strerror}; what was there before is kept.")
    return error


def _existing(path: Path) -> Path:
    """Return `path` or its nearest parent that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
