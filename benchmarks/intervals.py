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

from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    Floats,
    Intervals,
    Ints,
    bootstrap_difference,
    bootstrap_means,
    bootstrap_relative_rise,
)
from codisearch.pipelines.evaluation.measures.significance import randomisation_test

RECALL, RISE = 0.6, 0.05
AT_ONCE = 50
"""Trials that share the sizes of their clusters and the draws of the bootstrap."""


@dataclass(frozen=True)
class Samples:
    """Hits of two systems on the same queries, (queries, trials), and the cluster of each query."""

    before: Floats
    after: Floats
    clusters: Ints


def draw(codes: int, longest: int, rise: float, generator: np.random.Generator) -> Samples:
    """Return samples whose true recalls are `RECALL` and `RECALL + rise`.

    A code's own recall is drawn from a beta distribution that is nearly all or nothing; the second system
    wins each query that the first one misses with one chance, and loses each that it hits with another.
    """
    sizes = generator.integers(1, longest + 1, size=codes)
    clusters = np.repeat(np.arange(codes), sizes)
    ease = generator.beta(RECALL * 1.5, (1 - RECALL) * 1.5, size=(codes, AT_ONCE))[clusters]
    before = generator.random(ease.shape) < ease
    loses = 0.1
    wins = (rise + loses * RECALL) / (1 - RECALL)
    change = generator.random(ease.shape)
    after = np.where(before, change >= loses, change < wins)
    return Samples(before.astype(float), after.astype(float), clusters)


def held(intervals: Intervals, truth: float) -> int:
    """Return how many of the intervals hold the truth."""
    return int(((intervals.low <= truth) & (truth <= intervals.high)).sum())


def simulate(codes: int, longest: int, trials: int) -> dict[str, float]:
    """Return the shares of trials in which each interval holds the truth, and those of false alarms."""
    generator = np.random.default_rng([codes, longest])
    counts = {"mean": 0, "difference": 0, "relative rise": 0, "false alarms": 0}
    batches = -(-trials // AT_ONCE)
    for batch in range(batches):
        params = BootstrapParams(resamples=1000, permutations=2000, seed=batch)
        some = draw(codes, longest, RISE, generator)
        pair = (some.before, some.after, some.clusters, params)
        counts["mean"] += held(bootstrap_means(some.after, some.clusters, params), RECALL + RISE)
        counts["difference"] += held(bootstrap_difference(*pair), RISE)
        counts["relative rise"] += held(bootstrap_relative_rise(*pair), RISE / RECALL)
        null = draw(codes, longest, 0.0, generator)
        p_values = randomisation_test(null.after - null.before, null.clusters, params)
        counts["false alarms"] += int((p_values < 0.05).sum())
    return {name: count / (batches * AT_ONCE) for name, count in counts.items()}


def main() -> None:
    """Print a row for each number of codes and of queries a code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    trials = parser.parse_args().trials
    print(f"{trials} trials; the standard error of a share of .95 is {np.sqrt(0.95 * 0.05 / trials):.4f}")
    print(
        f"{'codes':>6} {'queries a code':>15} {'mean':>8} {'difference':>11} {'rise':>8} {'false alarms':>13}"
    )
    for codes, longest in ((20, 3), (50, 3), (100, 3), (300, 3), (900, 3), (900, 12)):
        share = simulate(codes, longest, trials)
        print(
            f"{codes:>6} {f'1 to {longest}':>15} {share['mean']:>8.3f} {share['difference']:>11.3f}"
            f" {share['relative rise']:>8.3f} {share['false alarms']:>13.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
