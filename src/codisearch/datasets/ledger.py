"""The ledger of requests and answers."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from codisearch.generators.ledger import Ledger


class LedgerDataset(AbstractDataset[NoReturn, Ledger]):
    """A ledger file, which need not be there yet; nodes append to it through `Ledger.writing`."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Point at a file.

        Args:
            filepath: The SQLite file.
            metadata: Anything for plugins.
        """
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Ledger:
        """Return the ledger; nothing is opened."""
        return Ledger(self._filepath)

    def save(self, data: NoReturn) -> None:
        """Refuse: a ledger is appended to, never replaced.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"{self._filepath} is append-only; `Ledger.writing` appends to it.")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
