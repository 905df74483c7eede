"""Start-up, memory, latency and throughput of `codisearch serve`, with queries of the corpus.

    python benchmarks/serve_load.py [--bundle PATH] [--requests 300] [--clients 16] [--seconds 60]

Client and server share the machine. Queries are different ones, so that no cache answers twice; `hey`, where
it is installed, adds a row in which all clients send the same query. The throughput is measured with
`--limit-merge 1` (every search alone) and with the default (waiting searches are answered together).
"""

import argparse
import csv
import http.client
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

CORPUS = Path("data/01_raw/corpus")
SEARCH = "/v1/search"
HEADERS = {"Content-Type": "application/json"}
COMMAND = [sys.executable, "-c", "from codisearch.cli import main; main()", "serve", "--port", "0"]


@dataclass
class Server:
    """A server that is ready.

    Attributes:
        process: Its process.
        port: Where it listens.
        seconds: From start to ready.
    """

    process: psutil.Process
    port: int
    seconds: float

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        return self.process.memory_info().rss / 1e6


@contextmanager
def serving(bundle: Path, merge: int) -> Iterator[Server]:
    """Run a server until the block ends."""
    started = time.perf_counter()
    options = ["--bundle", str(bundle), "--limit-merge", str(merge), "--limit-queue", "1000"]
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = ""
            while (found := re.search(r"http://[^/]+:(\d+)/", said)) is None:
                if not (line := process.stderr.readline()):
                    raise SystemExit(f"The server did not start: {said}")
                said += line
            port = int(found.group(1))
            while get(port, "/readyz") != http.client.OK:
                time.sleep(0.02)
            yield Server(psutil.Process(process.pid), port, time.perf_counter() - started)
        finally:
            process.terminate()


def get(port: int, path: str) -> int:
    """Return the status of a GET request; 0 while nothing listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except ConnectionError:
        return 0
    finally:
        connection.close()


def load_queries(seed: int = 0) -> list[str]:
    """Return the corpus's queries in random order."""
    queries = []
    for path in sorted(CORPUS.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            queries += [row["query"] for row in csv.DictReader(file) if row.get("query")]
    unique = sorted(set(queries))
    random.Random(seed).shuffle(unique)
    return unique


def times_of(port: int, bodies: Iterator[bytes], until: float = float("inf")) -> tuple[list[float], int]:
    """Send bodies one after the other over one connection; return seconds of each, and how many failed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seconds, failed = [], 0
    for body in bodies:
        if time.perf_counter() > until:
            break
        started = time.perf_counter()
        connection.request("POST", SEARCH, body, HEADERS)
        response = connection.getresponse()
        response.read()
        seconds.append(time.perf_counter() - started)
        failed += response.status != http.client.OK
    connection.close()
    return seconds, failed


def throughput(port: int, queries: list[str], clients: int, seconds: float) -> tuple[list[float], int]:
    """Return the times of all requests that `clients` send at once, and how many failed."""
    until = time.perf_counter() + seconds
    parts = [
        (json.dumps({"query": query}).encode() for query in endless(queries[number::clients]))
        for number in range(clients)
    ]
    with ThreadPoolExecutor(clients) as pool:
        results = list(pool.map(lambda part: times_of(port, part, until), parts))
    return [time_ for times, _ in results for time_ in times], sum(failed for _, failed in results)


def endless(queries: list[str]) -> Iterator[str]:
    """Yield queries for ever, different ones each round."""
    number = 0
    while True:
        for query in queries:
            yield f"{query} {number}" if number else query
        number += 1


def hey(port: int, clients: int, seconds: float, query: str) -> str:
    """Return what `hey` says of requests per second and latency when all clients send one query."""
    body = json.dumps({"query": query})
    command = ["hey", "-z", f"{seconds:g}s", "-c", str(clients), "-m", "POST", "-T", "application/json"]
    address = f"http://127.0.0.1:{port}{SEARCH}"
    done = subprocess.run([*command, "-d", body, address], capture_output=True, text=True, check=True)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    shares = dict(re.findall(r"(50|95|99)% in ([\d.]+) secs", done.stdout))
    answers = re.findall(r"\[(\d+)\]\s+(\d+) responses", done.stdout)
    failed = sum(int(count) for status, count in answers if status != "200")
    waits = " ".join(f"{float(shares.get(share, 'nan')) * 1000:7.1f}" for share in ("50", "95", "99"))
    return f"{float(rate.group(1)) if rate else float('nan'):8.1f} {waits} {failed:10d}"


def percentiles(seconds: list[float]) -> str:
    """Return the 50th, 95th and 99th percentile in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return " ".join(f"{cuts[place] * 1000:7.1f}" for place in (49, 94, 98))


def show_latency(port: int, queries: list[str]) -> None:
    """Print how long a search takes that is alone, half of the queries with and half without reranking."""
    title = f"one at a time, {len(queries) // 2} queries"
    print(f"\n{title:34s}     p50     p95     p99 ms")
    for rerank, part in ((True, queries[::2]), (False, queries[1::2])):
        bodies = (json.dumps({"query": query, "rerank": rerank}).encode() for query in part)
        times, _ = times_of(port, bodies)
        print(f"  {'both stages' if rerank else 'first stage only':32s} {percentiles(times)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=Path("data/06_models/bundle"))
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    queries = load_queries()
    alone, together = queries[: 2 * options.requests], queries[2 * options.requests :]
    for merge in (1, 16):
        with serving(options.bundle, merge) as server:
            if merge == 1:
                print(f"from start to ready: {server.seconds:.1f} s")
                print(f"resident memory when ready: {server.megabytes:.0f} MB")
                show_latency(server.port, alone)
                title = f"{options.clients} clients, {options.seconds:g} s"
                print(f"\n{title:25s} queries/s     p50     p95     p99 ms  failed")
            times, failed = throughput(server.port, together, options.clients, options.seconds)
            rate = len(times) / options.seconds
            print(f"  merge {merge:2d}, all different  {rate:8.1f} {percentiles(times)} {failed:10d}")
            if shutil.which("hey"):
                row = hey(server.port, options.clients, options.seconds, queries[0])
                print(f"  merge {merge:2d}, one query, hey {row}")
            print(f"  resident memory after it: {server.megabytes:.0f} MB")


if __name__ == "__main__":
    main()
