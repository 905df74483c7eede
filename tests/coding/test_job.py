"""A part on disk that survives whatever ends the program."""

import errno
import json
import os
from pathlib import Path

import pytest
from filelock import FileLock

from codisearch.coding.job import Fingerprint, Part, rows_kept
from codisearch.errors import InputError, StorageError

JOB = Fingerprint(input="i", options="o", bundle="b", codisearch="1")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Return where the output will be."""
    return tmp_path / "out.csv"


def names(output: Path) -> set[str]:
    """Return the names of the files beside the output."""
    return {path.name for path in output.parent.iterdir()}


def interrupted(output: Path, rows: int = 2, job: Fingerprint = JOB) -> None:
    """Leave a part of so many rows, `ab` each."""
    with Part(output, job, restart=False) as part:
        part.append("ab" * rows, rows, {"coded": rows})


def test_from_beginning_to_end(output: Path) -> None:
    """The output has its name at the end, and nothing else is left."""
    with Part(output, JOB, restart=False) as part:
        part.append("a", 1, {"coded": 1})
        part.append("ñ", 1, {"invalid": 1})
        assert (part.journal.rows, part.journal.size) == (2, 3)
        assert part.journal.counts == {"coded": 1, "invalid": 1}
        part.finish("z")
    assert output.read_text(encoding="utf-8") == "añz"
    assert names(output) == {"out.csv"}


def test_resume(output: Path) -> None:
    """What was written after the last entry of the journal is cut off."""
    interrupted(output)
    assert names(output) == {"out.csv.part", "out.csv.part.json"}
    with output.with_name("out.csv.part").open("a") as file:
        file.write("half a li")
    with Part(output, JOB, restart=False) as part:
        assert (part.journal.rows, part.journal.counts) == (2, {"coded": 2})
        part.append("c", 1, {"coded": 1})
        part.finish("")
    assert output.read_text() == "ababc"


@pytest.mark.parametrize("name", ["input", "options", "bundle", "codisearch"])
def test_other_job(output: Path, name: str) -> None:
    """The message names what is other; only the user may drop what was done."""
    interrupted(output)
    other = JOB.model_copy(update={name: "x"})
    with pytest.raises(
        InputError, match=f"was begun with another {name}, 2 rows are done: .* --restart begins"
    ):
        Part(output, other, restart=False)
    with Part(output, other, restart=True) as part:
        assert part.journal.rows == 0
        part.finish("new")
    assert output.read_text() == "new"


def test_nothing_done_is_nothing_left(output: Path) -> None:
    """A run that failed before its first rows leaves no file behind."""
    with pytest.raises(ValueError, match="early"), Part(output, JOB, restart=False):
        raise ValueError("early")
    assert names(output) == set()


def test_killed_before_the_first_rows(output: Path) -> None:
    """What is left then belongs to no job and is begun anew, whatever the options."""
    Part(output, JOB, restart=False)._lock.release()
    with Part(output, JOB.model_copy(update={"options": "x"}), restart=False) as part:
        part.finish("")
    assert output.read_text() == ""


def test_two_at_once(output: Path) -> None:
    """The second is refused."""
    with Part(output, JOB, restart=False), pytest.raises(InputError, match="Another run is writing"):
        Part(output, JOB, restart=False)


@pytest.mark.parametrize("content", [None, "{", '{"rows": 1}'])
def test_journal_that_cannot_be_read(output: Path, content: str | None) -> None:
    """Without it, the part might be anybody's file: it is not touched."""
    interrupted(output)
    journal = output.with_name("out.csv.part.json")
    journal.unlink()
    if content is not None:
        journal.write_text(content)
    with pytest.raises(
        InputError, match=r"out\.csv\.part\.json that tells how far it got is missing or damaged"
    ):
        Part(output, JOB, restart=False)
    assert output.with_name("out.csv.part").read_text() == "abab"


def test_part_that_is_too_short(output: Path) -> None:
    """Something else has changed it."""
    interrupted(output)
    output.with_name("out.csv.part").write_text("a")
    with pytest.raises(InputError, match="shorter than its journal says; --restart"):
        Part(output, JOB, restart=False)


def test_journal_without_a_part(output: Path) -> None:
    """The program ended between giving the output its name and removing the journal."""
    interrupted(output)
    output.with_name("out.csv.part").unlink()
    with Part(output, JOB, restart=False) as part:
        assert part.journal.rows == 0
        part.finish("x")
    assert names(output) == {"out.csv"}


def test_full_disk(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and what was done before can be gone on with."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Part(output, JOB, restart=False) as part:
        part.append("ab", 1, {"coded": 1})
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space left to write"):
            part.append("cd", 1, {"coded": 1})
    monkeypatch.undo()
    assert json.loads(output.with_name("out.csv.part.json").read_text())["rows"] == 1
    with Part(output, JOB, restart=False) as part:
        part.finish("")
    assert output.read_text() == "ab"


def test_no_folder(tmp_path: Path) -> None:
    """None is made."""
    with pytest.raises(InputError, match="there is no folder"):
        Part(tmp_path / "none" / "out.csv", JOB, restart=False)


def test_rows_kept(output: Path) -> None:
    """Those of the journal of a part that is there."""
    assert rows_kept(output) == 0
    interrupted(output)
    assert rows_kept(output) == 2
    output.with_name("out.csv.part").unlink()
    assert rows_kept(output) == 0


def test_part_of_a_stream(output: Path) -> None:
    """It cannot be gone on with, so only --restart is advised."""
    interrupted(output, job=JOB.model_copy(update={"stream": True}))
    for job in (JOB, JOB.model_copy(update={"stream": True, "input": "later"})):
        with pytest.raises(
            InputError, match=r"begun from standard input, 2 rows are done; .* --restart"
        ) as it:
            Part(output, job, restart=False)
        assert "repeat" not in str(it.value)
    with Part(output, JOB, restart=True) as part:
        part.finish("")


def test_lock_is_removed_while_it_is_held(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could be the lock of a run that has begun meanwhile."""
    lock = output.with_name("out.csv.part.lock")
    release = FileLock.release

    def checked(self: FileLock, force: bool = False) -> None:
        assert not lock.exists()
        release(self, force)

    with Part(output, JOB, restart=False) as part:
        assert lock.exists()
        monkeypatch.setattr(FileLock, "release", checked)
        part.finish("")
    assert names(output) == {"out.csv"}
