"""The bundle: one folder that search needs, complete in itself and checked when it is opened."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

import codisearch
from codisearch.errors import BundleError
from codisearch.files import replace_folder, sha256_of, sha256_of_folder
from codisearch.retrieval.aliases import positions_of
from codisearch.retrieval.confidence import Confidence
from codisearch.retrieval.confident import ConfidentRanker, ConfidentRankings, answer_in_chunks
from codisearch.retrieval.evidence import EvidenceReader
from codisearch.retrieval.index import DenseRanker, read_faiss, write_faiss
from codisearch.retrieval.reranker import Documents, Fusion
from codisearch.retrieval.trained import TrainedModel
from codisearch.retrieval.two_stage import TwoStageRanker

FORMAT: Final = 2
_MANIFEST: Final = "manifest.json"
_INDEX: Final = "index.faiss"
_ALIASES: Final = "aliases.parquet"
_CODES: Final = "codes.parquet"
_TITLES: Final = "titles.parquet"
_CONFUSABLES: Final = "confusables.parquet"
_CONFIDENCE: Final = "confidence.json"
_ENCODER: Final = "encoder"
_RERANKER: Final = "reranker"
_DIGEST: Final = "sha256"
_AGAIN: Final = "Make or copy it again."


class Manifest(BaseModel):
    """What a bundle is made of.

    Attributes:
        format: Version of the layout; only equal ones can be read.
        codisearch: Version of the program that wrote it.
        release: Release of the code set.
        created: UTC, ISO 8601.
        codes: Number of codes.
        aliases: Number of aliases.
        alias_sources: Their number by source.
        dimension: Components of a vector.
        index: FAISS factory string.
        fusion: Depth and weight of the second stage.
        encoder: Fingerprint of the bi-encoder's training.
        reranker: Fingerprint of the cross-encoder's training.
        checksums: SHA-256 of every other file, by relative path.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    codisearch: str
    release: str
    created: str
    codes: int
    aliases: int
    alias_sources: dict[str, int]
    dimension: int
    index: str
    fusion: Fusion
    encoder: str
    reranker: str
    checksums: dict[str, str] = {}


@dataclass(frozen=True)
class Bundle:
    """All that search needs, in memory.

    Attributes:
        encoder: The trained bi-encoder.
        reranker: The trained cross-encoder.
        index: FAISS index of the aliases' vectors, in alias order.
        aliases: `alias`, `code`, `language`, `source`.
        codes: `code`, `title`, `billable`, `parent`, `chapter`, `inclusion_terms`, `excludes`, in code order.
        titles: `code`, `language`, `title`: titles to show in other languages, one for a code and language.
        confusables: `code`, `confusable`, `qualifier`, `difference`: codes that are easily taken for another.
        confidence: What probabilities are made of.
        manifest: What it is made of.
    """

    encoder: TrainedModel
    reranker: TrainedModel
    index: Any
    aliases: pd.DataFrame
    codes: pd.DataFrame
    titles: pd.DataFrame
    confusables: pd.DataFrame
    confidence: Confidence
    manifest: Manifest

    def first_stage(self) -> DenseRanker:
        """Return the bi-encoder with the index as a ranker."""
        return first_stage_of(self.encoder, self.index, self.aliases, self.codes)

    def two_stage(self) -> TwoStageRanker:
        """Return both stages as a ranker."""
        return two_stage_of(self.first_stage(), self.reranker, self.aliases, self.codes, self.manifest.fusion)

    def search(self) -> ConfidentRanker:
        """Return search as it is answered: both stages, and what they say weighed into probabilities."""
        return ConfidentRanker(self.two_stage(), self.confidence, EvidenceReader(self.codes))

    def answer(self, queries: Sequence[str], languages: Sequence[str | None]) -> ConfidentRankings:
        """Return the first hundred codes of each query, the likeliest first, a chunk of queries at a time."""
        return answer_in_chunks(self.search(), queries, languages)

    def save(self, folder: Path) -> None:
        """Write the bundle; what was at `folder` before is replaced only when everything is written.

        Raises:
            StorageError: If the disk is full or the folder cannot be written.
        """
        with replace_folder(folder) as aside:
            self.encoder.save(aside / _ENCODER)
            self.reranker.save(aside / _RERANKER)
            write_faiss(self.index, aside / _INDEX)
            self.aliases.to_parquet(aside / _ALIASES, index=False)
            self.codes.to_parquet(aside / _CODES, index=False)
            self.titles.to_parquet(aside / _TITLES, index=False)
            self.confusables.to_parquet(aside / _CONFUSABLES, index=False)
            (aside / _CONFIDENCE).write_text(self.confidence.model_dump_json(indent=1), encoding="utf-8")
            manifest = self.manifest.model_copy(update={"checksums": sha256_of_folder(aside)})
            _write_manifest(manifest, aside / _MANIFEST)

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """Read a bundle, every file verified against the manifest.

        Raises:
            BundleError: If it is missing, incomplete, corrupted or of another format.
        """
        manifest = read_manifest(folder)
        _verify(folder, manifest)
        return cls(
            encoder=TrainedModel.load(folder / _ENCODER, "bi_encoder"),
            reranker=TrainedModel.load(folder / _RERANKER, "cross_encoder"),
            index=read_faiss(folder / _INDEX),
            aliases=pd.read_parquet(folder / _ALIASES),
            codes=pd.read_parquet(folder / _CODES),
            titles=pd.read_parquet(folder / _TITLES),
            confusables=pd.read_parquet(folder / _CONFUSABLES),
            confidence=read_confidence(folder),
            manifest=manifest,
        )


