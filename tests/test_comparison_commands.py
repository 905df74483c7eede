"""`codisearch runs` and `codisearch compare`, with a tracking store of a few runs."""

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from project_copy import ROOT

from codisearch.cli import main
from codisearch.datasets.system_runs import SystemRunsDataset

QUERIES = pd.DataFrame(
    {
        "query_id": ["q0", "q1"],
        "query": ["asthma", "dolor"],
        "language": ["en", "es"],
        "style": "lay",
        "seen": True,
        "codes": [["J45.9"], ["R07.9"]],
    }
)


def record(
    system: str, codes: list[str], recall: float, depth: int | None = 50, **params: Any
) -> dict[str, Any]:
    """Return a system's record in which each query has one code."""
    rankings = pd.DataFrame(
        {"system": system, "query_id": ["q0", "q1"], "rank": 1, "code": codes, "score": 1.0}
    )
    tables = {"rankings/rankings.parquet": rankings, "rankings/queries.parquet": QUERIES}
    params |= {"depth": depth} if depth else {}
    return {"params": params, "metrics": {"recall_at_5.all": recall}, "tables": tables}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Track evaluations, some without usable rankings, and a training; return address and ids by name."""
    folder = tmp_path_factory.mktemp("tracking")
    uri, before = f"sqlite:///{folder}/mlflow.db", mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("tiny", (folder / "artifacts").as_uri()))
    nothing, first, both = ["I10", "I10"], ["J45.9", "I10"], ["J45.9", "R07.9"]
    bare = {"bm25": {"metrics": {}}, "two_stage": {"metrics": {}}}
    evaluations = {
        "monday": {"bm25": record("bm25", nothing, 0.0), "two_stage": record("two_stage", first, 0.5, lr=1)},
        "tuesday": {
            "bm25": record("bm25", nothing, 0.0),
            "two_stage": record("two_stage", both, 1.0, lr=2, **{f"p{number:02}": 0 for number in range(40)}),
        },
        "old": bare,
        "damaged": {"bm25": record("bm25", nothing, 0.0)},
        "partial": {"bm25": record("bm25", nothing, 0.0), "two_stage": record("two_stage", both, 1.0, lr=1)},
        "foreign": {"bm25": record("bm25", nothing, 0.0)},
        "shallow": {"two_stage": record("two_stage", both, 1.0, depth=10)},
        "early": {"two_stage": record("two_stage", both, 1.0, depth=None)},
    }
    columns = pd.DataFrame({"system": ["bm25"], "place": [1]})
    evaluations["foreign"]["bm25"]["tables"]["rankings/rankings.parquet"] = columns
    ids = {"uri": uri}
    for name, systems in evaluations.items():
        with mlflow.start_run(run_name=name) as run:
            mlflow.log_param("curation.min_length", len(name))
            SystemRunsDataset().save(systems)
            ids[name] = run.info.run_id
        children = mlflow.MlflowClient().search_runs(
            [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
        )
        ids.update({f"{name}/{child.info.run_name}": child.info.run_id for child in children})
    mlflow.MlflowClient().log_text(ids["damaged/bm25"], "nothing", "rankings/rankings.parquet")
    shutil.rmtree(folder / "artifacts" / ids["partial/bm25"] / "artifacts" / "rankings")
    with mlflow.start_run(run_name="training") as run:
        ids["training"] = run.info.run_id
    yield ids
    mlflow.set_tracking_uri(before)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: dict[str, str]) -> Path:
    """Work in a folder with the project's configuration, and give tables room."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "conf" / "local").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store["uri"])
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command with these arguments and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["codisearch", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def measured(text: str, language: str) -> list[str]:
    """Return the words of the first row of a language."""
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [language])


