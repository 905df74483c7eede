"""Paired randomisation tests between systems, their correction for many comparisons, and what they say.

Under the null hypothesis it does not matter which of two systems gave which of two answers, so their answers
may be exchanged (Fisher; Smucker et al. 2007, https://doi.org/10.1145/1321440.1321528). Queries for one code
are phrasings of one thing, so they are exchanged together, code by code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from codisearch.languages import LANGUAGE_NAMES
from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    Floats,
    Ints,
    bootstrap_difference,
    sums_by_cluster,
)

ALPHA: Final = 0.05
_AT_ONCE: Final = 1000
_SLACK: Final = 1e-5  # sums of the same numbers in another order differ in their last digits
_PLACES: Final = {1: "the first place", 3: "the first three", 5: "the first five", 10: "the first ten"}
_TINY: Final = 0.001
_SAME: Final = 1e-9
_LANGUAGE_NAMES: Final = {str(tag): name for tag, name in LANGUAGE_NAMES.items()}


@dataclass(frozen=True)
class PairedTest:
    """How two systems differ on the same queries.

    Attributes:
        before: Mean of the first system.
        after: Mean of the second.
        difference: `after` - `before`.
        low: Lower end of its 95 % bootstrap interval; NaN where there is none (see `Intervals`).
        high: Upper end, likewise.
        p_value: Of the two-sided randomisation test, not corrected.
        effect_size: Difference in units of the standard deviation of the queries' differences (Cohen's d for
            pairs); 0 where no query differs.
        better: Queries on which the second system scores higher.
        worse: Queries on which it scores lower.
        queries: All queries.
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    p_value: float
    effect_size: float
    better: int
    worse: int
    queries: int


def compare_paired(before: Floats, after: Floats, clusters: Ints, params: BootstrapParams) -> PairedTest:
    """Return how a system differs from another on the same queries.

    Args:
        before: (queries,) scores of the first system.
        after: (queries,) scores of the second.
        clusters: (queries,), the cluster of each query.
        params: How to draw.
    """
    return compare_columns(before[:, None], after[:, None], clusters, params)[0]


def compare_columns(
    before: Floats, after: Floats, clusters: Ints, params: BootstrapParams
) -> list[PairedTest]:
    """Return the same for each column of (queries, comparisons) arrays, all with the same draws."""
    intervals = bootstrap_difference(before, after, clusters, params)
    p_values = randomisation_test(after - before, clusters, params)
    effects = _effect_sizes(after - before)
    return [
        PairedTest(
            before=float(before[:, column].mean()),
            after=float(after[:, column].mean()),
            difference=float(intervals.value[column]),
            low=float(intervals.low[column]),
            high=float(intervals.high[column]),
            p_value=float(p_values[column]),
            effect_size=float(effects[column]),
            better=int((after[:, column] > before[:, column]).sum()),
            worse=int((after[:, column] < before[:, column]).sum()),
            queries=len(before),
        )
        for column in range(before.shape[1])
    ]


def randomisation_test(differences: Floats, clusters: Ints, params: BootstrapParams) -> Floats:
    """Return the two-sided p-value of each column's mean being 0.

    The signs of whole clusters are drawn `params.permutations` times; the observed arrangement counts as one
    of the draws, so that no p-value is 0 (Phipson and Smyth 2010, https://arxiv.org/abs/1603.05766).

    Args:
        differences: (queries, comparisons), one system's score less the other's.
        clusters: (queries,), the cluster of each query.
        params: How often and with which seed to draw.
    """
    sums, _ = sums_by_cluster(differences, clusters)
    sums = sums[np.any(sums != 0.0, axis=1)].astype(np.float32)
    observed = np.abs(sums.sum(axis=0)) * (1.0 - _SLACK)
    generator = np.random.default_rng(params.seed)
    as_extreme = np.ones(sums.shape[1])
    for start in range(0, params.permutations, _AT_ONCE):
        draws = min(_AT_ONCE, params.permutations - start)
        bits = np.frombuffer(generator.bytes(draws * len(sums) // 8 + 1), dtype=np.uint8)
        signs = np.unpackbits(bits)[: draws * len(sums)].reshape(draws, len(sums)).astype(np.float32)
        as_extreme += (np.abs((2.0 * signs - 1.0) @ sums) >= observed).sum(axis=0)
    p_values: Floats = as_extreme / (params.permutations + 1)
    return p_values


def _effect_sizes(differences: Floats) -> Floats:
    """Return mean over standard deviation of each column: 0 without a difference, infinite without spread."""
    mean = differences.mean(axis=0)
    spread = differences.std(axis=0, ddof=1) if len(differences) > 1 else np.zeros_like(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes: Floats = np.where(mean == 0.0, 0.0, mean / spread)
    return sizes


def adjust_holm(p_values: Sequence[float]) -> Floats:
    """Return p-values corrected for their number, so that the chance of any false claim is at most theirs.

    Source: Holm 1979, https://www.jstor.org/stable/4615733: the smallest of n times n, the next times n - 1
    and so on, none below the one before it, at most 1.
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0) if len(values) else scaled
    return adjusted


def describe_difference(
    test: PairedTest,
    language: str,
    metric: str,
    before_name: str,
    after_name: str,
    corrected: float | None = None,
) -> str:
    """Return a comparison as a sentence.

    Args:
        test: The comparison of `after_name` with `before_name`.
        language: A language tag, or `all`.
        metric: `recall@<k>` or another mean per query.
        before_name: The first system.
        after_name: The second.
        corrected: The corrected p-value, where the comparison is one of several.
    """
    p = test.p_value if corrected is None else corrected
    where = f"In {_LANGUAGE_NAMES[language]}" if language in _LANGUAGE_NAMES else "Over all languages"
    rises = test.difference >= 0
    lower, higher = (before_name, after_name) if rises else (after_name, before_name)
    size, ends = abs(test.difference), (test.low, test.high) if rises else (-test.high, -test.low)
    chance = "p < .001" if p < _TINY else f"p = {p:.3f}".replace("0.", ".")
    if p < ALPHA and chance.endswith(".050"):
        chance = "p < .050"
    chance = f"corrected {chance}" if corrected is not None else chance
    doubt = "" if p < ALPHA else ", which may be chance"
    name, _, cutoff = metric.partition("@")
    if abs(test.difference) < _SAME:
        return f"{where} {before_name} and {after_name} have the same {'MRR' if metric == 'mrr' else metric}."
    if name == "recall" and cutoff:
        amount = _with_interval(size, ends, 100.0, "{:.1f}")
        place = _PLACES.get(int(cutoff), f"the first {cutoff}")
        claim = f"{higher} finds {amount} more of 100 codes in {place} than {lower}"
    else:
        amount = _with_interval(size, ends, 1.0, "{:.3f}")
        claim = f"the {'MRR' if metric == 'mrr' else metric} of {higher} is {amount} above that of {lower}"
    return f"{where} {claim}{doubt} ({chance})."


def _with_interval(value: float, ends: tuple[float, float], scale: float, form: str) -> str:
    if np.isnan(ends[0]):
        return form.format(scale * value)
    low, high = (_without_minus_zero(form.format(scale * end)) for end in ends)
    return f"{form.format(scale * value)} [{low}, {high}]"


def _without_minus_zero(number: str) -> str:
    return number.removeprefix("-") if float(number) == 0.0 else number
