"""A run that is killed and taken up again, in processes of its own."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from service import KEY, Service

from codisearch.generators.ledger import Ledger

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "generation.py"
REQUESTS = 240


def start(folder: Path, address: str) -> subprocess.Popen[bytes]:
    """Start a run whose ledger and tables lie in a folder."""
    folder.mkdir(exist_ok=True)
    pace = {"first_wait_seconds": 0.0, "longest_wait_seconds": 0.2, "concurrency": 8}
    overrides = json.dumps({"pace": pace, "timeout": 1})
    command = [sys.executable, str(BENCHMARK), "child", "--folder", str(folder), "--address", address]
    command += ["--requests", str(REQUESTS), "--overrides", overrides]
    environment = {**os.environ, "GEMINI_API_KEY": KEY, "TQDM_DISABLE": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def test_killed_and_resumed(service: Service, tmp_path: Path):
    """After kill -9 in mid-flight the tables are those of a run left alone, and nothing is paid twice."""
    faults = {"fault_rate": 0.3, "stall": 2.0, "latency": 0.1}
    service.set(**faults)
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    assert start(alone, service.address).wait() == 0
    service.set(**faults)
    ledger = Ledger(killed / "ledger.sqlite")
    chance = random.Random(3)
    for goal in (30, 150):
        process = start(killed, service.address)
        while ledger.totals().spent.answers < goal and process.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
    answered = ledger.totals().spent.answers
    assert answered >= 150
    assert start(killed, service.address).wait() == 0
    for table in ("rows", "pairs", "confusables"):
        first, second = (pd.read_parquet(folder / f"{table}.parquet") for folder in (alone, killed))
        pd.testing.assert_frame_equal(first, second)
    again = sqlite3.connect(ledger.path).execute(
        "SELECT count(*) FROM events s JOIN events a ON a.key = s.key AND a.kind = 'answered' "
        "WHERE s.kind = 'sent' AND s.id > a.id"
    )
    assert again.fetchone() == (0,)
    assert ledger.totals().spent.answers > answered
