"""The dataset that logs what each system achieved."""

import logging
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from kedro.io import DatasetError
from mlflow import MlflowClient

from codisearch.datasets.system_runs import (
    SystemRunsDataset,
    describe_system,
    describe_systems,
    summary_of,
)

SYSTEMS = {
    "bm25": {"params": {"k1": 1.2}, "metrics": {"recall_at_5.es": 0.25, "mrr.all": 1}, "texts": {}},
    "two_stage": {
        "params": {"note": "x" * 501, **{f"p{number}": number for number in range(120)}},
        "metrics": {"recall_at_5.es": 0.5},
        "texts": {"card.md": "# Català"},
    },
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowClient]:
    """Return a client of an empty store; the store that was set before is set again afterwards."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("tiny", (folder / "artifacts").as_uri()))
    yield MlflowClient()
    mlflow.set_tracking_uri(before)


def test_a_run_for_each_system(store: MlflowClient, tmp_path: Path) -> None:
    """Beneath the active run there is one of each system, with its params, metrics and texts."""
    with mlflow.start_run(run_name="pipeline") as parent:
        SystemRunsDataset().save(SYSTEMS)
        assert mlflow.active_run().info.run_id == parent.info.run_id
    runs = store.search_runs(
        [parent.info.experiment_id],
        f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'",
        order_by=["created ASC"],
    )
    by_name = {run.info.run_name: run for run in runs}
    assert set(by_name) == {"bm25", "two_stage"}
    assert by_name["bm25"].data.params == {"k1": "1.2"}
    assert by_name["bm25"].data.metrics == {"recall_at_5.es": 0.25, "mrr.all": 1.0, "primary/mrr": 1.0}
    tags = by_name["bm25"].data.tags
    assert (tags["system"], tags["codisearch.kind"]) == ("bm25", "system")
    assert tags["mlflow.note.content"] == describe_system("bm25", SYSTEMS["bm25"]["metrics"])
    above = store.get_run(parent.info.run_id).data.tags
    assert above["codisearch.kind"] == "evaluation"
    assert "| two_stage | 0.500 |  |" in above["mlflow.note.content"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    two_stage = by_name["two_stage"]
    assert len(two_stage.data.params) == 121
    assert two_stage.data.params["note"] == "x" * 500
    card = store.download_artifacts(two_stage.info.run_id, "card.md", str(tmp_path))
    assert Path(card).read_text(encoding="utf-8") == "# Català"


def test_summary_for_the_run_above() -> None:
    """Recall@5 of each system under its name, and the primary metrics of the best."""
    metrics = {
        "bm25": {"recall_at_5.all": 0.5, "mrr.all": 0.4},
        "two_stage": {"recall_at_5.all": 0.75, "mrr.all": 0.6, "recall_at_5.es": 0.7},
        "broken": {},
    }
    record = summary_of(metrics)
    assert record["metrics"] == {
        "primary/recall_at_5": 0.75,
        "primary/mrr": 0.6,
        "recall_at_5/bm25": 0.5,
        "recall_at_5/two_stage": 0.75,
    }
    assert record["tags"]["codisearch.best_system"] == "two_stage"


def test_description_of_a_system() -> None:
    """One row per part of the queries, one column per measure; what was not measured is left out."""
    metrics = {"recall_at_5.all": 0.5, "recall_at_5.es": 0.25, "mrr.all": 0.4, "mrr.style_lay": 0.1}
    assert describe_system("bm25", metrics).splitlines()[2:] == [
        "| queries | recall@5 | MRR |",
        "| --- | ---: | ---: |",
        "| all | 0.500 | 0.400 |",
        "| es | 0.250 |  |",
    ]
    assert describe_system("bm25", {}) == "**bm25** over the whole code set."


def test_description_of_an_evaluation() -> None:
    """One row per system: recall@5 over all and by part, then MRR."""
    metrics = {
        "bm25": {"recall_at_5.all": 0.5, "recall_at_5.unseen": 0.25, "mrr.all": 0.4},
        "two_stage": {"recall_at_5.all": 0.75},
    }
    assert describe_systems(metrics).splitlines()[2:] == [
        "| system | **recall@5** | unseen | MRR |",
        "| --- | ---: | ---: | ---: |",
        "| bm25 | 0.500 | 0.250 | 0.400 |",
        "| two_stage | 0.750 |  |  |",
    ]


def test_without_an_active_run(store: MlflowClient, caplog: pytest.LogCaptureFixture) -> None:
    """With tracking off nothing is logged, and the log of the run says so."""
    experiments = [experiment.experiment_id for experiment in store.search_experiments()]
    before = len(store.search_runs(experiments))
    with caplog.at_level(logging.INFO, "codisearch"):
        SystemRunsDataset(metadata={"layer": "reporting"}).save(SYSTEMS)
    assert len(store.search_runs(experiments)) == before
    assert "the runs of bm25, two_stage are not logged" in caplog.text


def test_runs_are_not_read_back() -> None:
    """Loading is refused, and says where the runs are for."""
    dataset = SystemRunsDataset(metadata={"layer": "reporting"})
    assert dataset.metadata == {"layer": "reporting"}
    with pytest.raises(DatasetError, match="written for MLflow, not read back"):
        dataset.load()
    assert "SystemRunsDataset" in str(dataset)
