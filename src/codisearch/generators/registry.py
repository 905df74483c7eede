"""The generators by name: their classes and their keys."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

from pydantic import SecretStr

from codisearch.errors import ConfigurationError
from codisearch.generators.contract import Generator
from codisearch.generators.settings import ModelSettings

_PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Generators:
    """What can be asked.

    Attributes:
        classes: Name -> dotted path of a subclass of `Generator`.
        keys: Name -> its key, as the credentials give it; the environment goes before.
    """

    classes: Mapping[str, str]
    keys: Mapping[str, SecretStr] = field(default_factory=dict)

    def create(self, name: str, settings: ModelSettings) -> Generator:
        """Return a generator.

        Raises:
            ConfigurationError: If the name is unknown, its class cannot be imported, or its key is missing.
        """
        if name not in self.classes:
            raise ConfigurationError(
                f"Unknown generator {name!r}: allowed are corpus and those that the catalog's `generators` "
                f"names, {', '.join(sorted(self.classes))}."
            )
        kind = _load(name, self.classes[name])
        key = self.key_of(name)
        if kind.needs_key and key is None:
            raise ConfigurationError(
                f"No key for the generator {name!r}: set {_variable(name)} in the environment, or write "
                f"`generators: {{{name}: YOUR_KEY}}` into conf/local/credentials.yml, which git ignores."
            )
        if key and not _PRINTABLE.fullmatch(key.get_secret_value()):
            raise ConfigurationError(
                f"The key of the generator {name!r} holds blanks, line breaks or letters that no key has: "
                "copy it anew. Its text is not shown here."
            )
        return kind(name, settings, key)

    def key_of(self, name: str) -> SecretStr | None:
        """Return a generator's key: from the environment (`GEMINI_API_KEY`), else from the credentials."""
        given = os.environ.get(_variable(name), "").strip()
        return SecretStr(given) if given else self.keys.get(name)


def _variable(name: str) -> str:
    return f"{name.upper().replace('-', '_')}_API_KEY"


def _load(name: str, path: str) -> type[Generator]:
    module, _, attribute = path.rpartition(".")
    try:
        kind = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"The class {path!r} of the generator {name!r} cannot be imported: {error}."
        ) from None
    if not (isinstance(kind, type) and issubclass(kind, Generator)):
        raise ConfigurationError(f"The class {path!r} of the generator {name!r} is no subclass of Generator.")
    return kind
