"""The stand-in service, and a ledger to write to."""

from pathlib import Path

import pytest
from service import running_service, service

from codisearch.generators.ledger import Ledger

__all__ = ["running_service", "service"]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a ledger that is not there yet."""
    return Ledger(tmp_path / "generation" / "ledger.sqlite")
