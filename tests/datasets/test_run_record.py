"""What a stage came to, in the run of the pipeline."""

from pathlib import Path

import mlflow
import pytest
from kedro.io import DatasetError

from codisearch.datasets.run_record import RunRecordDataset

RECORD = {"params": {"prompt": "p" * 900}, "metrics": {"rows": 3}, "texts": {"note.md": "# Note"}}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """Track into a store of this test."""
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    yield mlflow.MlflowClient(uri)
    mlflow.set_tracking_uri(before)


def test_the_active_run_gets_it(store: mlflow.MlflowClient):
    """Parameters (cut to what MLflow takes), metrics and texts."""
    with mlflow.start_run(experiment_id="0") as run:
        RunRecordDataset().save(RECORD)
    logged = store.get_run(run.info.run_id).data
    assert logged.params == {"prompt": "p" * 500}
    assert logged.metrics == {"rows": 3.0}
    assert [file.path for file in store.list_artifacts(run.info.run_id)] == ["note.md"]


def test_without_a_run_nothing_happens(caplog: pytest.LogCaptureFixture):
    """Tracking may be switched off."""
    with caplog.at_level("INFO"):
        RunRecordDataset().save(RECORD)
    assert "Tracking is off" in caplog.text


def test_it_cannot_be_loaded():
    """Records are read in the MLflow UI."""
    with pytest.raises(DatasetError, match="not read back"):
        RunRecordDataset().load()
    assert "RunRecordDataset" in str(RunRecordDataset())
