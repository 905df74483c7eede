"""The generators of the catalog, with their keys."""

from collections.abc import Mapping
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError
from pydantic import SecretStr

from codisearch.generators.registry import Generators


class GeneratorsDataset(AbstractDataset[NoReturn, Generators]):
    """What can be asked for pairs, by name; read-only. The keys appear in no description of it."""

    def __init__(
        self,
        *,
        classes: Mapping[str, str],
        credentials: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Name the generators.

        Args:
            classes: Name -> dotted path of a subclass of `codisearch.generators.contract.Generator`.
            credentials: Name -> key; the environment goes before.
            metadata: Anything for plugins.
        """
        self._classes = dict(classes)
        self._keys = {
            name: SecretStr(str(key).strip())
            for name, key in (credentials or {}).items()
            if key is not None and str(key).strip()
        }
        self.metadata = metadata

    def load(self) -> Generators:
        """Return the generators; none is opened, and no key is needed yet."""
        return Generators(self._classes, self._keys)

    def save(self, data: NoReturn) -> None:
        """Refuse.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("Generators are configured in the catalog, not saved.")

    def _describe(self) -> dict[str, Any]:
        return {"classes": self._classes}