def cells(text: str, name: str) -> list[str]:
    """Return the cells of the first row with a name."""
    line = next(line for line in text.splitlines() if line.strip("│ ").startswith(f"{name} "))
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_runs(
    store: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The newest evaluation first, each with its best system; a training is none."""
    assert run(monkeypatch, "runs") == 0
    text = capsys.readouterr().out
    rows = {name: cells(text, store[name][:8]) for name in ("monday", "tuesday", "old")}
    assert [rows["tuesday"][place] for place in (1, 4, 5)] == ["tuesday", "two_stage", "1.000"]
    assert rows["old"][3:] == ["", "", ""]
    assert text.index("tuesday") < text.index("monday")
    assert "training" not in text
    assert run(monkeypatch, "runs", "--limit", "2") == 0
    assert "monday" not in capsys.readouterr().out


def test_compare_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every system that both have: value of each, difference with interval, and what else differs."""
    assert run(monkeypatch, "compare", "monday", "tuesday") == 0
    text = capsys.readouterr().out
    assert text.count("recall@5   A: ") == 2
    after = text[text.index("A: two_stage") :]
    assert measured(after, "es")[:5] == ["es", "1", "0.000", "1.000", "+1.000"]
    assert measured(after, "es")[-2:] == ["–", "1/0"]  # one query has no spread
    assert measured(after, "all")[2:4] == ["0.500", "1.000"]
    assert measured(after, "all")[-2:] == ["+0.71", "1/0"]  # 0.5 over the square root of a half
    assert text.count("Holm's method for 6 tests in all.") == 2
    assert "2 queries in both; only in A 0, only in B 0.\n" in after
    assert "finds 50.0 more of 100 codes in the first five" in after  # two codes are too few for an interval
    assert cells(after, "lr") == ["lr", "1", "2"]
    assert "p28" in after
    assert "p29" not in after  # with lr that is 30 rows
    assert "and 11 more" in after
    assert cells(after, "curation.min_length") == ["curation.min_length", "6", "7"]


def test_compare_one_system_as_json(
    store: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A system's run, by the beginning of its id, with the same system of an evaluation."""
    beginning = store["monday/two_stage"][:12]
    arguments = ["compare", beginning, "tuesday", "--system", "two_stage", "--metric", "mrr", "--json"]
    assert run(monkeypatch, *arguments) == 0
    content = json.loads(capsys.readouterr().out)
    (compared,) = content["comparisons"]
    assert compared["metric"] == "mrr"
    assert compared["a"] == f"two_stage of {beginning[:8]}"
    assert {row["language"]: row["difference"] for row in compared["rows"]} == {"en": 0, "es": 1, "all": 0.5}
    assert {"name": "lr", "a": "1", "b": "2"} in compared["parameters"]
    assert len(compared["parameters"]) == 41


def test_the_last_rank_that_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told where it matters, and is the shallower of the depths logged, or else of the ranks."""
    for other, depth in (("tuesday", 50), ("shallow", 10), ("early", 1)):
        assert run(monkeypatch, "compare", "monday", other, "--system", "two_stage", "--metric", "mrr") == 0
        assert f"only in B 0. Ranks down to {depth} count." in capsys.readouterr().out


def test_a_system_without_artifacts(
    store: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is skipped with what is missing, and counts no test; the others are compared."""
    assert run(monkeypatch, "compare", "monday", "partial") == 0
    captured = capsys.readouterr()
    assert captured.out.count("recall@5   A: ") == 1
    assert "for 3 tests in all" in captured.out
    reason = "lacks rankings/queries.parquet and rankings/rankings.parquet: deleted since, or never logged"
    assert captured.err.startswith(f"bm25 is skipped: Run {store['partial/bm25'][:8]} (bm25, ")
    assert captured.err.count("\n") == 1
    assert reason in captured.err
    assert run(monkeypatch, "compare", "monday", "partial", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert [one["b"].split()[0] for one in content["comparisons"]] == ["two_stage"]
    assert [one["tests"] for one in content["comparisons"]] == [3]
    assert [one["system"] for one in content["skipped"]] == ["bm25"]
    assert reason in content["skipped"][0]["reason"]


def test_an_evaluation_with_its_own_system(
    store: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name or by id, in either order, it is a comparison of a run with itself, and none."""
    child = store["monday/two_stage"]
    for sides in (("monday", child), (child[:12], store["monday"]), (child, child[:12])):
        assert run(monkeypatch, "compare", *sides) == 1
        assert "the same run" in capsys.readouterr().err
    assert run(monkeypatch, "compare", store["shallow/two_stage"], "shallow", "--system", "two_stage") == 1
    assert f"lead to the same run, {store['shallow/two_stage'][:8]} (two_stage, " in capsys.readouterr().err


def test_two_systems_of_one_evaluation(
    store: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The two ids decide; they stand beneath the same run, so nothing of the pipeline differs."""
    assert run(monkeypatch, "compare", store["monday/bm25"], store["monday/two_stage"], "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["comparisons"][0]["a"], content["comparisons"][0]["b"]) == ("bm25", "two_stage")
    assert content["pipeline_parameters"] == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["monday", "wednesday"], "No run 'wednesday' in sqlite:///"),
        (["monday", ""], "No run '' in sqlite:///"),
        (["two_stage", "monday"], "Run 'two_stage' may be"),
        (["monday", "old"], "None of the 2 systems can be compared. The first, bm25: Run "),
        (["monday", "old"], "or never logged, as by an earlier version. Evaluate again with `kedro run"),
        (["monday", "partial", "--system", "bm25"], "lacks rankings/queries.parquet and rankings/rankings"),
        (["monday", "damaged"], "rankings/rankings.parquet of run "),
        (["monday", "damaged"], " cannot be read: "),
        (["monday", "foreign"], "lacks the columns query_id, rank, code: it has system, place. Evaluate"),
        (
            ["monday", "shallow", "--metric", "recall@50"],
            "recall@50 needs 50 ranks of both, but two_stage of",
        ),
        (["tuesday", "early"], " to 1: they can be compared by recall@1, mrr."),
        (["monday", "training"], "is no evaluation: it has no runs of systems beneath it."),
        (["monday", "tuesday", "--metric", "f1"], "Unknown metric 'f1': allowed are recall@1, recall@3"),
        (["monday", "tuesday", "--system", "dense"], "no system 'dense': it has bm25, two_stage."),
        (["monday", "monday"], "are the same run"),
        (["monday", "tuesday", "--conf", "nowhere"], "in nowhere; run it in the project's folder"),
        (["monday", "tuesday", "--uri", "sqlite:///none.db"], "No tracking store at sqlite:///none.db"),
        (["monday", "tuesday", "--uri", "mlruns"], "'mlruns' is no address of a tracking store"),
        (["monday", "tuesday", "--uri", "ftp://host"], "The tracking store ftp://host cannot be read"),
    ],
)
def test_bad_input(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    """What a user can mend is one line on standard error and exit status 1; no file is made."""
    assert run(monkeypatch, "compare", *arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert text in captured.err
    assert [path.name for path in folder.iterdir()] == ["conf"]


def test_runs_that_could_be_meant(
    store: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The most alike evaluation is named first."""
    assert run(monkeypatch, "compare", "tusday", "monday") == 1
    assert f"could be meant: {store['tuesday'][:8]} (tuesday, " in capsys.readouterr().err


def test_ambiguous_beginning(
    store: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A beginning of several ids names them."""
    ids = [value for name, value in store.items() if name != "uri"]
    first = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    assert run(monkeypatch, "compare", first, "monday") == 1
    message = capsys.readouterr().err
    assert f"Run {first!r} may be " in message
    assert message.count(", 20") >= 2


def test_a_file_that_is_no_store(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither text nor another database is taken for a store, and neither is changed."""
    (folder / "text.db").write_text("nothing" * 100, encoding="utf-8")
    with sqlite3.connect(folder / "other.db") as connection:
        connection.execute("CREATE TABLE notes (text)")
    for name in ("text.db", "other.db"):
        content = (folder / name).read_bytes()
        assert run(monkeypatch, "runs", "--uri", f"sqlite:///{name}") == 1
        assert f"{name} is no tracking store of MLflow" in capsys.readouterr().err
        assert (folder / name).read_bytes() == content
