"""The search bundle as a Kedro dataset."""

from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractDataset

from codisearch.retrieval.bundle import Bundle


class BundleDataset(AbstractDataset[Bundle, Bundle]):
    """The folder that search needs, replaced whole or not at all, verified when it is loaded.

    Args:
        filepath: The folder.
        metadata: For plugins.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = PurePosixPath(filepath)
        self.metadata = metadata

    def load(self) -> Bundle:
        """Return the bundle.

        Raises:
            BundleError: If it is missing, incomplete, corrupted or of another format.
        """
        return Bundle.load(Path(self._filepath))

    def save(self, data: Bundle) -> None:
        """Write the bundle.

        Raises:
            StorageError: If the disk is full or the folder cannot be written.
        """
        data.save(Path(self._filepath))

    def _exists(self) -> bool:
        return (Path(self._filepath) / "manifest.json").is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
