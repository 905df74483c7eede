"""A trained model with what one must know about it, as a folder: weights, model card, facts."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from codisearch.errors import ModelError
from codisearch.files import replace_folder
from codisearch.retrieval.encoder import first_module_of, open_encoder
from codisearch.retrieval.hub import is_local_only, reason_of

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

_FACTS: Final = "training.json"
_CARD: Final = "README.md"

Kind = Literal["bi_encoder", "cross_encoder"]


@dataclass(frozen=True)
class TrainedModel:
    """A model and its history.

    Attributes:
        kind: Whether `model` is a bi-encoder or a cross-encoder.
        model: The sentence-transformers model.
        card: Model card, Markdown.
        facts: JSON-able facts: `fingerprint` of everything that went into it, `seconds`, `history` (list of
            `{step, metric, value}`), and what the training wants to tell.
    """

    kind: Kind
    model: "SentenceTransformer | CrossEncoder"
    card: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """What the training was made of; equal fingerprints would give equal models."""
        return str(self.facts.get("fingerprint", ""))

    def save(self, folder: Path) -> None:
        """Write the folder whole, or leave what was there before.

        Raises:
            StorageError: If the disk is full or the folder cannot be written.
        """
        with replace_folder(folder) as aside:
            self.model.save_pretrained(str(aside), create_model_card=False)
            (aside / _CARD).write_text(self.card, encoding="utf-8")
            (aside / _FACTS).write_text(
                json.dumps(self.facts, indent=1, ensure_ascii=False), encoding="utf-8"
            )

    @classmethod
    def load(cls, folder: Path, kind: Kind) -> "TrainedModel":
        """Read a folder that `save` wrote.

        Raises:
            ModelError: If the folder is missing, incomplete or cannot be read.
        """
        for name in (_FACTS, _CARD):
            if not (folder / name).is_file():
                raise ModelError(f"No trained {kind} in {folder}: {name} is missing; train it again.")
        try:
            facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            card = (folder / _CARD).read_text(encoding="utf-8")
        except ValueError as error:
            raise ModelError(
                f"The trained {kind} in {folder} cannot be read: {error}; train it again."
            ) from error
        opened = open_encoder(str(folder)) if kind == "bi_encoder" else open_cross_encoder(str(folder))
        return cls(kind, opened, card, facts)


def open_cross_encoder(source: str, **options: Any) -> "CrossEncoder":  # noqa: ANN401
    """Return the cross-encoder of a folder or hub id, without ever running code from it.

    Args:
        source: A folder or hub id.
        options: For a transformer: what `CrossEncoder` takes.

    Raises:
        ModelError: If it cannot be read.
    """
    from sentence_transformers import CrossEncoder

    from codisearch.retrieval.interaction import WordInteraction

    try:
        if first_module_of(Path(source)) == WordInteraction.__name__:
            model: CrossEncoder = CrossEncoder(modules=[WordInteraction.load(source)])
        else:
            model = CrossEncoder(source, **{"local_files_only": is_local_only(source), **options})
    except Exception as error:  # tokenizers raise no narrower one
        raise ModelError(f"Cannot load the cross-encoder {source!r}: {reason_of(error)}.") from error
    return model


def fingerprint_of_training(*parts: object) -> str:
    """Return 16 hexadecimal digits of everything that decides a training: frames, parameters, versions."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, pd.DataFrame):
            content = part.to_json(orient="split", force_ascii=False)
        else:
            content = part if isinstance(part, str) else json.dumps(part, sort_keys=True, default=str)
        digest.update(hashlib.sha256(content.encode()).digest())
    return digest.hexdigest()[:16]
