"""How a model is meant to be used: the pooling of its token vectors, and what stands before a text."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from torch import nn

from codisearch.errors import ConfigurationError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Pooling = Literal["mean", "cls"]
Role = Literal["query", "document"]
ROLES: Final[tuple[Role, ...]] = ("query", "document")

_CONFIG: Final = "config_sentence_transformers.json"
_DEFAULT_POOLING: Final = "mean"


def set_pooling(model: "SentenceTransformer", pooling: Pooling) -> None:
    """Let the model make its vectors of the mean of all token vectors, or of the first one.

    Raises:
        ConfigurationError: If the model has no token vectors to pool.
    """
    from sentence_transformers.sentence_transformer import modules

    layer = _pooling_of(model)
    if not isinstance(layer, modules.Pooling):
        raise ConfigurationError(
            f"`pooling: {pooling}` needs a transformer with a pooling layer; this encoder has "
            f"{', '.join(type(module).__name__ for module in model)}. Leave it null."
        )
    layer.pooling_mode = pooling
    layer.pooling_output_dimension = layer.embedding_dimension


def set_prompts(model: "SentenceTransformer", query: str | None, document: str | None) -> None:
    """Set what stands before queries and documents; None leaves the model's own."""
    wanted = {"query": query, "document": document}
    model.prompts.update({role: prompt for role, prompt in wanted.items() if prompt is not None})


def saved_prompts(folder: Path) -> dict[str, str]:
    """Return the prompts that a model folder was saved with."""
    path = folder / _CONFIG
    if not path.is_file():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8")).get("prompts", {}))


def describe_conventions(model: nn.Module) -> str:
    """Return the prompts and the pooling as text; "" for a model without prompts that takes the mean."""
    prompts = getattr(model, "prompts", {})
    told: dict[str, object] = {role: prompts[role] for role in ROLES if prompts.get(role)}
    pooling = getattr(_pooling_of(model), "pooling_mode", _DEFAULT_POOLING)
    if pooling != _DEFAULT_POOLING:
        told["pooling"] = pooling
    return json.dumps(told, sort_keys=True) if told else ""


def _pooling_of(model: nn.Module) -> nn.Module | None:
    return next((module for module in model.children() if hasattr(module, "pooling_mode")), None)
