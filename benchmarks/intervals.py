"""Do the intervals hold what they promise? Coverage and false alarms in simulations with a known truth.

    python benchmarks/intervals.py [--trials 2000]

Queries come in clusters (codes) as in the corpus: a code is easy or hard, and so are all its phrasings, for
both systems. Printed for several numbers of codes: how often the 95 % interval holds the true mean, the true
difference of two systems and the true relative rise, and how often the randomisation test finds a difference
(p < .05) between two systems that have none.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from codisearch.pipelines.evaluation.bootstrap import (
    BootstrapParams,
    Floats,
    Ints,
    bootstrap_difference,
    bootstrap_means,
    bootstrap_relative_rise,
)
from codisearch.pipelines.evaluation.significance import randomisation_test

RECALL, RISE = 0.6, 0.05


@dataclass(frozen=True)
class Sample:
    """Hits of two systems on the same queries, and the cluster of each query."""

    before: Floats
    after: Floats
    clusters: Ints


def draw(codes: int, longest: int, rise: float, generator: np.random.Generator) -> Sample:
    """Return a sample whose true recalls are `RECALL` and `RECALL + rise`.

    A code's own recall is drawn from a beta distribution that is nearly all or nothing; the second system
    wins each query that the first one misses with one chance, and loses each that it hits with another.
    """
    sizes = generator.integers(1, longest + 1, size=codes)
    ease = generator.beta(RECALL * 1.5, (1 - RECALL) * 1.5, size=codes)
    clusters = np.repeat(np.arange(codes), sizes)
    before = generator.random(len(clusters)) < ease[clusters]
    loses = 0.1
    wins = (rise + loses * RECALL) / (1 - RECALL)
    change = generator.random(len(clusters))
    after = np.where(before, change >= loses, change < wins)
    return Sample(before[:, None].astype(float), after[:, None].astype(float), clusters)


def simulate(codes: int, longest: int, trials: int) -> dict[str, float]:
    """Return the shares of trials in which each interval holds the truth, and those of false alarms."""
    generator = np.random.default_rng(codes * 31 + longest)
    held = {"mean": 0, "difference": 0, "relative rise": 0, "false alarms": 0}
    for trial in range(trials):
        params = BootstrapParams(resamples=1000, permutations=1000, seed=trial)
        one = draw(codes, longest, RISE, generator)
        mean = bootstrap_means(one.after, one.clusters, params)
        change = bootstrap_difference(one.before, one.after, one.clusters, params)
        rise = bootstrap_relative_rise(one.before, one.after, one.clusters, params)
        held["mean"] += bool(mean.low[0] <= RECALL + RISE <= mean.high[0])
        held["difference"] += bool(change.low[0] <= RISE <= change.high[0])
        held["relative rise"] += bool(rise.low[0] <= RISE / RECALL <= rise.high[0])
        null = draw(codes, longest, 0.0, generator)
        held["false alarms"] += bool(randomisation_test(null.after - null.before, null.clusters, params) < 0.05)
    return {name: count / trials for name, count in held.items()}


def main() -> None:
    """Print a row for each number of codes and of queries a code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    trials = parser.parse_args().trials
    print(f"{trials} trials; the standard error of a share of .95 is {np.sqrt(0.95 * 0.05 / trials):.4f}")
    print(f"{'codes':>6} {'queries a code':>15} {'mean':>8} {'difference':>11} {'rise':>8} {'false alarms':>13}")
    for codes, longest in ((20, 3), (50, 3), (100, 3), (300, 3), (900, 3), (900, 12)):
        share = simulate(codes, longest, trials)
        print(
            f"{codes:>6} {f'1 to {longest}':>15} {share['mean']:>8.3f} {share['difference']:>11.3f}"
            f" {share['relative rise']:>8.3f} {share['false alarms']:>13.3f}"
        )


if __name__ == "__main__":
    main()
