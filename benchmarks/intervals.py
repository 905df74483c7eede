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

RISE, LOSES = 0.02, 0.02
SETTINGS = (
    (20, 3, 0.6),
    (50, 3, 0.6),
    (100, 3, 0.6),
    (300, 3, 0.6),
    (900, 3, 0.6),
    (900, 12, 0.6),
    (50, 3, 0.05),
    (50, 3, 0.95),
    (300, 3, 0.05),
    (300, 3, 0.95),
)
"""Codes, the most queries of one, and the true recall of the first system."""
AT_ONCE = 50
"""Trials that share the sizes of their clusters and the draws of the bootstrap."""


@dataclass(frozen=True)
class Samples:
    """Hits of two systems on the same queries, (queries, trials), and the cluster of each query."""

    before: Floats
    after: Floats
    clusters: Ints


def draw(codes: int, longest: int, recall: float, rise: float, generator: np.random.Generator) -> Samples:
    """Return samples whose true recalls are `recall` and `recall + rise`.

    A code's own recall is drawn from a beta distribution that is nearly all or nothing; the second system
    wins each query that the first one misses with one chance, and loses each that it hits with another.
    """
    sizes = generator.integers(1, longest + 1, size=codes)
    clusters = np.repeat(np.arange(codes), sizes)
    ease = generator.beta(recall * 1.5, (1 - recall) * 1.5, size=(codes, AT_ONCE))[clusters]
    before = generator.random(ease.shape) < ease
    wins = (rise + LOSES * recall) / (1 - recall)
    change = generator.random(ease.shape)
    after = np.where(before, change >= LOSES, change < wins)
    return Samples(before.astype(float), after.astype(float), clusters)


@dataclass
class Tally:
    """How many intervals were given, and how many of them hold the truth."""

    given: int = 0
    held: int = 0

    def add(self, intervals: Intervals, truth: float) -> None:
        """Count some intervals."""
        self.given += int(np.isfinite(intervals.low).sum())
        self.held += int(((intervals.low <= truth) & (truth <= intervals.high)).sum())

    def show(self, trials: int) -> str:
        """Return the share that holds the truth, and after it that of trials with an interval, if not all."""
        if not self.given:
            return "none"
        some = "" if self.given == trials else f" ({self.given / trials:.2f})"
        return f"{self.held / self.given:.3f}{some}"


def simulate(codes: int, longest: int, recall: float, trials: int) -> list[str]:
    """Return the shares of intervals that hold the truth, and that of false alarms."""
    generator = np.random.default_rng([codes, longest, round(100 * recall)])
    mean, difference, rise, alarms = Tally(), Tally(), Tally(), 0
    batches = -(-trials // AT_ONCE)
    for batch in range(batches):
        params = BootstrapParams(resamples=1000, permutations=2000, seed=batch)
        some = draw(codes, longest, recall, RISE, generator)
        pair = (some.before, some.after, some.clusters, params)
        mean.add(bootstrap_means(some.after, some.clusters, params), recall + RISE)
        difference.add(bootstrap_difference(*pair), RISE)
        rise.add(bootstrap_relative_rise(*pair), RISE / recall)
        null = draw(codes, longest, recall, 0.0, generator)
        p_values = randomisation_test(null.after - null.before, null.clusters, params)
        alarms += int((p_values < 0.05).sum())
    total = batches * AT_ONCE
    return [*(tally.show(total) for tally in (mean, difference, rise)), f"{alarms / total:.3f}"]


def main() -> None:
    """Print a row for each number of codes and of queries a code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    trials = parser.parse_args().trials
    print(f"{trials} trials; the standard error of a share of .95 is {np.sqrt(0.95 * 0.05 / trials):.4f}")
    print("In brackets: the share of trials that have an interval, where some have not enough to tell")
    heads = ("mean", "difference", "relative rise", "false alarms")
    print(f"{'codes':>5} {'queries a code':>14} {'recall':>6}", *(f"{head:>14}" for head in heads))
    for codes, longest, recall in SETTINGS:
        shares = simulate(codes, longest, recall, trials)
        row = (f"{share:>14}" for share in shares)
        print(f"{codes:>5} {f'1 to {longest}':>14} {recall:>6}", *row, flush=True)


if __name__ == "__main__":
    main()
