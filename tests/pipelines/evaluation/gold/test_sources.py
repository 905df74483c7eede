"""Folders and zips: what they refuse."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from codisearch.errors import InputError
from codisearch.pipelines.evaluation.gold import Gold, sources

ReadGold = Callable[..., Gold]

ROW = "S1\tDIAGNOSTICO\tn23\tdolor\n"


def zip_of(path: Path, members: dict[str, str]) -> Path:
    """Write a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 and then nothing"])
def test_file_that_is_no_zip_is_refused(tmp_path: Path, read_path: ReadGold, content: bytes) -> None:
    """The name or the first bytes promise a zip, the rest does not hold it."""
    (tmp_path / "codiesp.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"Cannot read the zip .*codiesp.zip: it is damaged, locked or none"):
        read_path(tmp_path / "codiesp.zip")


def test_damaged_member_is_refused(tmp_path: Path, read_path: ReadGold) -> None:
    """A byte that was changed after packing does not pass the checksum, and the member is named."""
    path = tmp_path / "codiesp.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("devX.tsv", ROW)
    path.write_bytes(path.read_bytes().replace(b"dolor", b"DOLOR"))
    with pytest.raises(InputError, match=r"Cannot read the zip .*\(devX.tsv: Bad CRC-32"):
        read_path(path)


def test_zip_is_known_by_its_content(tmp_path: Path, read_path: ReadGold) -> None:
    """A download may have lost its suffix."""
    assert len(read_path(zip_of(tmp_path / "download", {"devX.tsv": ROW})).queries) == 1


@pytest.mark.parametrize("name", ["../devX.tsv", "/devX.tsv", "a/.hidden/devX.tsv", "__MACOSX/devX.tsv"])
def test_members_with_odd_paths_are_left_aside(tmp_path: Path, read_path: ReadGold, name: str) -> None:
    """Paths that lead out of the archive and hidden ones are not read."""
    with pytest.raises(InputError, match=r"No CodiEsp files in .*: .* 0 files: nothing"):
        read_path(zip_of(tmp_path / "codiesp.zip", {name: ROW}))


def test_nothing_is_written(tmp_path: Path, read_path: ReadGold) -> None:
    """A zip is read where it lies."""
    read_path(zip_of(tmp_path / "codiesp.zip", {"dev/devX.tsv": ROW, "dev/text_files/S1.txt": "dolor"}))
    assert [path.name for path in tmp_path.iterdir()] == ["codiesp.zip"]


def test_members_that_unpack_to_too_much_are_refused(
    tmp_path: Path, read_path: ReadGold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit holds for what is really unpacked, all members together."""
    row = "S1\tDIAGNOSTICO\tn23\tdolor\t0 5\n"
    path = zip_of(tmp_path / "codiesp.zip", {"devX.tsv": row, "text_files/S1.txt": "dolor" * 1000})
    assert len(read_path(path).queries) == 1
    monkeypatch.setattr(sources, "LARGEST", 5000)  # the text is just within, the row before it takes 29
    with pytest.raises(InputError, match=r"codiesp.zip is too large: at most 0 MiB are unpacked"):
        read_path(path)


def test_file_that_is_too_large_is_refused(read: ReadGold, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for tables too."""
    monkeypatch.setattr(sources, "LARGEST", 20)
    with pytest.raises(InputError, match=r"gold.csv is too large: at most 0 MiB are read"):
        read("query,code\nfiebre,R50.9\n")


def test_too_many_files_are_refused(
    tmp_path: Path, read_path: ReadGold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder far above the corpus is not searched to its end; nor is such a zip."""
    path = zip_of(tmp_path / "codiesp.zip", {"devX.tsv": ROW, "a.txt": "", "b.txt": ""})
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(sources, "MOST_FILES", 2)
    with pytest.raises(InputError, match=r"more than 2 files: name the folder of the corpus"):
        read_path(tmp_path)
    with pytest.raises(InputError, match=r"more than 2 members"):
        read_path(path)


def test_fingerprint_depends_on_names_and_contents(tmp_path: Path) -> None:
    """The same two contents under each other's names are another corpus."""
    marks = set()
    for first, second in (("x", "y"), ("y", "x"), ("x", "x")):
        (tmp_path / "a").write_text(first)
        (tmp_path / "b").write_text(second)
        marks.add(sources.fingerprint(sources.FolderFiles.of(tmp_path), ["a", "b"]))
    assert len(marks) == 3
