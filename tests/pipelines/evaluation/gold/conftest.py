"""A small code set and a reader of files written on the spot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codisearch.pipelines.evaluation.gold import Gold, read_gold

KNOWN = ("I10", "E11", "E11.9", "S02", "S02.5", "S02.5XXA", "S02.5XXD", "R50.9", "N23", "Q62.11")
TRAINING = ("I10", "S02.5XXA")
ReadGold = Callable[..., Gold]


@pytest.fixture
def read_path() -> ReadGold:
    """Return `read_gold` with the small code set."""

    def read(path: Path, **options: Any) -> Gold:
        return read_gold(path, KNOWN, TRAINING, "es", **options)

    return read


@pytest.fixture
def read(tmp_path: Path, read_path: ReadGold) -> ReadGold:
    """Return a function that writes a file and reads it as gold."""

    def read_text(text: str | bytes, name: str = "gold.csv", **options: Any) -> Gold:
        file = tmp_path / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_path(file, **options)

    return read_text
