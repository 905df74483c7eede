"""Measures the generation over the wire, against a local stand-in for the Gemini API, with the real SDK.

python benchmarks/generation.py faults      # 5,000 requests, a fault for a fifth of the prompts
python benchmarks/generation.py kills       # kill -9 at ten moments, resume, compare with a run left alone
python benchmarks/generation.py throughput  # 64 at a time, 300 ms to an answer, as a share of the ideal
python benchmarks/generation.py memory      # peak memory with 100,000 planned requests
python benchmarks/generation.py budget      # how far beyond a budget a run goes
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import yaml

from codisearch.generators.ledger import Ledger
from codisearch.generators.registry import Generators
from codisearch.pipelines.code_set.nodes import load_code_notes, load_code_set
from codisearch.pipelines.code_set.params import CodeSetParams
from codisearch.pipelines.generation import nodes
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.rules.params import LanguageParams, LengthParams

ROOT = Path(__file__).parents[1]
KEY = "test-key-1234567890"
CLASSES = {"gemini": "codisearch.generators.gemini.GeminiGenerator"}


def generate(folder: Path, address: str, requests: int, overrides: dict[str, Any]) -> dict[str, Any]:
    """Run the pipeline's nodes on a ledger in `folder`, write the rows there, and return the report."""
    parameters = ROOT / "conf/base/parameters"
    base = yaml.safe_load((parameters / "generation.yml").read_text(encoding="utf-8"))["generation"]
    rules = yaml.safe_load((parameters / "curation.yml").read_text(encoding="utf-8"))["curation"]
    base |= {"generator": "gemini", "codes": {"which": "billable", "limit": -(-requests // 6)}}
    base["models"]["gemini"] |= {"base_url": address, "timeout_seconds": overrides.pop("timeout", 60)}
    for name, value in overrides.items():
        base[name] = {**base[name], **value} if isinstance(value, dict) else value
    params = GenerationParams.model_validate(base)
    code_set = load_code_set(CodeSetParams())
    notes = load_code_notes(code_set, CodeSetParams())
    prompts = {path.stem: path.read_text for path in (ROOT / "conf/base/prompts").glob("*.md")}
    ledger, generators = Ledger(folder / "ledger.sqlite"), Generators(CLASSES)
    listed = code_set.loc[[], ["code"]]
    targets, plan = nodes.plan_generation(code_set, notes, listed, prompts, ledger, params)
    started = time.perf_counter()
    rows, confusables, writing = nodes.write_queries(
        targets,
        code_set,
        notes,
        prompts,
        generators,
        ledger,
        params,
        LengthParams.model_validate(rules["length"]),
        rules["leftovers"],
        LanguageParams.model_validate(rules["language"]),
    )
    seconds = time.perf_counter() - started
    rows, audit = nodes.audit_queries(rows, writing, code_set, prompts, generators, ledger, params)
    nothing = pd.DataFrame(columns=["code", "confusable"])
    pairs, confusables, _, report = nodes.collect_pairs(
        nothing, nothing, rows, confusables, writing, audit, ledger, params
    )
    for name, frame in {"rows": rows, "pairs": pairs, "confusables": confusables}.items():
        frame.to_parquet(folder / f"{name}.parquet")
    return {"report": report, "plan": plan, "seconds": seconds}


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    """Serve the stand-in in a process of its own, and give its address."""
    command = [sys.executable, str(ROOT / "tests/support/stub_server.py"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def ask(address: str, settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what the stand-in counted, or change its settings."""
    data = json.dumps(settings).encode() if settings is not None else None
    with urllib.request.urlopen(urllib.request.Request(f"{address}/stub", data)) as answer:
        return dict(json.load(answer))


def start(folder: Path, address: str, requests: int, overrides: dict[str, Any]) -> subprocess.Popen[str]:
    """Start `generate` in a process of its own."""
    command = [sys.executable, __file__, "child", "--folder", str(folder), "--address", address]
    command += ["--requests", str(requests), "--overrides", json.dumps(overrides)]
    environment = {**os.environ, "GEMINI_API_KEY": KEY, "TQDM_DISABLE": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for `generate` and return what it printed, with its peak memory."""
    printed, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the run ended with status {process.returncode}")
    return dict(json.loads(printed.splitlines()[-1]))


QUICK = {"first_wait_seconds": 0.2, "longest_wait_seconds": 1.0, "concurrency": 64}


def faults(requests: int) -> None:
    """Every row is accounted for when a fifth of the prompts meet a fault."""
    with tempfile.TemporaryDirectory() as name, serving("--fault-rate", "0.2", "--stall", "3") as address:
        folder = Path(name)
        done = finish(start(folder, address, requests, {"pace": QUICK, "timeout": 1}))
        rows = pd.read_parquet(folder / "rows.parquet")
        report = done["report"]
        print(json.dumps(report["rows"]), json.dumps(report["reasons"], indent=1))
        ends = rows["status"].isin(["accepted", "rejected", "failed"]).sum()
        print(f"requests {requests}: accepted + rejected + failed = {ends} of {len(rows)} planned")
        print(f"duplicate pair ids: {rows['pair_id'].duplicated().sum()}")
        accepted = rows[rows["status"] == "accepted"]
        print(f"duplicate queries: {accepted.duplicated(['query', 'code', 'language']).sum()}")
        print(f"refused drafts: {report['refused_drafts']}")
        print(f"faults on the way: {report['queries']['faults']} {report['audit']['faults']}")
        print(f"sent {report['queries']['requests_sent']}, answered {report['queries']['answers']}")


def kills(requests: int, moments: int) -> None:
    """Runs that are killed and resumed end in the same tables, and pay nothing twice."""
    options = ("--fault-rate", "0.2", "--stall", "3", "--latency", "0.3")
    overrides = {"pace": QUICK, "timeout": 1}
    with tempfile.TemporaryDirectory() as name, serving(*options) as address:
        alone, killed = Path(name) / "alone", Path(name) / "killed"
        alone.mkdir()
        killed.mkdir()
        finish(start(alone, address, requests, dict(overrides)))
        settings = {"reset": True, "fault_rate": 0.2, "stall": 3, "latency": 0.3}
        ask(address, settings)
        chance = random.Random(5)
        lost = 0
        for moment in range(moments):
            process = start(killed, address, requests, dict(overrides))
            _wait_until_sending(Ledger(killed / "ledger.sqlite"), process)
            time.sleep(chance.uniform(0.0, 3.0))
            process.send_signal(signal.SIGKILL)
            process.wait()
            totals = Ledger(killed / "ledger.sqlite").totals()
            lost += totals.unanswered
            print(f"kill {moment + 1}: {totals.spent.answers} answers, {totals.unanswered} unanswered")
        finish(start(killed, address, requests, dict(overrides)))
        for table in ("rows", "pairs", "confusables"):
            same = pd.read_parquet(alone / f"{table}.parquet").equals(
                pd.read_parquet(killed / f"{table}.parquet")
            )
            print(f"{table}: {'identical' if same else 'DIFFERENT'}")
        _compare_sent(Ledger(killed / "ledger.sqlite"), ask(address))


def _wait_until_sending(ledger: Ledger, process: subprocess.Popen[str]) -> None:
    before = ledger.totals().spent.requests
    while process.poll() is None and ledger.totals().spent.requests == before:
        time.sleep(0.05)


def _compare_sent(ledger: Ledger, counted: dict[str, Any]) -> None:
    """Print how often an answered request was sent again."""
    connection = sqlite3.connect(ledger.path)
    again = connection.execute(
        "SELECT count(*) FROM events s JOIN events a ON a.key = s.key AND a.kind = 'answered' "
        "WHERE s.kind = 'sent' AND s.id > a.id"
    ).fetchone()[0]
    surplus = connection.execute("SELECT count(*) FROM events WHERE kind = 'surplus'").fetchone()[0]
    print(f"requests sent again after their answer was in the ledger: {again}; second answers: {surplus}")
    print(f"the service delivered {counted['delivered']} answers to {counted['prompts']} prompts")


def throughput(requests: int) -> None:
    """The share of the ideal rate at 64 at a time and 300 ms."""
    with tempfile.TemporaryDirectory() as name, serving("--latency", "0.3") as address:
        overrides = {"pace": {"concurrency": 64}, "audit": {"enabled": False}, "attempts": 1}
        done = finish(start(Path(name), address, requests, overrides))
        ledger = Ledger(Path(name) / "ledger.sqlite")
        seconds, answers, ideal = _span(ledger), ledger.totals().spent.answers, 64 / 0.3
        rate = answers / seconds
        print(f"{answers} answers in {seconds:.1f} s: {rate:.1f}/s, {rate / ideal:.1%} of {ideal:.1f}/s")
        print(
            f"with the judging of answers {done['seconds']:.1f} s; "
            f"most at a time {ask(address)['most_under_way']}"
        )
        print(f"peak memory {done['peak_mib']:.0f} MiB")


def _span(ledger: Ledger) -> float:
    """Return the seconds from the first request to the last answer."""
    query = (
        "SELECT (julianday(max(at)) - julianday(min(at))) * 86400 FROM events "
        "WHERE kind IN ('sent', 'answered')"
    )
    return float(sqlite3.connect(ledger.path).execute(query).fetchone()[0])


def memory(requests: int) -> None:
    """Peak memory with many planned requests."""
    with tempfile.TemporaryDirectory() as name, serving() as address:
        overrides = {"pace": {"concurrency": 64}, "audit": {"enabled": False}}
        done = finish(start(Path(name), address, requests, overrides))
        plan = done["plan"]["tasks"][0]
        print(f"{plan['requests']} requests planned, {done['report']['queries']['answers']} answered, "
              f"{done['seconds']:.0f} s, peak memory {done['peak_mib']:.0f} MiB")  # fmt: skip


def budget() -> None:
    """How far beyond its budget a run goes, for each kind of budget."""
    for limit in ({"requests": 500}, {"tokens": 500_000}, {"money": 0.5}):
        with tempfile.TemporaryDirectory() as name, serving("--latency", "0.3") as address:
            overrides = {"pace": {"concurrency": 64}, "budget": limit}
            done = finish(start(Path(name), address, 3_000, overrides))
            spent = Ledger(Path(name) / "ledger.sqlite").totals().spent
            kind = next(iter(limit))
            print(f"budget {limit}: spent {getattr(spent, kind)}, {spent.answers} answers, "
                  f"stopped: {done['report']['stopped']}")  # fmt: skip


def child(options: argparse.Namespace) -> None:
    """Run `generate` here and print its report and peak memory as one line."""
    done = generate(options.folder, options.address, options.requests, json.loads(options.overrides))
    peak = psutil.Process().memory_info()
    import resource

    done["peak_mib"] = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, peak.rss / 2**20)
    print(json.dumps(done))


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["faults", "kills", "throughput", "memory", "budget", "child"])
    parser.add_argument("--requests", type=int)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--address")
    parser.add_argument("--overrides", default="{}")
    options = parser.parse_args()
    match options.what:
        case "faults":
            faults(options.requests or 5_000)
        case "kills":
            kills(options.requests or 3_000, options.kills)
        case "throughput":
            throughput(options.requests or 6_000)
        case "memory":
            memory(options.requests or 100_000)
        case "budget":
            budget()
        case _:
            child(options)


if __name__ == "__main__":
    main()
