"""Files and folders that are whole or not there."""

import errno
from pathlib import Path

import pytest

from codisearch.errors import StorageError
from codisearch.files import replace_folder, sha256_of, sha256_of_folder

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return a folder that holds `old.txt`."""
    folder = tmp_path / "models" / "bundle"
    folder.mkdir(parents=True)
    (folder / "old.txt").write_text("old")
    return folder


def assert_untouched(target: Path) -> None:
    """Check that the old content is there and nothing beside it."""
    assert [path.name for path in target.parent.iterdir()] == ["bundle"]
    assert {path.name: path.read_text() for path in target.iterdir()} == {"old.txt": "old"}


def fail_while_writing(target: Path, failure: BaseException) -> None:
    """Begin to replace a folder, write half of it, and fail."""
    with replace_folder(target) as aside:
        (aside / "half.txt").touch()
        raise failure


def test_sha256(tmp_path: Path) -> None:
    """The digests of `abc` and of nothing are those of the standard."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "abc").write_text("abc")
    (tmp_path / "a").touch()
    assert sha256_of(tmp_path / "b" / "abc") == ABC
    assert list(sha256_of_folder(tmp_path).items()) == [("a", NOTHING), ("b/abc", ABC)]


def test_folder_is_replaced(target: Path) -> None:
    """After the block there is the new content only, and no leftovers."""
    with replace_folder(target) as aside:
        (aside / "new.txt").write_text("new")
        assert (target / "old.txt").exists()
    assert [path.name for path in target.parent.iterdir()] == ["bundle"]
    assert [path.name for path in target.iterdir()] == ["new.txt"]


def test_folder_is_made(tmp_path: Path) -> None:
    """A target that was not there, nor its parent, is made."""
    target = tmp_path / "new" / "bundle"
    with replace_folder(target) as aside:
        (aside / "new.txt").touch()
    assert [path.name for path in target.iterdir()] == ["new.txt"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), ValueError("no"), FileNotFoundError("gone")])
def test_failure_keeps_what_was_there(target: Path, failure: BaseException) -> None:
    """An interruption or any error leaves the old content, no leftovers, and is raised as it came."""
    with pytest.raises(type(failure)) as caught:
        fail_while_writing(target, failure)
    assert caught.value is failure
    assert_untouched(target)


class RustError(Exception):
    """An exception such as safetensors raises, with the system's error in its text only."""


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("1000000 requested and 131056 written"),
        RustError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_full_disk(target: Path, failure: Exception) -> None:
    """Whatever form a full disk is reported in, the message says so, where, and what is left."""
    with pytest.raises(StorageError, match=r"No space left to write .*bundle \(\d+ MiB free\)") as caught:
        fail_while_writing(target, failure)
    assert "what was there before is kept" in str(caught.value)
    assert caught.value.__cause__ is failure
    assert_untouched(target)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_folder_that_cannot_be_written(target: Path, number: int) -> None:
    """A lack of rights is a storage error with the system's reason."""
    with pytest.raises(StorageError, match=r"Cannot write .*bundle: [A-Z].*; what was there before is kept"):
        fail_while_writing(target, OSError(number, "reason"))
    assert_untouched(target)


@pytest.mark.parametrize(
    "failure", [OSError(errno.EACCES, "denied"), KeyboardInterrupt()], ids=["error", "interrupted"]
)
def test_failure_between_the_renames(
    target: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    """If the new folder cannot take its place, or the user stops just then, the old one comes back."""
    rename = Path.replace

    def fail_for_new(self: Path, destination: Path) -> Path:
        if self.suffix == ".new":
            raise failure
        return rename(self, destination)

    monkeypatch.setattr(Path, "replace", fail_for_new)
    expected = StorageError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected), replace_folder(target) as aside:
        (aside / "new.txt").touch()
    assert_untouched(target)


def test_parent_is_a_file(tmp_path: Path) -> None:
    """A target under a file cannot be made, and the system's own error says so."""
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError), replace_folder(tmp_path / "file" / "bundle"):
        pass
