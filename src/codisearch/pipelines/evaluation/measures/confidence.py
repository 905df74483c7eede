"""What the probability of a first answer is worth, and what "I do not know" spares and costs.

A probability is calibrated if, of the first answers that are given one near .7, seven in ten are right. The
expected calibration error is that of Guo et al. 2017 (https://arxiv.org/abs/1706.04599), of the first answer
alone, in bins of equally many queries instead of equal width, as Nixon et al. 2019 advise
(https://arxiv.org/abs/1904.01685): probabilities crowd at the ends, and bins of equal width leave some with
hardly a query. Answering only from a threshold on is selective classification: the coverage is the share of
the queries that are answered, the precision the share of right answers among them (Geifman and El-Yaniv 2017,
https://arxiv.org/abs/1705.08500).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    Floats,
    Intervals,
    Ints,
    bootstrap_means,
)
from codisearch.pipelines.evaluation.measures.summary import ALL, is_asked_in, languages_of

QuerySet = Literal["test", "mentions"]
Kept = Literal["yes", "perhaps", "no", "no answers"]

ASKED_PRECISIONS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
ANSWER_COLUMNS: Final = ("query_id", "language", "seen", "probability", "right", "cluster")
QUALITY_COLUMNS: Final = ("language", "seen", "measure", "value", "low", "high", "queries")
RELIABILITY_COLUMNS: Final = ("bin", "probability", "right", "low", "high", "queries")
COVERAGE_COLUMNS: Final = ("threshold", "coverage", "precision", "answered")
PROMISE_COLUMNS: Final = (
    *("language", "seen", "asked", "threshold", "queries", "answered"),
    *("coverage", "coverage_low", "coverage_high", "precision", "precision_low", "precision_high", "kept"),
)
_BINS: Final = 15
_CURVE_POINTS: Final = 200


@dataclass(frozen=True)
class ConfidenceTables:
    """All that is known of the probabilities; each table has the column `query_set` before those named here.

    Attributes:
        quality: `QUALITY_COLUMNS`, of `measure_quality`.
        reliability: `RELIABILITY_COLUMNS`, of `measure_reliability`.
        coverage: `COVERAGE_COLUMNS`, of `measure_coverage`.
        promises: `PROMISE_COLUMNS`, of `measure_promises`.
    """

    quality: pd.DataFrame
    reliability: pd.DataFrame
    coverage: pd.DataFrame
    promises: pd.DataFrame


def measure_quality(answers: pd.DataFrame, bootstrap: BootstrapParams) -> pd.DataFrame:
    """Return how far the probabilities of first answers can be believed, overall and for every slice.

    `mean_probability` and `share_right` should agree; `overconfidence` is their difference. `brier` is the
    mean of (probability - right)^2. `ece` is the mean over the bins, by their queries, of how far the mean
    probability of a bin is from its share of right answers. It is never 0 on a sample: `ece_by_chance` is
    what is to be expected of perfectly calibrated probabilities on as many queries that are independent.

    Args:
        answers: Columns `ANSWER_COLUMNS`.
        bootstrap: How intervals are drawn. For `ece` the bins, and the side on which each errs, are those
            of all queries: resamples with bins of their own would only add to what chance adds already.

    Returns:
        Columns `QUALITY_COLUMNS`; slices are all, each language, seen and unseen codes. `ece_by_chance` has
        no interval.
    """
    rows = [
        {"language": language, "seen": seen, **row, "queries": int(inside.sum())}
        for language, seen, inside in _slices(answers)
        for row in _quality_of(answers.loc[inside], bootstrap)
    ]
    return pd.DataFrame(rows, columns=list(QUALITY_COLUMNS))


def _quality_of(answers: pd.DataFrame, bootstrap: BootstrapParams) -> Iterator[dict[str, Any]]:
    """Yield every measure of one slice."""
    probability, right = _numbers(answers)
    bins = _equal_mass_bins(probability)
    excess = probability - right
    side = np.sign(np.bincount(bins, weights=excess, minlength=_BINS))[bins]
    values = {
        "mean_probability": probability,
        "share_right": right,
        "overconfidence": excess,
        "brier": excess**2,
        "ece": side * excess,
    }
    found = _means(np.column_stack(list(values.values())), answers, bootstrap)
    for place, measure in enumerate(values):
        low = max(found.low[place], 0.0) if measure == "ece" else found.low[place]
        yield {"measure": measure, "value": found.value[place], "low": low, "high": found.high[place]}
    by_chance = _ece_by_chance(probability, bins)
    yield {"measure": "ece_by_chance", "value": by_chance, "low": np.nan, "high": np.nan}


def _ece_by_chance(probability: Floats, bins: Ints) -> float:
    """Return the expected ECE if every answer is right with its probability.

    The excess of a bin is then near to normal with the variance sum p (1 - p), and the mean of the absolute
    value of such a number is sqrt(2 / pi) times its deviation.
    """
    variances = np.bincount(bins, weights=probability * (1.0 - probability))
    return float(np.sqrt(2.0 / np.pi * variances).sum() / len(probability))


def measure_reliability(answers: pd.DataFrame, bootstrap: BootstrapParams) -> pd.DataFrame:
    """Return the share of right answers over the probability, in the bins of the ECE: a reliability diagram.

    Args:
        answers: Columns `ANSWER_COLUMNS`.
        bootstrap: How intervals are drawn.

    Returns:
        Columns `RELIABILITY_COLUMNS`: mean `probability` of a bin, share `right` with its interval, its
        `queries`. Equal probabilities are in one bin, so there may be fewer than fifteen.
    """
    probability, right = _numbers(answers)
    bins = _equal_mass_bins(probability)
    rows = []
    for number in np.unique(bins):
        inside = bins == number
        found = _means(right[inside, None], answers.loc[inside], bootstrap)
        ends = (float(probability[inside].mean()), found.value[0], found.low[0], found.high[0])
        rows.append((int(number) + 1, *ends, int(inside.sum())))
    return pd.DataFrame(rows, columns=list(RELIABILITY_COLUMNS))


def measure_coverage(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the share answered and the share right among the answered, for thresholds from high to low.

    Args:
        answers: Columns `ANSWER_COLUMNS`.

    Returns:
        Columns `COVERAGE_COLUMNS`; thresholds are probabilities that were given, at most 200 of them, the
        last of which answers everything.
    """
    probability, right = _numbers(answers)
    order = np.argsort(-probability, kind="stable")
    falling = probability[order]
    last_of_equals = np.flatnonzero(np.diff(falling, append=-np.inf))
    steps = np.arange(1, _CURVE_POINTS + 1) * len(last_of_equals)
    places = last_of_equals[np.unique(-(-steps // _CURVE_POINTS)) - 1] if len(falling) else last_of_equals
    answered = places + 1
    return pd.DataFrame(
        {
            "threshold": falling[places],
            "coverage": answered / max(len(falling), 1),
            "precision": np.cumsum(right[order])[places] / answered,
            "answered": answered,
        }
    )


def measure_promises(
    answers: pd.DataFrame, thresholds: Mapping[float, float], bootstrap: BootstrapParams
) -> pd.DataFrame:
    """Return what is answered, and how much of it is right, where a precision is asked for.

    Args:
        answers: Columns `ANSWER_COLUMNS`.
        thresholds: Asked precision -> the probability from which on a query is answered, above 1 for never.
        bootstrap: How intervals are drawn. Those of the precision are over the answered queries.

    Returns:
        Columns `PROMISE_COLUMNS`, for the slices of `measure_quality`. `kept` is `yes` where the precision
        is reached, `perhaps` where it is missed by no more than its interval (or there are too few answers
        for one), `no` where it is missed by more, and `no answers` where nothing is answered.
    """
    rows = [
        {"language": language, "seen": seen, **_promise_of(answers.loc[inside], asked, threshold, bootstrap)}
        for language, seen, inside in _slices(answers)
        for asked, threshold in thresholds.items()
    ]
    return pd.DataFrame(rows, columns=list(PROMISE_COLUMNS))


def _promise_of(
    answers: pd.DataFrame, asked: float, threshold: float, bootstrap: BootstrapParams
) -> dict[str, Any]:
    """Return what one asked precision comes to in one slice."""
    probability, right = _numbers(answers)
    known = probability >= threshold
    coverage = _means(known.astype(float)[:, None], answers, bootstrap)
    nothing = Intervals(*[np.full(1, np.nan)] * 3)
    reached = _means(right[known, None], answers.loc[known], bootstrap) if known.any() else nothing
    return {
        "asked": asked,
        "threshold": threshold,
        "queries": len(answers),
        "answered": int(known.sum()),
        **{f"coverage{end}": value for end, value in _ends(coverage).items()},
        **{f"precision{end}": value for end, value in _ends(reached).items()},
        "kept": _is_kept(asked, reached),
    }


def _ends(found: Intervals) -> dict[str, float]:
    """Return an estimate and the ends of its interval by the ending of their columns."""
    return {"": float(found.value[0]), "_low": float(found.low[0]), "_high": float(found.high[0])}


def _is_kept(asked: float, reached: Intervals) -> Kept:
    """Tell whether the share that is right is what was asked for."""
    if np.isnan(reached.value[0]):
        return "no answers"
    if reached.value[0] >= asked:
        return "yes"
    return "no" if reached.high[0] < asked else "perhaps"


def _slices(answers: pd.DataFrame) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Yield language, side and which queries belong to it, for each slice that has queries."""
    if answers.empty:
        return
    for language in languages_of(answers):
        yield language, ALL, is_asked_in(answers, language)
    seen = answers["seen"].to_numpy(dtype=bool)
    for side, inside in (("seen", seen), ("unseen", ~seen)):
        if inside.any():
            yield ALL, side, inside


def _numbers(answers: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the probabilities, and 1.0 for each right answer."""
    return answers["probability"].to_numpy(dtype=float), answers["right"].to_numpy(dtype=float)


def _equal_mass_bins(probability: Floats) -> Ints:
    """Return the bin of each query, from 0, by its mean rank, so that equal probabilities share one."""
    ranks = pd.Series(probability).rank().to_numpy()
    return ((ranks - 0.5) * _BINS // max(len(ranks), 1)).astype(np.int64)


def _means(values: Floats, answers: pd.DataFrame, bootstrap: BootstrapParams) -> Intervals:
    """Return the mean of each column with its interval, over the clusters of the answers."""
    return bootstrap_means(values, answers["cluster"].to_numpy(dtype=np.int64), bootstrap)
