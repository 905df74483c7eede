"""`codisearch corpus`, as a contributor calls it."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from codisearch.cli import app
from codisearch.corpus import commands
from codisearch.errors import ConfigurationError
from codisearch.files import sha256_of_folder

from .conftest import ROOT, pair

CONF = str(ROOT / "conf")
runner = CliRunner()


@pytest.fixture(autouse=True)
def small_code_set(monkeypatch: pytest.MonkeyPatch, code_set: pd.DataFrame) -> None:
    """Check against the tiny code set."""
    monkeypatch.setattr(commands, "load_code_set_of", lambda _: code_set)


def test_check_prints_the_figures(corpus: Path) -> None:
    """A good corpus ends with its figures, status 0, and nothing written."""
    before = sha256_of_folder(corpus)
    result = runner.invoke(app, ["corpus", "check", "--folder", str(corpus), "--conf", CONF])
    assert result.exit_code == 0, result.output
    assert "18 queries of 1 codes" in " ".join(result.output.split())
    assert result.output.endswith("23 pairs, nothing wrong.\n")
    assert sha256_of_folder(corpus) == before


def test_check_names_every_problem(corpus: Path, append: Callable[..., None]) -> None:
    """With problems each is a line, their number follows, the status is 1, and no figure is printed."""
    append(
        corpus / "fr.csv",
        pair("fr", "lay", "I10 depuis longtemps", number=2),
        pair("fr", "lay", "", number=3),
    )
    result = runner.invoke(app, ["corpus", "check", "--folder", str(corpus), "--conf", CONF])
    assert result.exit_code == 1
    assert "fr.csv, line 6: code_in_query: The query names its code I10." in result.output
    assert "fr.csv, line 7: empty query" in result.output
    assert "2 problems in 1 files; nothing was written." in result.output
    assert "### Counts" not in result.output


def test_check_of_a_contributed_file(corpus: Path, tmp_path: Path) -> None:
    """A contributed file is checked by `--add`."""
    new = tmp_path / "new.csv"
    new.write_text("query,code\nasma,J45\n", encoding="utf-8")
    result = runner.invoke(
        app, ["corpus", "check", "--folder", str(corpus), "--conf", CONF, "--add", str(new), "--no-figures"]
    )
    assert result.exit_code == 1
    assert "new.csv, line 1: missing column pair_id" in result.output


def test_card_writes_figures_and_metadata(corpus: Path) -> None:
    """`card` renews the figures in README.md and the metadata, and names both."""
    result = runner.invoke(app, ["corpus", "card", "--folder", str(corpus), "--conf", CONF])
    assert result.exit_code == 0, result.output
    assert "18 queries of 1 codes" in (corpus / "README.md").read_text(encoding="utf-8")
    assert (corpus / "croissant.json").is_file()
    assert result.output.split() == [str(corpus / "README.md"), str(corpus / "croissant.json")]


def test_no_configuration(tmp_path: Path) -> None:
    """Outside a project the message says what to give."""
    with pytest.raises(ConfigurationError, match="give --conf"):
        commands._curation(tmp_path / "nowhere")
