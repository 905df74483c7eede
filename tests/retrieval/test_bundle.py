"""The bundle: whole, checked, and never half written."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import codisearch
from codisearch.errors import BundleError, StorageError
from codisearch.files import sha256_of_folder
from codisearch.retrieval import bundle as subject
from codisearch.retrieval.bundle import Bundle, read_manifest
from codisearch.retrieval.retriever import Retriever

QUERIES = ["high blood pressure", "diabetes tipo 2", "dolor"]
FILES = {
    "aliases.parquet",
    "codes.parquet",
    "encoder/model.safetensors",
    "index.faiss",
    "manifest.json",
    "reranker/model.safetensors",
}


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the bundle that a test may damage."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))


def test_round_trip(tiny_bundle: Bundle, bundle_folder: Path) -> None:
    """A bundle read back finds the same codes, aliases and scores, and holds the same tables."""
    loaded = Bundle.load(bundle_folder)
    found, expected = loaded.two_stage().rank(QUERIES, 13), tiny_bundle.two_stage().rank(QUERIES, 13)
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_array_equal(found.aliases, expected.aliases)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    pd.testing.assert_frame_equal(loaded.aliases, tiny_bundle.aliases)
    pd.testing.assert_frame_equal(loaded.codes, tiny_bundle.codes)
    assert (loaded.encoder.fingerprint, loaded.reranker.fingerprint) == ("e" * 16, "r" * 16)
    assert loaded.encoder.card == "# Bi-encoder"


def test_manifest(tiny_bundle: Bundle, bundle_folder: Path) -> None:
    """The manifest says what the bundle is made of, with the checksum of every other file."""
    manifest = read_manifest(bundle_folder)
    assert manifest.model_copy(update={"checksums": {}}) == tiny_bundle.manifest
    assert (manifest.format, manifest.codisearch) == (2, codisearch.__version__)
    assert (manifest.codes, manifest.aliases, manifest.alias_sources["query"]) == (13, 33, 9)
    on_disk = sha256_of_folder(bundle_folder)
    assert manifest.checksums == {name: value for name, value in on_disk.items() if name != "manifest.json"}
    assert set(on_disk) >= FILES
    assert not any(name.endswith((".bin", ".pkl", ".pt")) for name in on_disk)


def test_a_moved_bundle_is_complete(copy: Path) -> None:
    """A copy elsewhere works: nothing in it points to where it was made."""
    assert Retriever.load(copy).search("asma bronquial")[0].code == "J45.9"


def test_flipped_bit_in_any_file(copy: Path) -> None:
    """One changed bit in the middle of any file is found, and the message names the file."""
    for path in sorted(copy.rglob("*")):
        if path.is_dir():
            continue
        name, content = path.relative_to(copy).as_posix(), path.read_bytes()
        changed = bytearray(content)
        changed[len(changed) // 2] ^= 1
        path.write_bytes(changed)
        with pytest.raises(BundleError, match=r"corrupted|cannot be read") as caught:
            Bundle.load(copy)
        assert name in str(caught.value) or name == "manifest.json"
        path.write_bytes(content)
    Bundle.load(copy)


def test_flipped_bit_anywhere_in_the_manifest(copy: Path) -> None:
    """No byte of the manifest can change unseen, although no other file holds its checksum."""
    path = copy / "manifest.json"
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(BundleError):
            read_manifest(copy)


def test_missing_file(copy: Path) -> None:
    """A missing file is named, and what to do is said."""
    for name in sorted(FILES - {"manifest.json"}):
        content = (copy / name).read_bytes()
        (copy / name).unlink()
        with pytest.raises(BundleError, match=f"is incomplete: {name} is missing. Make or copy it again"):
            Bundle.load(copy)
        (copy / name).write_bytes(content)


def remove(path: Path) -> None:
    """Delete a folder."""
    shutil.rmtree(path)


def empty(path: Path) -> None:
    """Leave an empty folder."""
    shutil.rmtree(path)
    path.mkdir()


def file_instead(path: Path) -> None:
    """Put a file where the folder was."""
    shutil.rmtree(path)
    path.write_text("not a folder")


@pytest.mark.parametrize("damage", [remove, empty, file_instead])
def test_no_bundle(copy: Path, damage: Callable[[Path], None]) -> None:
    """Where there is no bundle, the message says where it was looked for and how to make one."""
    damage(copy)
    with pytest.raises(BundleError, match=r"No bundle at .*manifest\.json is missing. `kedro run` makes one"):
        Bundle.load(copy)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe"])
def test_manifest_that_is_no_json(copy: Path, content: bytes) -> None:
    """A manifest that is cut off or no text is a bundle error, not a traceback."""
    (copy / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest of the bundle at .* cannot be read: .*copy it again"):
        Bundle.load(copy)


@pytest.mark.parametrize(("content", "found"), [('{"format": 1}', "1"), ("{}", "None"), ("[1]", "None")])
def test_other_format(copy: Path, content: str, found: str) -> None:
    """A bundle of another format names both formats and says how to make it again."""
    (copy / "manifest.json").write_text(content)
    with pytest.raises(
        BundleError, match=rf"has format {found}; .* reads format 2. Make it again with `kedro run"
    ):
        Bundle.load(copy)


def edit_manifest(folder: Path, **changes: Any) -> dict[str, Any]:
    """Change fields of a manifest; return its content without its own checksum."""
    path = folder / "manifest.json"
    content = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps(content))
    return {name: value for name, value in content.items() if name != "sha256"}


def test_edited_manifest(copy: Path) -> None:
    """A field that was changed by hand is found, since it would change the ranking unseen."""
    edit_manifest(copy, fusion={"depth": 5, "weight": 9.0})
    with pytest.raises(BundleError, match=r"corrupted: manifest\.json is not as it was written"):
        Bundle.load(copy)


def test_manifest_with_an_unknown_field(copy: Path) -> None:
    """A manifest that is whole, but with a field that this version does not know, is refused by its name."""
    content = edit_manifest(copy, novelty=1)
    edit_manifest(copy, sha256=subject._digest(content))
    with pytest.raises(BundleError, match="does not fit: novelty: Extra inputs are not permitted"):
        Bundle.load(copy)


@pytest.mark.parametrize("stage", ["write_faiss", "sha256_of_folder", "_write_manifest"])
def test_full_disk_keeps_the_old_bundle(
    tiny_bundle: Bundle, copy: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Where the disk fills up at any stage of a save, the bundle that was there still works, alone."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sha256_of_folder(copy)
    with monkeypatch.context() as patch:
        patch.setattr(subject, stage, full)
        with pytest.raises(
            StorageError, match=r"No space left to write .*bundle .*what was there before is kept"
        ):
            tiny_bundle.save(copy)
    assert sha256_of_folder(copy) == before
    assert [path.name for path in copy.parent.iterdir()] == ["bundle"]
    assert Retriever.load(copy).search("high blood pressure")[0].code == "I10"


def test_a_save_replaces_the_whole_bundle(tiny_bundle: Bundle, copy: Path) -> None:
    """After a save nothing of what was there before is left."""
    (copy / "encoder" / "leftover.json").write_text("{}")
    tiny_bundle.save(copy)
    assert not (copy / "encoder" / "leftover.json").exists()
    Bundle.load(copy)
