"""The search bundle as a registered MLflow model, which `mlflow models serve` serves."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import mlflow
import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

import codisearch
from codisearch.datasets.served_bundle import ARTIFACT, DEFAULT_TOP
from codisearch.errors import BundleError
from codisearch.retrieval.bundle import Bundle, Manifest, read_manifest

logger = logging.getLogger(__name__)

FINGERPRINT: Final = "bundle"
"""Tag of a registered version: what it was made of."""
REQUIREMENTS: Final = (
    "faiss-cpu",
    "lingua-language-detector",
    "mlflow",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "rapidfuzz",
    "safetensors",
    "scikit-learn",
    "scipy",
    "sentence-transformers",
    "tokenizers",
    "torch",
    "transformers",
)
"""What search needs; a served model has these in the versions that are installed now."""
_PACKAGE: Final = Path(codisearch.__file__).parent
_SCRIPT: Final = _PACKAGE / "datasets" / "served_bundle.py"
_TEXT, _NUMBER = DataType.string, DataType.long
SIGNATURE: Final = ModelSignature(
    inputs=Schema([ColSpec(_TEXT, "query"), ColSpec(_TEXT, "language", required=False)]),
    outputs=Schema(
        [
            ColSpec(_NUMBER, "query"),
            ColSpec(_TEXT, "code"),
            ColSpec(_TEXT, "title"),
            ColSpec(_TEXT, "title_language"),
            ColSpec(_TEXT, "official_title"),
            ColSpec(DataType.boolean, "billable"),
            ColSpec(_TEXT, "chapter"),
            ColSpec(_TEXT, "path"),
            ColSpec(DataType.double, "probability"),
            ColSpec(DataType.double, "score"),
            ColSpec(_NUMBER, "rank"),
            ColSpec(_NUMBER, "first_rank", required=False),
            ColSpec(_NUMBER, "second_rank", required=False),
            ColSpec(_TEXT, "alias"),
            ColSpec(_TEXT, "alias_language"),
            ColSpec(_TEXT, "alias_source"),
            ColSpec(DataType.boolean, "known"),
            ColSpec(_TEXT, "release"),
        ]
    ),
    params=ParamSchema([ParamSpec("top", _NUMBER, DEFAULT_TOP)]),
)
_EXAMPLE: Final = {"query": ["dolor torácico opresivo", "asthma"], "language": ["es", "en"]}


class RegisteredBundleDataset(AbstractDataset[Bundle | Path | str, Any]):
    """Logs the bundle to the active run and registers it, unless the newest version is the same bundle.

    Each version is a copy of the whole bundle in MLflow's store. Without an active run (tracking switched
    off) nothing is logged.

    Args:
        name: Under which it is registered.
        filepath: Where the bundle was saved; spares writing it once more.
        register: Whether to do all this; if not, saving does nothing but say so.
        metadata: For plugins.
    """

    def __init__(
        self,
        name: str = "codisearch",
        filepath: str | None = None,
        register: bool = True,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._name = name
        self._filepath = filepath
        self._register = register
        self.metadata = metadata

    def save(self, data: Bundle | Path | str) -> None:
        """Register a bundle or the folder of one.

        Raises:
            BundleError: If the folder holds no bundle.
            StorageError: If the disk is full.
        """
        if not self._register:
            logger.info("The bundle is not registered: `register` is false")
        elif mlflow.active_run() is None:
            logger.info("Tracking is off: the bundle is not registered")
        else:
            with self._folder_of(data) as folder:
                register_bundle(folder, self._name)

    def load(self) -> Any:  # noqa: ANN401
        """Refuse: `mlflow.pyfunc.load_model` opens what is registered.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(
            f"A registered bundle is not read back here: mlflow.pyfunc.load_model('models:/{self._name}/1')."
        )

    def _describe(self) -> dict[str, Any]:
        return {"name": self._name, "filepath": self._filepath, "register": self._register}

    @contextmanager
    def _folder_of(self, data: Bundle | Path | str) -> Iterator[Path]:
        """Give the folder of a bundle; one that lies nowhere is written aside meanwhile."""
        if not isinstance(data, Bundle):
            yield Path(data)
        elif self._filepath and _holds(Path(self._filepath), data.manifest):
            yield Path(self._filepath)
        else:
            with tempfile.TemporaryDirectory(prefix="codisearch-") as aside:
                data.save(Path(aside) / "bundle")
                yield Path(aside) / "bundle"


def register_bundle(folder: Path, name: str) -> ModelVersion:
    """Log a bundle to the active run and register it; return its version, or the newest if that is the same.

    Raises:
        BundleError: If there is no bundle.
    """
    manifest = read_manifest(folder)
    fingerprint = fingerprint_of(manifest)
    newest = newest_version(name)
    if newest is not None and newest.tags.get(FINGERPRINT) == fingerprint:
        logger.info("The bundle is registered already, as %s version %s", name, newest.version)
        return newest
    tags = {
        FINGERPRINT: fingerprint,
        "release": manifest.release,
        "encoder": manifest.encoder,
        "reranker": manifest.reranker,
        "codisearch": manifest.codisearch,
    }
    logged = mlflow.pyfunc.log_model(
        name=ARTIFACT,
        python_model=str(_SCRIPT),
        artifacts={ARTIFACT: str(folder)},
        code_paths=[str(_PACKAGE)],
        signature=SIGNATURE,
        input_example=pd.DataFrame(_EXAMPLE),
        pip_requirements=requirements(),
        tags=tags,
    )
    registered = mlflow.register_model(logged.model_uri, name, tags=tags)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    logger.info(
        "The bundle is registered as %s version %s (%.0f MB): mlflow models serve -m models:/%s/%s",
        name,
        registered.version,
        size / 1e6,
        name,
        registered.version,
    )
    return registered


def newest_version(name: str) -> ModelVersion | None:
    """Return the newest version of a registered model; None where there is none."""
    found = MlflowClient().search_model_versions(
        f"name = '{name}'", max_results=1, order_by=["version_number DESC"]
    )
    return found[0] if found else None


def fingerprint_of(manifest: Manifest) -> str:
    """Return a SHA-256 of what is served: the manifest, and so every file, but for the date, and the code."""
    content = manifest.model_dump(mode="json", exclude={"created"})
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for path in sorted([_SCRIPT, *(_PACKAGE / "retrieval").rglob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def requirements() -> list[str]:
    """Return `REQUIREMENTS` in their installed versions, without the marks of builds (`+cpu`)."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in REQUIREMENTS]


def _holds(folder: Path, manifest: Manifest) -> bool:
    try:
        found = read_manifest(folder)
    except BundleError:
        return False
    return found.model_copy(update={"checksums": {}}) == manifest.model_copy(update={"checksums": {}})
