"""Where the files of a corpus come from: a folder, or a zip that is read without unpacking it."""

import hashlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from codisearch.errors import InputError

LARGEST: Final = 256 << 20  # of a file, and of all that is read of a zip
MOST_FILES: Final = 100_000
_DEPTH: Final = 6
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError,
    RuntimeError,  # encrypted, or packed by a method that Python does not know
)  # fmt: skip
_DAMAGED_ZIP: Final = "Cannot read the zip {}: it is damaged, locked or none"


class Files(Protocol):
    """Files by name.

    Attributes:
        label: What a user calls the whole.
        names: POSIX paths of all that may be read.
    """

    label: str
    names: frozenset[str]

    def read(self, name: str) -> bytes:
        """Return the content of the file that `names` calls `name`."""
        ...


def read_file(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        InputError: If it is too large or no file, e.g. a device.
        OSError: If there is none or it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is neither a file nor a folder.")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path} is too large: at most {LARGEST >> 20} MiB are read.")
    return path.read_bytes()


@dataclass
class FolderFiles:
    """The files below a folder.

    Attributes:
        root: The folder.
        names: Of its files.
    """

    root: Path
    names: frozenset[str]
    label: str = field(init=False)

    def __post_init__(self) -> None:
        self.label = str(self.root)

    @classmethod
    def of(cls, root: Path) -> "FolderFiles":
        """List the files below `root`, hidden ones and deep ones left out.

        Raises:
            InputError: If there are too many.
            OSError: If a folder cannot be read.
        """
        names: set[str] = set()
        for path in _walk(root, _DEPTH):
            names.add(path.relative_to(root).as_posix())
            if len(names) > MOST_FILES:
                raise InputError(f"{root} has more than {MOST_FILES:,} files: name the folder of the corpus.")
        return cls(root, frozenset(names))

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return read_file(self.root / name)


@dataclass
class ZipFiles:
    """The members of an open zip; nothing is written to the disk."""

    label: str
    archive: zipfile.ZipFile
    names: frozenset[str]
    _left: int = field(default_factory=lambda: LARGEST)

    def read(self, name: str) -> bytes:
        """Return the content of a member, never more than is left of what an archive may unpack to."""
        try:
            with self.archive.open(name) as member:
                data = member.read(self._left + 1)
        except _DAMAGED as error:
            raise InputError(f"{_DAMAGED_ZIP.format(self.label)} ({name}: {error}).") from error
        self._left -= len(data)
        if self._left < 0:
            raise InputError(f"{self.label} is too large: at most {LARGEST >> 20} MiB are unpacked.")
        return data


@contextmanager
def open_zip(path: Path) -> Iterator[ZipFiles]:
    """Give the members of a zip that have a plain path and are not hidden.

    Raises:
        InputError: If it cannot be read or has too many members.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED as error:
        raise InputError(f"{_DAMAGED_ZIP.format(path)} ({error}).") from error
    with archive:
        members = archive.namelist()
        if len(members) > MOST_FILES:
            raise InputError(f"{path} has more than {MOST_FILES:,} members: it is no corpus.")
        yield ZipFiles(str(path), archive, frozenset(name for name in members if _is_plain(name)))


def fingerprint(files: Files, names: Iterable[str]) -> str:
    """Return one SHA-256 for several files, their names included."""
    lines = (f"{hashlib.sha256(files.read(name)).hexdigest()}  {name}\n" for name in sorted(names))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the files of a folder and of those below it, in order."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__MACOSX")):
            continue
        if path.is_dir() and depth > 1:
            yield from _walk(path, depth - 1)
        elif path.is_file():
            yield path


def _is_plain(name: str) -> bool:
    """Tell whether a member is a file with a path that stays inside and is not hidden."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not (name.endswith("/") or name.startswith("/") or "\\" in name or hidden)
