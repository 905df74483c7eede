"""A fake retriever, and files to code."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from coding_retriever import FakeRetriever


@pytest.fixture
def retriever() -> FakeRetriever:
    """Return a fake retriever over seven codes."""
    return FakeRetriever()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a file."""

    def to(lines: Sequence[str], name: str = "in.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("\n".join([*lines, ""]).encode(encoding))
        return path

    return to
