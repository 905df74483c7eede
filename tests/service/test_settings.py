"""Settings and keys."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from codisearch.errors import ConfigurationError
from codisearch.service.settings import ServiceSettings, check_api_key, processors, read_api_key


def test_defaults() -> None:
    settings = ServiceSettings()
    assert (settings.api_key, settings.cors_origins, settings.log_queries) == (None, (), False)
    assert (settings.max_body, settings.max_batch, settings.timeout) == (1_048_576, 256, 10.0)
    assert settings.workers == processors() >= 1


@pytest.mark.parametrize("key", ["", "  ", "two words", "ñ", "a\nb"])
def test_keys_that_cannot_be_sent(key: str) -> None:
    with pytest.raises(ConfigurationError, match="one word of visible ASCII characters"):
        check_api_key(key, "CODISEARCH_API_KEY")


def test_key_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("abc\n", encoding="utf-8")
    assert read_api_key(path).get_secret_value() == "abc"
    assert "abc" not in repr(ServiceSettings(api_key=read_api_key(path)))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_api_key(tmp_path / "none")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_api_key(path)


@pytest.mark.parametrize("origin", ["emr.example.org", "https://emr.example.org/", "https://a b", ""])
def test_what_is_no_origin(origin: str) -> None:
    with pytest.raises(ValidationError, match="expected an origin like"):
        ServiceSettings(cors_origins=(origin,))


@pytest.mark.parametrize(
    "origin", ["*", "https://emr.example.org", "http://localhost:3000", "http://[::1]:80"]
)
def test_origins(origin: str) -> None:
    assert ServiceSettings(cors_origins=(origin,)).cors_origins == (origin,)


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"timeout": 0}, {"max_body": 10}, {"colour": "red"}])
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(**wrong)
