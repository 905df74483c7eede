"""What each system achieved, as MLflow runs beneath the run of the pipeline."""

import logging
from collections.abc import Mapping
from typing import Any

import mlflow
from kedro.io import AbstractDataset, DatasetError

from codisearch.datasets.run_record import RunRecord, log_record

logger = logging.getLogger(__name__)

SystemRun = RunRecord


class SystemRunsDataset(AbstractDataset[Mapping[str, SystemRun], Any]):
    """Logs one child run per system: its `params`, `metrics` and `texts` (artifacts by name).

    A run has the name of its system. Without an active run (tracking switched off) nothing is logged.

    Args:
        metadata: For plugins.
    """

    def __init__(self, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def save(self, data: Mapping[str, SystemRun]) -> None:
        """Log the runs."""
        parent = mlflow.active_run()
        if parent is None:
            logger.info("Tracking is off: the runs of %s are not logged", ", ".join(data))
            return
        for name, content in data.items():
            with mlflow.start_run(run_name=name, nested=True, tags={"system": name}):
                log_record(content)

    def load(self) -> Any:  # noqa: ANN401
        """Refuse: runs are read in the MLflow UI.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("The systems' runs are written for MLflow, not read back.")

    def _describe(self) -> dict[str, Any]:
        return {}
