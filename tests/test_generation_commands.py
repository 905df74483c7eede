"""`codisearch generation`: the plan and the ledger, in a project's folder."""

import shutil
import sys
from pathlib import Path

import pytest
from project_copy import ROOT
from requests_to_send import make_request, say

from codisearch.cli import main
from codisearch.generators.contract import TransientFault
from codisearch.generators.ledger import Ledger


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with the project's configuration, without a key."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "conf" / "local").mkdir()
    lists = tmp_path / "data" / "01_raw" / "corpus" / "lists"
    lists.mkdir(parents=True)
    shutil.copy(ROOT / "data" / "01_raw" / "corpus" / "lists" / "codes.csv", lists)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command with these arguments and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["codisearch", "generation", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def cells(text: str, name: str) -> list[str]:
    """Return the cells of the row with a name."""
    line = next(line for line in text.splitlines() if line.strip("│ ").startswith(f"{name} "))
    return [cell.strip() for cell in line.strip("│ ").split("│")]


def test_plan(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The listed codes, at the configuration's prices; no ledger is made."""
    assert run(monkeypatch, "plan", "--limit", "10", "--language", "es", "--language", "ca") == 0
    text = capsys.readouterr().out
    assert "Plan: 10 codes, es, ca, online" in text
    assert cells(text, "requests") == ["requests", "20", "4", "24"]
    assert cells(text, "queries")[:3] == ["queries", "60", "60"]
    assert not (folder / "data" / "paper").exists()


def test_plan_of_other_codes_as_jobs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Codes of a file or below a code, as batch jobs at half the price."""
    (folder / "codes.txt").write_text("I10\nE119\n", encoding="utf-8")
    assert run(monkeypatch, "plan", "--codes", "codes.txt") == 0
    online = float(cells(capsys.readouterr().out, "USD")[-1])
    assert run(monkeypatch, "plan", "--codes", "codes.txt", "--batch") == 0
    text = capsys.readouterr().out
    assert "Plan: 2 codes" in text
    assert float(cells(text, "USD")[-1]) == pytest.approx(online / 2, abs=0.006)
    assert run(monkeypatch, "plan", "--under", "I10") == 0
    assert "Plan: 1 codes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["plan", "--env", "local"], "generation.generator is corpus in local: there is nothing to send."),
        (["plan", "--under", "XYZ"], "generation.codes.under: not in ICD-10-CM 2026-04: XYZ"),
        (["plan", "--language", "de"], "The parameters 'generation' in conf do not fit: languages.0"),
        (["plan", "--generator", "gpt"], "generator 'gpt' has no settings under models"),
        (["plan", "--conf", "nowhere"], "in nowhere; run it in the project's folder or give --conf"),
        (["ledger"], "No ledger at data/paper/01_raw/generation/ledger.sqlite"),
    ],
)
def test_bad_input(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    """What a user can mend is one line on standard error and exit status 1."""
    assert folder.exists()
    assert run(monkeypatch, *arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert text in captured.err


def test_a_list_that_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list of codes is named."""
    (folder / "data" / "01_raw" / "corpus" / "lists" / "codes.csv").unlink()
    assert run(monkeypatch, "plan") == 1
    assert "The list of codes data/01_raw/corpus/lists/codes.csv cannot be read" in capsys.readouterr().err


def test_ledger(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Requests, answers, faults and money by pass, and the open batch jobs; also while a run writes."""
    path = folder / "mine.sqlite"
    first, second, third = make_request(1), make_request(2), make_request(3, task="audit")
    with Ledger(path).writing() as writer:
        writer.sent([first, second, third])
        writer.answered(first.key, "queries", say(), 0.25)
        writer.answered(third.key, "audit", say(), 0.5)
        writer.fault(second.key, "queries", TransientFault("timeout", "x"))
        writer.job_prepared("label", "queries", [second.key], "s")
        assert run(monkeypatch, "ledger", "--file", str(path)) == 0
    text = capsys.readouterr().out
    assert cells(text, "requests sent") == ["requests sent", "2", "1", "3"]
    assert cells(text, "answers") == ["answers", "1", "1", "2"]
    assert cells(text, "without an answer") == ["without an answer", "1", "0", "1"]
    assert cells(text, "timeout") == ["timeout", "1", "0", "1"]
    assert cells(text, "money") == ["money", "0.2500", "0.5000", "0.7500"]
    assert "1 batch jobs are open, with 1 requests." in text
