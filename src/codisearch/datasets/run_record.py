"""Parameters, metrics, texts, tables and figures of a stage, in the MLflow run of the pipeline."""

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import mlflow
import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

logger = logging.getLogger(__name__)

RunRecord = Mapping[str, Mapping[str, Any]]
PARTS: Final = ("params", "metrics", "histories", "tags", "texts", "tables", "figures")
_LONGEST_PARAM: Final = 500
_Writer = Callable[[Any, Path], object]


def log_record(record: RunRecord) -> None:
    """Log a record to the run that is active.

    Args:
        record: Any of these parts: `params`, `metrics` and `tags` by name; `histories`, metric -> a list of
            {`step`, `value`}; and artifacts by their path: `texts`, `tables` (frames, as .parquet or .csv)
            and `figures` (of plotly, as .json, or as .html, which brings its script along, 5 MB, and so needs
            no network).

    Raises:
        DatasetError: If there is another part, or an artifact of another kind.
    """
    unknown = sorted(set(record) - set(PARTS))
    if unknown:
        raise DatasetError(f"A run record has no {', '.join(unknown)}: allowed are {', '.join(PARTS)}.")
    run = mlflow.active_run()
    if run is None:
        raise DatasetError("A run record needs an active run: start one first.")
    now = int(time.time() * 1000)
    metrics = [Metric(key, float(value), now, 0) for key, value in record.get("metrics", {}).items()]
    for key, steps in record.get("histories", {}).items():
        metrics += [Metric(key, float(one["value"]), now, int(one["step"])) for one in steps]
    params = [Param(key, str(value)[:_LONGEST_PARAM]) for key, value in record.get("params", {}).items()]
    tags = [RunTag(key, str(value)) for key, value in record.get("tags", {}).items()]
    MlflowClient().log_batch(run.info.run_id, metrics, params, tags)  # in as many requests as it takes
    _log_artifacts(record)


def _log_artifacts(record: RunRecord) -> None:
    """Write all artifacts aside and log them at once."""
    with tempfile.TemporaryDirectory(prefix="codisearch-") as name:
        folder = Path(name)
        for part in ("texts", "tables", "figures"):
            for artifact, content in record.get(part, {}).items():
                path = folder / artifact
                path.parent.mkdir(parents=True, exist_ok=True)
                _writer_of(part, artifact)(content, path)
        if any(folder.iterdir()):
            mlflow.log_artifacts(name)


def _writer_of(part: str, artifact: str) -> _Writer:
    if part == "texts":
        return _write_text
    writers = _WRITERS[part]
    suffix = Path(artifact).suffix
    if suffix not in writers:
        raise DatasetError(f"{part} are logged as {' or '.join(writers)}, came {artifact!r}.")
    return writers[suffix]


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)


def _write_html(figure: Any, path: Path) -> None:  # noqa: ANN401  # plotly has no types
    figure.write_html(path, include_plotlyjs=True)


def _write_json(figure: Any, path: Path) -> None:  # noqa: ANN401
    figure.write_json(path)


_WRITERS: Final[dict[str, dict[str, _Writer]]] = {
    "tables": {".parquet": _write_parquet, ".csv": _write_csv},
    "figures": {".html": _write_html, ".json": _write_json},
}


class RunRecordDataset(AbstractDataset[RunRecord, Any]):
    """Logs a record to the active run; without one (tracking switched off) nothing is logged.

    Args:
        metadata: For plugins.
    """

    def __init__(self, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def save(self, data: RunRecord) -> None:
        """Log the record; see `log_record`."""
        if mlflow.active_run() is None:
            logger.info("Tracking is off: what the stage came to is not logged")
            return
        log_record(data)

    def load(self) -> Any:  # noqa: ANN401
        """Refuse: records are read in the MLflow UI.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("A run record is written for MLflow, not read back.")

    def _describe(self) -> dict[str, Any]:
        return {}
