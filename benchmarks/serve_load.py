"""Start-up, memory, latency and throughput of `codisearch serve`, with the test queries.

    python benchmarks/serve_load.py [--bundle PATH] [--queries PATH] [--requests 300] [--clients 16]
        [--seconds 60]

Clients and server share the machine. First one client sends queries one after the other, with and without
reranking; then all clients send at once, for `--seconds` a row. Queries are different ones, so that no cache
answers twice; the rows of one query are those in which all clients send the same. The throughput is measured
with `--limit-merge 1` (every search alone) and with the default (waiting searches are answered together).
"""

import argparse
import http.client
import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import pandas as pd
import psutil

QUERIES = Path("data/07_model_output/test_queries.parquet")
SEARCH = "/v1/search"
HEADERS = {"Content-Type": "application/json"}
STAGES = {True: "both stages", False: "first stage only"}
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


def load_queries(path: Path, seed: int = 0) -> list[str]:
    """Return the different queries of a file in random order."""
    unique = sorted(set(pd.read_parquet(path, columns=["query"])["query"]))
    random.Random(seed).shuffle(unique)
    return unique


def body_of(query: str, rerank: bool) -> bytes:
    """Return the body of a search."""
    return json.dumps({"query": query, "rerank": rerank}).encode()


def times_of(port: int, bodies: Iterator[bytes], until: float = float("inf")) -> tuple[list[float], int]:
    """Send bodies one after the other over one connection; return seconds of each, and how many failed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seconds, failed = [], 0
    for body in bodies:
        if time.perf_counter() > until:
            break
        started = time.perf_counter()
        try:
            connection.request("POST", SEARCH, body, HEADERS)
            response = connection.getresponse()
            response.read()
            failed += response.status != http.client.OK
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens it again
            failed += 1
        seconds.append(time.perf_counter() - started)
    connection.close()
    return seconds, failed


def show_throughput(port: int, title: str, streams: Sequence[Iterator[bytes]], seconds: float) -> None:
    """Print what clients that send at once wait, how many answers a second there are, and how many failed."""
    started = time.perf_counter()
    with ThreadPoolExecutor(len(streams)) as pool:
        results = list(pool.map(lambda stream: times_of(port, stream, started + seconds), streams))
    took = time.perf_counter() - started  # with the answers that were still on their way
    times = [time_ for some, _ in results for time_ in some]
    failed = sum(count for _, count in results)
    print(f"  {title:42s} {(len(times) - failed) / took:8.1f} {percentiles(times)} {failed:7d}")


def endless(queries: list[str], rerank: bool) -> Iterator[bytes]:
    """Yield searches for ever, different ones each round."""
    number = 0
    while True:
        for query in queries:
            yield body_of(f"{query} {number}" if number else query, rerank)
        number += 1


def percentiles(seconds: list[float]) -> str:
    """Return the 50th, 95th and 99th percentile in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return " ".join(f"{cuts[place] * 1000:7.1f}" for place in (49, 94, 98))


def show_latency(port: int, queries: list[str]) -> None:
    """Print how long a search takes that is alone, half of the queries with and half without reranking."""
    title = f"one at a time, {len(queries) // 2} queries"
    print(f"\n{title:53s}     p50     p95     p99 ms  errors")
    for rerank, part in ((True, queries[::2]), (False, queries[1::2])):
        times, failed = times_of(port, (body_of(query, rerank) for query in part))
        print(f"  {STAGES[rerank]:51s} {percentiles(times)} {failed:7d}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=Path("data/06_models/bundle"))
    parser.add_argument("--queries", type=Path, default=QUERIES)
    parser.add_argument("--requests", type=int, default=300, help="one at a time, each way")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60, help="of each row with all clients")
    options = parser.parse_args()
    queries = load_queries(options.queries)
    alone, together = queries[: 2 * options.requests], queries[2 * options.requests :]
    parts = [together[number :: options.clients] for number in range(options.clients)]
    for merge in (1, 16):
        with serving(options.bundle, merge) as server:
            if merge == 1:
                print(f"from start to ready: {server.seconds:.1f} s")
                print(f"resident memory when ready: {server.megabytes:.0f} MB")
                show_latency(server.port, alone)
            title = f"{options.clients} clients, {options.seconds:g} s, merge {merge}"
            print(f"\n{title:44s} requests/s     p50     p95     p99 ms  errors")
            for rerank, stages in STAGES.items():
                streams = [endless(part, rerank) for part in parts]
                show_throughput(server.port, f"{stages}, all different", streams, options.seconds)
                same = [repeat(body_of(queries[0], rerank)) for _ in parts]
                show_throughput(server.port, f"{stages}, one query", same, options.seconds)
            print(f"  resident memory after it: {server.megabytes:.0f} MB")


if __name__ == "__main__":
    main()
