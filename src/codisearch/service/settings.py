"""What can be set about the service; the command fills it from its options and the environment."""

import os
import re
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from codisearch.errors import ConfigurationError

_ORIGIN: Final = re.compile(r"\*|https?://[A-Za-z0-9.\-\[\]:]+")


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ServiceSettings(BaseModel):
    """Limits and switches of the service.

    Attributes:
        api_key: The key that requests must carry; None lets everyone in.
        cors_origins: Origins whose pages may call the service from a browser.
        log_queries: Whether the log holds the text of queries, which can be patient data.
        max_body: Bytes of a request's body.
        max_batch: Queries in a request to `/v1/batch`.
        timeout: Seconds that a request may take.
        workers: Searches at the same time.
        queue: Searches that may wait for a worker.
        merge: Queries of waiting searches, with equal options, that one worker answers together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr | None = None
    cors_origins: tuple[str, ...] = ()
    log_queries: bool = False
    max_body: int = Field(default=1_048_576, ge=1_024)
    max_batch: int = Field(default=256, ge=1)
    timeout: float = Field(default=10.0, gt=0, le=600)
    workers: int = Field(default_factory=processors, ge=1)
    queue: int = Field(default=64, ge=0)
    merge: int = Field(default=16, ge=1)

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"expected an origin like https://emr.example.org, or *; came {origin!r}")
        return origins


def check_api_key(key: str, source: str) -> SecretStr:
    """Return an API key as a secret.

    Raises:
        ConfigurationError: If it is empty or cannot stand in an HTTP header.
    """
    stripped = key.strip()
    if not stripped or not all("!" <= character <= "~" for character in stripped):
        raise ConfigurationError(
            f"The API key in {source} must be one word of visible ASCII characters, at least one."
        )
    return SecretStr(stripped)


def read_api_key(path: Path) -> SecretStr:
    """Return the API key that a file holds.

    Raises:
        ConfigurationError: If the file cannot be read or holds no key.
    """
    try:
        key = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The API key file {path} cannot be read: {error}.") from error
    return check_api_key(key, str(path))
