"""The project's configuration, for commands that run no pipeline."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from codisearch.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd

Params = TypeVar("Params", bound=BaseModel)


def parameters_of(
    conf: Path, name: str, model: type[Params], env: str = "local", changes: Mapping[str, Any] | None = None
) -> Params:
    """Return one group of the project's parameters.

    Args:
        conf: The configuration folder.
        name: Name of the group.
        model: What the group is checked with.
        env: The environment that lies over `base`.
        changes: What differs from the files; dictionaries are merged.

    Raises:
        ConfigurationError: If the configuration is not there or does not fit.
    """
    group = dict(_load(conf, "parameters", env).get(name, {}))
    for key, value in (changes or {}).items():
        group[key] = {**group[key], **value} if isinstance(value, Mapping) else value
    try:
        return model.model_validate(group)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ConfigurationError(f"The parameters {name!r} in {conf} do not fit: {told}.") from None


def dataset_path(conf: Path, name: str, env: str = "local") -> Path:
    """Return where the catalog has a dataset.

    Raises:
        ConfigurationError: If the configuration is not there or the catalog has no such file.
    """
    try:
        return Path(_load(conf, "catalog", env)[name]["filepath"])
    except KeyError as error:
        raise _unusable(conf, f"catalog entry {name}", error) from error


def load_code_set_of(conf: Path, env: str = "local") -> "pd.DataFrame":
    """Return the whole code set of the configured release."""
    from codisearch.pipelines.code_set.nodes import load_code_set
    from codisearch.pipelines.code_set.params import CodeSetParams

    return load_code_set(parameters_of(conf, "code_set", CodeSetParams, env, {"sample": None}))


def _load(conf: Path, kind: str, env: str) -> dict[str, Any]:
    from kedro.config import MissingConfigException, OmegaConfigLoader

    strategy = {"parameters": "soft"}
    try:
        loader = OmegaConfigLoader(
            str(conf), env=env, base_env="base", default_run_env="local", merge_strategy=strategy
        )
        return dict(loader[kind])
    except (MissingConfigException, ValueError) as error:
        raise _unusable(conf, kind, error) from error


def _unusable(conf: Path, name: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"No usable parameters {name!r} in {conf}; run it in the project's folder or give --conf: {error}"
    )