def first_stage_of(
    encoder: TrainedModel,
    index: Any,  # noqa: ANN401
    aliases: pd.DataFrame,
    codes: pd.DataFrame,
) -> DenseRanker:
    """Return a bi-encoder with an index as a ranker; see the attributes of `Bundle`."""
    positions = positions_of(aliases["code"], codes["code"])
    return DenseRanker(encoder.model, index, positions)  # type: ignore[arg-type]


def two_stage_of(
    first: DenseRanker, reranker: TrainedModel, aliases: pd.DataFrame, codes: pd.DataFrame, fusion: Fusion
) -> TwoStageRanker:
    """Return both stages as a ranker; see the attributes of `Bundle`."""
    documents = Documents(codes["title"].tolist(), aliases["alias"].tolist(), aliases["source"].tolist())
    return TwoStageRanker(first, reranker.model, documents, fusion)  # type: ignore[arg-type]


def read_confidence(folder: Path) -> Confidence:
    """Return what the probabilities of a bundle are made of.

    Raises:
        BundleError: If it is missing or does not fit this program.
    """
    path = folder / _CONFIDENCE
    try:
        return Confidence.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BundleError(
            f"The bundle at {folder} is incomplete: {_CONFIDENCE} is missing. {_AGAIN}"
        ) from error
    except ValidationError as error:
        problems = "; ".join(one["msg"] for one in error.errors())
        raise BundleError(f"{path} does not fit: {problems}. {_AGAIN}") from error


def new_manifest(**facts: Any) -> Manifest:  # noqa: ANN401
    """Return a manifest of this program's version, dated now; `facts` are its remaining fields."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Manifest(format=FORMAT, codisearch=codisearch.__version__, created=created, **facts)


def _write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest, and under `_DIGEST` its own SHA-256, since no other file holds that."""
    content = manifest.model_dump(mode="json")
    sealed = {**content, _DIGEST: _digest(content)}
    path.write_text(json.dumps(sealed, indent=1, ensure_ascii=False), encoding="utf-8")


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a bundle.

    Raises:
        BundleError: If there is no bundle, it was damaged, or has a format that this program does not read.
    """
    path = folder / _MANIFEST
    if not path.is_file():
        raise BundleError(
            f"No bundle at {folder}: {_MANIFEST} is missing. `kedro run` makes one, or give --bundle PATH."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or not JSON
        raise BundleError(
            f"The manifest of the bundle at {folder} cannot be read: {error}. {_AGAIN}"
        ) from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise BundleError(
            f"The bundle at {folder} has format {found!r}; codisearch {codisearch.__version__} reads format "
            f"{FORMAT}. Make it again with `kedro run --pipeline=indexing`."
        )
    if content.pop(_DIGEST, None) != _digest(content):
        raise BundleError(
            f"The bundle at {folder} is corrupted: {_MANIFEST} is not as it was written. {_AGAIN}"
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BundleError(f"The manifest of the bundle at {folder} does not fit: {problems}.") from error


def _verify(folder: Path, manifest: Manifest) -> None:
    for name, expected in manifest.checksums.items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"The bundle at {folder} is incomplete: {name} is missing. {_AGAIN}")
        actual = sha256_of(path)
        if actual != expected:
            raise BundleError(
                f"The bundle at {folder} is corrupted: {name} should have SHA-256 {expected[:12]}..., has "
                f"{actual[:12]}.... {_AGAIN}"
            )
