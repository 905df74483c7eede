"""The embedding cache as a Kedro dataset."""

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from codisearch.retrieval.cache import EmbeddingCache


class EmbeddingCacheDataset(AbstractDataset[Any, EmbeddingCache]):
    """Gives nodes the folder of vectors that they may read and add to.

    Args:
        filepath: The folder; made when the first vectors are kept.
        metadata: For plugins.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = PurePosixPath(filepath)
        self.metadata = metadata

    def load(self) -> EmbeddingCache:
        """Return the cache."""
        return EmbeddingCache(Path(self._filepath))

    def save(self, data: Any) -> None:  # noqa: ANN401
        """Refuse: the cache fills itself.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"The embedding cache {self._filepath} is not an output of a node.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
