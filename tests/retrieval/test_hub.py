"""Whether the hub is asked, and what counts as an answer."""

import logging
import shutil
import time
from pathlib import Path

import huggingface_hub
import pytest

from codisearch.errors import ModelError
from codisearch.retrieval.encoder import EncoderSpec, fingerprint_of, load_encoder
from codisearch.retrieval.hub import is_local_only


class Session:
    """Answers every request with a status, or fails."""

    def __init__(self, answer: int | Exception) -> None:
        self.answer, self.status_code, self.asked = answer, answer, 0

    def head(self, *_: object, **__: object) -> "Session":
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub be asked."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)


@pytest.mark.parametrize(
    ("answer", "local"), [(200, False), (404, False), (503, True), (OSError("no such host"), True)]
)
@pytest.mark.usefixtures("online")
def test_answers(monkeypatch: pytest.MonkeyPatch, answer: int | Exception, local: bool) -> None:
    """Any answer but a server's error means that the hub is there."""
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: Session(answer))
    assert is_local_only("owner/name") is local


@pytest.mark.usefixtures("online")
def test_folders_ask_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder is read without any request."""
    session = Session(200)
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: session)
    assert is_local_only(str(tmp_path))
    assert not session.asked


def test_offline_mode_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """With HF_HUB_OFFLINE a hub id is looked for in the cache without any request."""
    session = Session(200)
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: session)
    assert is_local_only("owner/name")
    assert not session.asked


@pytest.mark.usefixtures("online")
def test_a_hub_that_cannot_be_reached_fails_fast(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There is one request, no pauses, and an error of one line that names the model."""
    session = Session(OSError("no such host"))
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: session)
    started = time.perf_counter()
    with (
        caplog.at_level(logging.WARNING, "codisearch"),
        pytest.raises(
            ModelError,
            match="encoder 'nobody/none': no such folder, the hub cannot be reached, and its cache",
        ) as caught,
    ):
        load_encoder(EncoderSpec(source="nobody/none"))
    assert time.perf_counter() - started < 5
    assert session.asked == 1
    assert "\n" not in str(caught.value)
    assert "cannot be reached (no such host): only models in its cache can be used" in caplog.text


@pytest.mark.usefixtures("online")
def test_cached_models_load_without_the_hub(
    monkeypatch: pytest.MonkeyPatch, tiny_encoder: Path, tmp_path: Path
) -> None:
    """What an earlier run fetched is used when the hub cannot be reached, as fast as a folder."""
    model = tmp_path / "models--somebody--tiny"
    shutil.copytree(tiny_encoder, model / "snapshots" / ("0" * 40))
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("0" * 40)
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    session = Session(OSError("no such host"))
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: session)
    found = load_encoder(EncoderSpec(source="somebody/tiny"))
    assert fingerprint_of(found) == fingerprint_of(load_encoder(EncoderSpec(source=str(tiny_encoder))))
    assert session.asked == 1
