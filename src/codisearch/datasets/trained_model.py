"""Trained sentence-transformers models as Kedro datasets."""

import logging
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from codisearch.errors import ModelError
from codisearch.retrieval.trained import Kind, TrainedModel

logger = logging.getLogger(__name__)


class TrainedModelDataset(AbstractDataset[TrainedModel, TrainedModel | None]):
    """A folder with weights (safetensors), model card and training facts, replaced whole or not at all.

    Args:
        filepath: The folder.
        kind: `bi_encoder` or `cross_encoder`.
        optional: Whether a missing or unreadable folder loads as None instead of failing; such a dataset is
            never written. It lets a training look at what an earlier one left.
        metadata: For plugins.
    """

    def __init__(
        self, filepath: str, kind: Kind, optional: bool = False, metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath = PurePosixPath(filepath)
        self._kind: Kind = kind
        self._optional = optional
        self.metadata = metadata

    def load(self) -> TrainedModel | None:
        """Return the model, or None where it is optional and not there.

        Raises:
            ModelError: If it is missing or incomplete.
        """
        try:
            return TrainedModel.load(Path(self._filepath), self._kind)
        except ModelError as error:
            if not self._optional:
                raise
            if self._exists():
                logger.warning("The earlier %s is left aside: %s", self._kind, error)
            return None

    def save(self, data: TrainedModel) -> None:
        """Write the folder.

        Raises:
            DatasetError: If the dataset is optional, which is for reading only.
            StorageError: If the disk is full or the folder cannot be written.
        """
        if self._optional:
            raise DatasetError(f"{self._filepath} is read-only under this name.")
        data.save(Path(self._filepath))

    def _exists(self) -> bool:
        return Path(self._filepath).is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "kind": self._kind, "optional": self._optional}
