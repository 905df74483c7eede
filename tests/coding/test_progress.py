"""The bar on standard error."""

import io
import sys

import pytest

from codisearch.coding.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, quiet: bool = False) -> str:
    """Return what a bar of ten rows draws, half of which were done before."""
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(10, quiet=quiet) as progress:
        progress.resume(5)
        progress.advance(2)
    return stream.getvalue()


def test_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that an earlier run did are done, but are not counted into the rate."""
    text = drawn(monkeypatch, Terminal())
    assert "7/10" in text
    assert "rows/s" in text


def test_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither without a terminal nor for a user who wants none."""
    assert drawn(monkeypatch, io.StringIO()) == ""
    assert drawn(monkeypatch, Terminal(), quiet=True) == ""
