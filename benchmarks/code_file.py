"""Rows per second and peak memory of `codisearch code`, and whether a killed run loses anything.

    python benchmarks/code_file.py [--rows 20000] [--distinct 500] [--bundle data/06_models/bundle] [--to csv]

The rows are queries of the corpus in random order. The command runs twice: once undisturbed, while its memory
is watched, and once killed (SIGKILL) half way and repeated. Both outputs must be the same byte for byte.
"""

import argparse
import csv
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from codisearch.coding.job import rows_kept
from codisearch.files import sha256_of

CORPUS = Path("data/01_raw/corpus")
LANGUAGES = ("ca", "en", "es", "fr", "it", "pt")
COMMAND = [sys.executable, "-c", "from codisearch.cli import main; main()", "code"]
MIB = 1 << 20


@dataclass
class Watched:
    """What was seen of a run.

    Attributes:
        rate: Rows per second between the first batch and the last.
        early: Peak memory in MiB until a tenth of the rows was done.
        late: Peak memory in MiB until the end.
        rows: Rows that were done when it ended.
    """

    rate: float
    early: float
    late: float
    rows: int


def make_file(path: Path, rows: int, distinct: int | None) -> None:
    """Write so many rows of queries with their language, of so many distinct ones."""
    queries = []
    for language in LANGUAGES:
        with (CORPUS / f"{language}.csv").open(encoding="utf-8", newline="") as file:
            queries += [(row["query"], language) for row in csv.DictReader(file)]
    chance = random.Random(0)
    queries = chance.sample(queries, distinct) if distinct else queries
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "query", "language"])
        writer.writerows((number, *chance.choice(queries)) for number in range(1, rows + 1))


def watch(arguments: list[str], output: Path, rows: int, stop: Callable[[int], bool]) -> Watched:
    """Run the command, kill it when `stop` says so of the number of rows done, and say what was seen."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL)
    observed, first, last, early, late = psutil.Process(process.pid), None, None, 0.0, 0.0
    while process.poll() is None:
        done = rows_kept(output)
        late = max(late, observed.memory_info().rss / MIB)
        if done and first is None:
            first = (time.perf_counter(), done)
        if done:
            last = (time.perf_counter(), done) if last is None or done > last[1] else last
        if done <= rows / 10:
            early = late
        if stop(done):
            process.kill()
        time.sleep(0.02)
    if process.wait() > 0:
        raise SystemExit(f"The command failed with status {process.returncode}.")
    seconds = last[0] - first[0] if first and last else 0.0
    rate = (last[1] - first[1]) / seconds if first and last and seconds else float("nan")
    return Watched(rate, early, late, last[1] if last else 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--distinct", type=int, help="how many distinct queries the rows repeat; default all")
    parser.add_argument("--bundle", default="data/06_models/bundle")
    parser.add_argument("--to", default="csv")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_file(folder / "in.csv", options.rows, options.distinct)
        outputs = [folder / "whole", folder / "killed"]
        calls = [
            [str(folder / "in.csv"), "--to", options.to, "--bundle", options.bundle, "-o", str(output)]
            for output in outputs
        ]
        whole = watch(calls[0], outputs[0], options.rows, lambda _: False)
        print(f"{options.rows} rows, {whole.rate:.0f} rows/s")
        print(f"peak memory at 10 %: {whole.early:.0f} MiB, at 100 %: {whole.late:.0f} MiB")
        killed = watch(calls[1], outputs[1], options.rows, lambda done: done >= options.rows / 2)
        print(
            f"killed after {killed.rows} rows; an output is {'there' if outputs[1].exists() else 'not there'}"
        )
        watch(calls[1], outputs[1], options.rows, lambda _: False)
        digests = [sha256_of(output) for output in outputs]
        print(f"{digests[0][:16]} undisturbed\n{digests[1][:16]} killed and resumed")
        print("the same" if digests[0] == digests[1] else "NOT THE SAME")
    raise SystemExit(digests[0] != digests[1])


if __name__ == "__main__":
    main()
