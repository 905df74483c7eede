"""The dataset that logs what each system achieved."""

import logging
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from kedro.io import DatasetError
from mlflow import MlflowClient

from codisearch.datasets.system_runs import SystemRunsDataset

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
    assert by_name["bm25"].data.metrics == {"recall_at_5.es": 0.25, "mrr.all": 1.0}
    assert by_name["bm25"].data.tags["system"] == "bm25"
    assert {run.info.status for run in runs} == {"FINISHED"}
    two_stage = by_name["two_stage"]
    assert len(two_stage.data.params) == 121
    assert two_stage.data.params["note"] == "x" * 500
    card = store.download_artifacts(two_stage.info.run_id, "card.md", str(tmp_path))
    assert Path(card).read_text(encoding="utf-8") == "# Català"


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
