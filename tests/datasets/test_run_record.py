"""What a stage came to, in the run of the pipeline."""

import json
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io import DatasetError

from codisearch.datasets.run_record import RunRecordDataset, log_record

FRAME = pd.DataFrame({"code": ["I10"], "score": [0.5]})
RECORD = {"params": {"prompt": "p" * 900}, "metrics": {"rows": 3}, "texts": {"note.md": "# Note"}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mlflow.MlflowClient]:
    """Track into a store of these tests."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("tiny", (folder / "artifacts").as_uri()))
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(before)


def test_the_active_run_gets_it(store: mlflow.MlflowClient) -> None:
    """Parameters (cut to what MLflow takes), metrics and texts."""
    with mlflow.start_run() as run:
        RunRecordDataset().save(RECORD)
    logged = store.get_run(run.info.run_id).data
    assert logged.params == {"prompt": "p" * 500}
    assert logged.metrics == {"rows": 3.0}
    assert [file.path for file in store.list_artifacts(run.info.run_id)] == ["note.md"]


def test_more_than_one_request_takes(store: mlflow.MlflowClient) -> None:
    """MLflow takes 1,000 metrics and 100 parameters a request; a record may have more."""
    metrics, params = ({f"{kind}{number}": number for number in range(1001)} for kind in "mp")
    with mlflow.start_run() as run:
        log_record({"metrics": metrics, "params": params})
    logged = store.get_run(run.info.run_id).data
    assert logged.metrics == metrics
    assert logged.params == {name: str(value) for name, value in params.items()}


def test_histories_and_tags(store: mlflow.MlflowClient) -> None:
    """A history keeps its steps; its last value is the metric's."""
    steps = [{"step": 10, "value": 2.5}, {"step": 20, "value": 1.5}]
    with mlflow.start_run() as run:
        log_record({"histories": {"loss": steps}, "tags": {"part": "encoder"}})
    history = store.get_metric_history(run.info.run_id, "loss")
    assert [(entry.step, entry.value) for entry in history] == [(10, 2.5), (20, 1.5)]
    logged = store.get_run(run.info.run_id).data
    assert logged.metrics == {"loss": 1.5}
    assert logged.tags["part"] == "encoder"


def test_tables_and_figures(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    """Tables come back as they were; a figure brings its script along, so that no network is needed."""
    figure = go.Figure(go.Bar(x=["es"], y=[0.25]), layout={"title": "recall"})
    with mlflow.start_run() as run:
        log_record(
            {
                "tables": {"rankings/all.parquet": FRAME, "all.csv": FRAME},
                "figures": {"figures/recall.html": figure, "figures/recall.json": figure},
            }
        )
    folder = Path(store.download_artifacts(run.info.run_id, "", str(tmp_path)))
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "rankings" / "all.parquet"), FRAME)
    assert (folder / "all.csv").read_text(encoding="utf-8") == "code,score\nI10,0.5\n"
    assert json.loads((folder / "figures" / "recall.json").read_text())["data"][0]["type"] == "bar"
    page = (folder / "figures" / "recall.html").read_text(encoding="utf-8")
    assert "<script src=" not in page
    assert len(page) > 1_000_000


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"figure": {}}, "A run record has no figure: allowed are params, metrics, histories, tags, texts"),
        ({"tables": {"a.xlsx": FRAME}}, r"tables are logged as \.parquet or \.csv, came 'a\.xlsx'"),
        ({"figures": {"a": go.Figure()}}, r"figures are logged as \.html or \.json, came 'a'"),
    ],
)
def test_unknown_parts(store: mlflow.MlflowClient, record: dict[str, dict[str, object]], text: str) -> None:
    """A part or an artifact of another kind is refused."""
    with mlflow.start_run(), pytest.raises(DatasetError, match=text):
        RunRecordDataset().save(record)


def test_without_a_run_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    """Tracking may be switched off; who asks for a record all the same is told."""
    with caplog.at_level("INFO"):
        RunRecordDataset().save(RECORD)
    assert "Tracking is off" in caplog.text
    with pytest.raises(DatasetError, match="needs an active run"):
        log_record(RECORD)


def test_it_cannot_be_loaded() -> None:
    """Records are read in the MLflow UI."""
    with pytest.raises(DatasetError, match="not read back"):
        RunRecordDataset().load()
    assert "RunRecordDataset" in str(RunRecordDataset())
