"""The generators of the catalog, with their keys."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml
from kedro.io import AbstractDataset, DatasetError
from pydantic import SecretStr

from codisearch.datasets.errors import DataFileError
from codisearch.generators.registry import Generators


class GeneratorsDataset(AbstractDataset[NoReturn, Generators]):
    """What can be asked for pairs, by name; read-only. The keys appear in no description of it."""

    def __init__(
        self,
        *,
        classes: Mapping[str, str],
        filepath: str,
        credentials: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Name the generators.

        Args:
            classes: Name -> dotted path of a subclass of `codisearch.generators.contract.Generator`.
            filepath: A YAML file whose `generators` maps names to keys. It need not be there. The dataset
                reads it itself, since Kedro reads the credentials of one environment and keys lie in another.
            credentials: Name -> key, as Kedro hands them over; they go before the file's.
            metadata: Anything for plugins.
        """
        self._classes = dict(classes)
        self._filepath = Path(filepath)
        self._credentials = _keys(credentials or {})
        self.metadata = metadata

    def load(self) -> Generators:
        """Return the generators; none is opened, and no key is needed yet.

        Raises:
            DataFileError: If the file with the keys cannot be read.
        """
        return Generators(self._classes, {**self._read(), **self._credentials})

    def save(self, data: NoReturn) -> None:
        """Refuse.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("Generators are configured in the catalog, not saved.")

    def _read(self) -> dict[str, SecretStr]:
        if not self._filepath.is_file():
            return {}
        try:
            content = yaml.safe_load(self._filepath.read_text(encoding="utf-8")) or {}
            return _keys(content.get("generators") or {})
        except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError):
            # The parser's message quotes the line, and the line may be a key.
            raise DataFileError(
                f"{self._filepath} cannot be read: expected YAML like `generators: {{gemini: YOUR_KEY}}`."
            ) from None

    def _describe(self) -> dict[str, Any]:
        return {"classes": self._classes, "filepath": str(self._filepath)}


def _keys(given: Mapping[str, Any]) -> dict[str, SecretStr]:
    """Return the keys that are not empty.

    Raises:
        TypeError: If a key is no text.
    """
    keys = {}
    for name, key in given.items():
        if key is not None and not isinstance(key, str):
            raise TypeError(f"The key of {name!r} must be a text, came {type(key).__name__}.")
        if key and key.strip():
            keys[name] = SecretStr(key.strip())
    return keys
