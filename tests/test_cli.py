"""The command line."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from bundles import make_bundle

import codisearch
from codisearch.cli import cli, main
from codisearch.retrieval.encoder import open_encoder
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.trained import open_cross_encoder

CODES = [
    ("B20", "Disease by [human] virus", True),
    ("J45", "Asthma", False),
    ("R07.0", "Pain in throat", True),
]
ALIASES = [
    ("Disease by [human] virus", "B20", "en", "official_title"),
    ("Asthma", "J45", "en", "official_title"),
    ("asma", "J45", "es", "national_title"),
    ("Pain in throat", "R07.0", "en", "official_title"),
]


@pytest.fixture(scope="module")
def folder(tiny_encoder: Path, tiny_cross_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a bundle of three codes; one title has brackets."""
    encoder = open_encoder(str(tiny_encoder))
    aliases = pd.DataFrame(ALIASES, columns=["alias", "code", "language", "source"], dtype="str")
    path = tmp_path_factory.mktemp("cli") / "bundle"
    codes = pd.DataFrame(CODES, columns=["code", "title", "billable"])
    cross_encoder = open_cross_encoder(str(tiny_cross_encoder))
    make_bundle(encoder, cross_encoder, codes, aliases, fusion=Fusion(depth=2, weight=0.001)).save(path)
    return path


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """Give tables room, search with the tiny bundle, and switch progress bars off in this process too."""
    from transformers.utils import logging

    for name, value in {"COLUMNS": "160", "CODISEARCH_BUNDLE": str(folder), "TQDM_DISABLE": "1"}.items():
        monkeypatch.setenv(name, value)
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command with these arguments and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["codisearch", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints the answer, hits best first, in characters that a person can read, and nothing else."""
    assert run(monkeypatch, "search", "asma", "--language", "es", "--top", "2", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["query"], answer["language"], answer["detected"]) == ("asma", "es", False)
    assert (answer["known"], answer["precision"], answer["release"]) == (True, 0.8, "tiny")
    assert len(answer["hits"]) == 2
    first = answer["hits"][0]
    assert (first["code"], first["title"], first["billable"]) == ("J45", "Asthma", False)
    assert (first["alias"], first["alias_language"], first["alias_source"]) == (
        "asma",
        "es",
        "national_title",
    )
    assert (first["rank"], first["first_rank"], first["path"]) == (1, 1, [])
    assert first["score"] == pytest.approx(1.0, abs=0.01)


def test_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The table shows code, title, score, the text that matched, and whether the code can be billed."""
    assert run(monkeypatch, "search", "asma") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "asma"
    first = next(line for line in lines if "J45" in line)
    assert "asma (es, national title)" in first
    assert [cell.strip() for cell in first.strip("│").split("│")][-1] == "no"
    assert sum(code in line for line in lines for code, _, _ in CODES) == 3


def test_brackets_are_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets in titles and queries are shown, not taken for colours."""
    assert run(monkeypatch, "search", "disease [/red] by [human] virus") == 0
    printed = capsys.readouterr().out
    assert "disease [/red] by [human] virus" in printed
    assert printed.count("Disease by [human] virus") == 2  # title and matched text


def assert_one_line(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Check that standard error is one line with a text, and standard output empty."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("codisearch: ")
    assert captured.err.count("\n") == 1
    assert text in captured.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["asma", "--language", "xx"], "Unknown language 'xx': allowed are en, es, ca, it, pt, fr."),
        ([""], "Query 1 is empty"),
        (["asma", "--top", "0"], "`top` must be between 1 and 100, came 0."),
        (["asma\udcff"], "not UTF-8"),
        (["asma", "--bundle", "nowhere"], "No bundle at nowhere: manifest.json is missing."),
    ],
)
def test_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    """What a user can mend is one line on standard error and exit status 1."""
    assert run(monkeypatch, "search", *arguments) == 1
    assert_one_line(capsys, text)


def test_message_of_several_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A message that quotes a name with a line break is one line as well."""
    assert run(monkeypatch, "search", "asma", "--bundle", str(tmp_path / "a\nb")) == 1
    assert_one_line(capsys, "No bundle at")


def test_corrupted_bundle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    """A bundle with one byte too many is refused with the name of the file."""
    damaged = Path(shutil.copytree(folder, tmp_path / "bundle"))
    with (damaged / "index.faiss").open("ab") as file:
        file.write(b"!")
    assert run(monkeypatch, "search", "asma", "--bundle", str(damaged)) == 1
    assert_one_line(capsys, "is corrupted: index.faiss should have SHA-256")


def test_installed_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, with all models opened, there is no traceback, warning or progress bar."""
    monkeypatch.delenv("TQDM_DISABLE")
    command = [str(Path(sys.executable).parent / "codisearch"), "search", "¿?"]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")
    lines = ended.stderr.decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("codisearch: Query 1 is empty")


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the version alone, without a command."""
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"{codisearch.__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"]])
def test_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Help says what the command does."""
    assert run(monkeypatch, *arguments) == 0
    assert "clinical phrase" in capsys.readouterr().out


def test_unknown_option(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An option that does not exist is a usage error."""
    assert run(monkeypatch, "search", "asma", "--colour") == 2
    assert "--colour" in capsys.readouterr().err


def test_torch_is_not_loaded_for_help() -> None:
    """The command answers `--help` without loading torch."""
    code = "import sys, codisearch.cli; print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip()
        == b"False"
    )


def test_kedro_finds_no_commands_of_ours() -> None:
    """The group that Kedro looks for in a project's command line is there and empty."""
    assert cli.commands == {}
    cli(args=["--help"], standalone_mode=False)


def test_groups(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With groups every code is still there, once, and an answer that is not sure says why."""
    assert run(monkeypatch, "search", "xylophone quartet", "--groups", "--precision", "0.9") == 0
    printed = capsys.readouterr().out
    assert all(printed.count(f" {code} ") == 1 for code, _, _ in CODES)
    assert "Not sure: 90 % right answers are out of reach." in " ".join(printed.split())


def test_typed_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A code that does not exist is said so, not called unsure."""
    assert run(monkeypatch, "search", "J45.99") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "J45.99 is no code of tiny that may be shown; these are the nearest." in printed


def test_lookup(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A code is shown as a card or as JSON; one that does not exist is an error in one line."""
    assert run(monkeypatch, "lookup", "j45") == 0
    assert "J45 Asthma" in capsys.readouterr().out
    assert run(monkeypatch, "lookup", "j45", "--json") == 0
    assert json.loads(capsys.readouterr().out)["official_title"] == "Asthma"
    assert run(monkeypatch, "lookup", "J46") == 1
    assert_one_line(capsys, "There is no code J46 in tiny; the nearest are J45")


def test_info(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the bundle is made of, and what each precision needs, as a table or as JSON."""
    assert run(monkeypatch, "info") == 0
    printed = capsys.readouterr().out
    assert "likely 50 % or more: 70 % of the answers" in printed
    assert run(monkeypatch, "info", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["release"], facts["codes"]) == ("tiny", 3)
    assert facts["thresholds"] == [{"precision": 0.8, "probability": 0.5, "coverage": 0.7}]
