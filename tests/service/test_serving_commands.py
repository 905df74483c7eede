"""`codisearch serve`."""

import json
import logging
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
import uvicorn
from typer.testing import CliRunner, Result

from codisearch import serving_commands as subject
from codisearch.errors import BundleError, CodisearchError, ConfigurationError
from codisearch.serving_commands import serve

VARIABLES = ["HOST", "PORT", "BUNDLE", "API_KEY", "API_KEY_FILE", "CORS_ORIGIN", "LOG_QUERIES"]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the settings of whoever runs the tests away, and put the log back as it was."""
    for name in VARIABLES:
        monkeypatch.delenv(f"CODISEARCH_{name}", raising=False)
    with log_kept():
        yield


@contextmanager
def log_kept() -> Iterator[None]:
    """Put the log back as it was when the block ends."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def run(*options: str, **environment: str) -> Result:
    app = typer.Typer()
    app.command()(serve)
    with log_kept():
        return CliRunner().invoke(app, [*options], env=environment)


class Started:
    """Servers that the command starts; they do not run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.configs: list[uvicorn.Config] = []
        monkeypatch.setattr(uvicorn, "Server", self)

    def __call__(self, config: uvicorn.Config) -> "Started":
        self.configs.append(config)
        return self

    def run(self, sockets: list[socket.socket]) -> None:
        assert len(sockets) == 1

    @property
    def settings(self) -> Any:
        return self.configs[-1].app.state.service.settings  # type: ignore[union-attr]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Return what notes the servers that are started."""
    return Started(monkeypatch)


def test_says_where_it_is(server: Started, service_bundle: Path) -> None:
    result = run("--port", "0", "--bundle", str(service_bundle))
    assert result.exit_code == 0
    for path in ("/", "/docs", "/fhir/metadata", "/readyz"):
        assert f"{path}\n" in result.stderr
    assert "http://127.0.0.1:" in result.stderr
    assert "Warning" not in result.stderr
    config = server.configs[0]
    assert (config.access_log, config.log_config, config.server_header) == (False, None, False)
    assert server.settings.api_key is None


def test_options(server: Started, service_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abc\n", encoding="utf-8")
    result = run(
        *("--port", "0", "--bundle", str(service_bundle), "--api-key-file", str(tmp_path / "key")),
        *("--cors-origin", "https://a.example", "--cors-origin", "https://b.example", "--log-queries"),
        *("--limit-body", "2048", "--limit-batch", "5", "--limit-seconds", "1.5", "--limit-queue", "0"),
        *("--limit-workers", "3", "--limit-merge", "1"),
    )
    assert result.exit_code == 0, result.output
    settings = server.settings
    assert settings.api_key.get_secret_value() == "abc"
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert (settings.max_body, settings.max_batch, settings.timeout) == (2048, 5, 1.5)
    assert (settings.queue, settings.workers, settings.merge) == (0, 3, 1)
    assert "Warning: the log holds the text of queries" in result.stderr


def test_environment(server: Started, service_bundle: Path) -> None:
    environment = {
        "CODISEARCH_PORT": "0",
        "CODISEARCH_BUNDLE": str(service_bundle),
        "CODISEARCH_API_KEY": "xyz",
        "CODISEARCH_LIMIT_BATCH": "7",
        "CODISEARCH_CORS_ORIGIN": "https://a.example https://b.example",
        "CODISEARCH_LOG_QUERIES": "1",
    }
    result = run(**environment)
    assert result.exit_code == 0, result.output
    assert server.settings.api_key.get_secret_value() == "xyz"
    assert (server.settings.max_batch, server.settings.log_queries) == (7, True)
    assert server.settings.cors_origins == ("https://a.example", "https://b.example")


def test_public_address_without_a_key(server: Started, service_bundle: Path) -> None:
    options = ("--port", "0", "--host", "0.0.0.0", "--bundle", str(service_bundle))
    assert "Warning: 0.0.0.0 is a public address" in run(*options).stderr
    assert "Warning" not in run(*options, CODISEARCH_API_KEY="xyz").stderr


def refused(kind: type[CodisearchError], *options: str, **environment: str) -> str:
    """Return what is said when the command refuses to start."""
    result = run(*options, **environment)
    assert isinstance(result.exception, kind)
    return str(result.exception)


def test_port_in_use(server: Started, service_bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(ConfigurationError, "--port", port, "--bundle", str(service_bundle))
    assert (
        said
        == f"Cannot listen on 127.0.0.1 port {port}: Address already in use. Give another --host or --port."
    )


def test_port_of_a_service_that_is_starting(server: Started) -> None:
    """An address is taken from the start, not only when the bundle is loaded."""
    starting = subject._bind("127.0.0.1", 0)
    with starting, pytest.raises(ConfigurationError, match="Address already in use"):
        subject._bind("127.0.0.1", starting.getsockname()[1])


def test_what_cannot_be_served(server: Started, tmp_path: Path) -> None:
    assert "No bundle at" in refused(BundleError, "--port", "0", "--bundle", str(tmp_path))
    assert "Cannot listen on no.such.host" in refused(ConfigurationError, "--host", "no.such.host.invalid")
    assert "key" in refused(ConfigurationError, "--api-key-file", str(tmp_path / "none"))
    assert "CODISEARCH_API_KEY" in refused(ConfigurationError, CODISEARCH_API_KEY=" ")
    assert "expected an origin" in refused(ConfigurationError, "--cors-origin", "nonsense")
    assert server.configs == []


def test_real_server(
    service_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wait_until_ready: Callable[[Any], None],
) -> None:
    """The command serves over a socket, keeps on after bytes that are no HTTP, logs JSON, and stops."""
    servers: list[uvicorn.Server] = []
    make = uvicorn.Server
    monkeypatch.setattr(uvicorn, "Server", lambda config: servers.append(make(config)) or servers[0])
    options = {"host": "127.0.0.1", "port": 0, "bundle": service_bundle}
    thread = threading.Thread(target=serve, kwargs=options)
    thread.start()
    try:
        until = time.monotonic() + 30
        while not (servers and servers[0].started) and time.monotonic() < until:
            time.sleep(0.05)
        port = servers[0].servers[0].sockets[0].getsockname()[1]
        wait_until_ready(servers[0].config.app)
        _send_rubbish(port)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/search",
            json.dumps({"query": "zzz high blood pressure"}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            assert "server" not in response.headers
            assert json.load(response)["query"] == "zzz high blood pressure"
    finally:
        servers[0].should_exit = True
        thread.join(15)
    assert not thread.is_alive()
    written = capsys.readouterr()
    assert f"http://127.0.0.1:{port}/docs" in written.err
    lines = [json.loads(line) for line in written.out.splitlines()]
    assert "/v1/search" in [line.get("route") for line in lines]
    assert "blood" not in written.out


def _send_rubbish(port: int) -> None:
    """Send what is no HTTP, and what stops half-way."""
    for data in (
        b"\x00\xff\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nContent-Length: 50\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(data)
