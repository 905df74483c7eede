"""The stand-in service in a process of its own, as a fixture."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

STUB = Path(__file__).with_name("stub_server.py")
KEY = "test-key-1234567890"


@dataclass(frozen=True)
class Service:
    """The service.

    Attributes:
        address: Where it is.
    """

    address: str

    def set(self, **settings: Any) -> None:
        """Forget what came so far, and behave as these settings say."""
        self._call({"reset": True, **settings})

    def change(self, **settings: Any) -> None:
        """Behave as these settings say from now on."""
        self._call(settings)

    @property
    def counts(self) -> dict[str, Any]:
        """What came and went."""
        return self._call(None)

    def _call(self, settings: dict[str, Any] | None) -> dict[str, Any]:
        data = None if settings is None else json.dumps(settings).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/stub", data)) as answer:
            return dict(json.load(answer))


@pytest.fixture(scope="session")
def running_service() -> Iterator[Service]:
    """Serve until the tests are over."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, str(STUB)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield Service(process.stdout.readline().strip())
        process.kill()


@pytest.fixture
def service(running_service: Service) -> Service:
    """Return the service, without faults and with nothing remembered."""
    running_service.set()
    return running_service
