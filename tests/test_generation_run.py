"""The generation as its users run it: in a project, with a key, against a stand-in for the Gemini API."""

import json
import logging
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from project_copy import Project, copy_project, run
from service import KEY, Service, running_service

from codisearch.errors import ConfigurationError, GeneratorError

__all__ = ["running_service"]
CODES = 3


def generate(folder: Path, service: Service, pipeline: str = "generation", **changes: Any) -> Project:
    """Run a pipeline in the reference recipe's environment, with the service in Gemini's place."""
    models = {"gemini": {"base_url": service.address}}
    params = {"codes": {"limit": CODES}, "models": models, "pace": {"concurrency": 4}} | changes
    return run(folder, env="paper", pipeline=pipeline, generation=params)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, running_service: Service) -> Path:
    """Return a copy of the project, with a key in conf/local and none in the environment."""
    running_service.set(disagree=0.0)
    project = copy_project(tmp_path_factory.mktemp("project"))
    (project / "conf" / "local" / "credentials.yml").write_text(
        f"generators: {{gemini: {KEY}}}\n", encoding="utf-8"
    )
    return project


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's key away."""
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)


@pytest.fixture(scope="module")
def planned(folder: Path, running_service: Service) -> dict[str, Any]:
    """Return the plan of a dry run."""
    with pytest.raises(SystemExit) as ended:
        generate(folder, running_service, dry_run=True)
    assert ended.value.code == 0
    output = folder / "data" / "paper"
    plan = json.loads((output / "08_reporting" / "generation_plan.json").read_text(encoding="utf-8"))
    there = [path.name for path in (output / "01_raw").rglob("*") if path.is_file()]
    return {"plan": plan, "arrivals": running_service.counts["arrivals"], "files": there}


@pytest.fixture(scope="module")
def generated(folder: Path, running_service: Service, planned: dict[str, Any]) -> Project:
    """Run the generation after its plan."""
    assert planned
    return generate(folder, running_service)


def test_a_dry_run_plans_and_sends_nothing(planned: dict[str, Any]):
    """The plan is kept; there is no ledger and no table of pairs, and nothing reached the service."""
    assert [task["requests"] for task in planned["plan"]["tasks"]] == [CODES * 6, 6]
    assert planned["plan"]["dry_run"]
    assert planned["arrivals"] == 0
    assert planned["files"] == ["targets.json"]


def test_pairs_of_a_run(generated: Project):
    """With the key of conf/local all queries of all codes are there, and the confusable codes beside them."""
    raw = generated.folder / "data" / "paper" / "01_raw"
    pairs = pd.read_parquet(raw / "raw_pairs.parquet")
    assert len(pairs) == CODES * 6 * 3
    assert pairs["code"].nunique() == CODES
    assert (raw / "generation" / "ledger.sqlite").exists()
    assert len(pd.read_parquet(raw / "confusables.parquet")) > 0
    assert not (generated.folder / "data" / "01_raw" / "raw_pairs.parquet").exists()  # the default run's


def test_tracking(generated: Project):
    """MLflow has rows, requests, tokens and money, the model and the prompt's hash."""
    client = mlflow.MlflowClient(f"sqlite:///{generated.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("codisearch")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id], "metrics.`generation.rows.accepted` > 0")
    data = found[0].data
    assert data.metrics["generation.rows.accepted"] == CODES * 6 * 3
    assert data.metrics["generation.queries.requests_sent"] == CODES * 6
    assert data.metrics["generation.queries.money"] > 0
    assert len(data.params["generation.queries.prompt_hash"]) == 12


def test_the_key_is_nowhere(
    generated: Project,
    running_service: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    """Not in a file that a run wrote, MLflow's among them, nor in a log or an error, be it refused or not."""
    running_service.change(echo_key=True)
    monkeypatch.setenv("GEMINI_API_KEY", "refused-key-42")
    with caplog.at_level(logging.DEBUG), pytest.raises(GeneratorError, match="refuses") as caught:
        generate(generated.folder, running_service, codes={"limit": CODES + 1})
    said = capfd.readouterr()
    everything = caplog.text + said.out + said.err + generated.log + str(caught.value)
    assert "API key not valid" in everything
    local = generated.folder / "conf" / "local" / "credentials.yml"
    files = [path for path in generated.folder.rglob("*") if path.is_file() and path != local]
    for key in (KEY, "refused-key-42"):
        assert key not in everything
        assert [path for path in files if key.encode() in path.read_bytes()] == []


def test_curation_takes_the_pairs(generated: Project):
    """The rules refuse nothing of what was accepted: generation has held the model to them."""
    run(generated.folder, env="paper", pipeline="curation")
    rejected = pd.read_parquet(generated.folder / "data/paper/02_intermediate/rejected_pairs.parquet")
    repeats = {"exact_duplicate", "near_duplicate"}
    assert set(rejected["rule"]) <= repeats | {"title_of_unseen_code", "title_near_held_out_query"}
    pairs = pd.read_parquet(generated.folder / "data" / "paper" / "03_primary" / "pairs.parquet")
    assert len(pairs) + len(rejected) == CODES * 6 * 3


def test_a_second_run_pays_nothing(generated: Project, running_service: Service):
    """Everything comes from the ledger."""
    before = running_service.counts["arrivals"]
    generate(generated.folder, running_service)
    assert running_service.counts["arrivals"] == before


def test_without_a_key(tmp_path: Path, running_service: Service):
    """The message says where to put it."""
    project = copy_project(tmp_path)
    with pytest.raises(ConfigurationError, match=r"set GEMINI_API_KEY .*conf/local/credentials\.yml"):
        generate(project, running_service)
