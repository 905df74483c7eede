"""Parameters, metrics and texts of a stage, in the MLflow run of the pipeline."""

import logging
from collections.abc import Mapping
from typing import Any

import mlflow
from kedro.io import AbstractDataset, DatasetError

logger = logging.getLogger(__name__)

RunRecord = Mapping[str, Mapping[str, Any]]
_LONGEST_PARAM = 500


def log_record(record: RunRecord) -> None:
    """Log `params`, `metrics` and `texts` (artifacts by name) to the run that is active."""
    mlflow.log_params({key: str(value)[:_LONGEST_PARAM] for key, value in record["params"].items()})
    mlflow.log_metrics({key: float(value) for key, value in record["metrics"].items()})
    for artifact, text in record["texts"].items():
        mlflow.log_text(text, artifact)


class RunRecordDataset(AbstractDataset[RunRecord, Any]):
    """Logs a record to the active run; without one (tracking switched off) nothing is logged.

    Args:
        metadata: For plugins.
    """

    def __init__(self, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def save(self, data: RunRecord) -> None:
        """Log the record."""
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
