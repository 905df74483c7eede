"""Bootstrap intervals over clusters of queries: percentiles, moved out where clusters are few.

Queries for one code are phrasings of one thing and rise and fall together, so whole codes are drawn, not
queries. A resample is a vector of how often each cluster was drawn; its mean is then two products with the
sums and sizes of the clusters, for all measures at once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from scipy import stats

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DIGITS: Final = 9
CONFIDENCE: Final = 0.95  # fixed, for the reports say "95 %"


class BootstrapParams(BaseModel):
    """How intervals are drawn.

    Attributes:
        resamples: How many times the clusters are drawn anew.
        seed: Of the random generator; the same seed gives the same interval.
        telling_codes: There is no interval where fewer clusters stand apart from what most say: a proportion
            needs about five of either kind before its interval can be trusted.
        permutations: How many times a randomisation test exchanges the answers of two systems.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    resamples: int = Field(default=1000, ge=1)
    seed: int = Field(default=0, ge=0)
    telling_codes: int = Field(default=5, ge=1)
    permutations: int = Field(default=20_000, ge=1)


class DrawingParams(BaseModel):
    """How intervals are drawn, of all the parameters of an evaluation: what comparing finished runs needs."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    bootstrap: BootstrapParams = BootstrapParams()


@dataclass(frozen=True)
class Intervals:
    """Estimates with their intervals, one entry per column that was measured.

    Attributes:
        value: The estimate on all queries.
        low: Lower end; NaN where too few clusters tell anything.
        high: Upper end, likewise.
    """

    value: Floats
    low: Floats
    high: Floats


def cluster_queries(queries: pd.DataFrame) -> Ints:
    """Return the cluster of every query, in order: queries with the same first relevant code share one."""
    labels, _ = pd.factorize(queries["codes"].map(lambda codes: codes[0]))
    return labels.astype(np.int64)


def bootstrap_means(values: Floats, clusters: Ints, params: BootstrapParams) -> Intervals:
    """Return the mean of each column of `values` with its interval.

    Args:
        values: (queries, measures).
        clusters: (queries,), the cluster of each query.
        params: How to draw.
    """
    drawn, telling = _resampled_means(values, clusters, params), telling_clusters(values, clusters)
    return _intervals(values.mean(axis=0), drawn, telling, params)


def bootstrap_difference(before: Floats, after: Floats, clusters: Ints, params: BootstrapParams) -> Intervals:
    """Return mean(after) - mean(before), paired: both systems are drawn with the same queries.

    Args:
        before: (queries, measures) of one system.
        after: The same of the other.
        clusters: (queries,), the cluster of each query.
        params: How to draw.
    """
    return bootstrap_means(after - before, clusters, params)


def bootstrap_relative_rise(
    before: Floats, after: Floats, clusters: Ints, params: BootstrapParams
) -> Intervals:
    """Return mean(after) / mean(before) - 1, paired; NaN where `before` is 0 throughout.

    Args:
        before: (queries, measures) of one system.
        after: The same of the other.
        clusters: (queries,), the cluster of each query.
        params: How to draw.
    """
    measures = before.shape[1]
    both = np.hstack([before, after])
    means, drawn = both.mean(axis=0), _resampled_means(both, clusters, params)
    value = _rise(means[:measures], means[measures:])
    rises = _rise(drawn[:, :measures], drawn[:, measures:])
    telling = np.minimum(telling_clusters(before, clusters), telling_clusters(after - before, clusters))
    return _intervals(value, rises, telling, params)


def _rise(before: Floats, after: Floats) -> Floats:
    """Return after / before - 1, NaN where `before` is 0."""
    return np.divide(after, before, out=np.full_like(after, np.nan), where=before > 0) - 1.0


def sums_by_cluster(values: Floats, clusters: Ints) -> tuple[Floats, Floats]:
    """Return the sums of `values` by cluster, (clusters, measures), and the sizes of the clusters."""
    _, member = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(member).astype(float)
    sums = [np.bincount(member, weights=column) for column in values.T]
    return np.column_stack(sums).astype(float), sizes


def _resampled_means(values: Floats, clusters: Ints, params: BootstrapParams) -> Floats:
    """Return (resamples, measures): the means of `values` over clusters drawn with replacement."""
    sums, sizes = sums_by_cluster(values, clusters)
    count = len(sizes)
    generator = np.random.default_rng(params.seed)
    drawn = generator.multinomial(count, np.full(count, 1.0 / count), size=params.resamples).astype(float)
    means: Floats = (drawn @ sums) / (drawn @ sizes)[:, None]
    return means


def telling_clusters(values: Floats, clusters: Ints) -> Ints:
    """Return for each column how many clusters stand apart from what most of them say.

    Where two systems differ on three codes of a thousand, it is these three that an interval rests on.
    """
    sums, sizes = sums_by_cluster(values, clusters)
    means = np.round(sums / sizes[:, None], _DIGITS)
    common = [np.unique(column, return_counts=True)[1].max() for column in means.T]
    return len(sizes) - np.array(common, dtype=np.int64)


def _intervals(value: Floats, drawn: Floats, telling: Ints, params: BootstrapParams) -> Intervals:
    """Return `value` with percentiles of the resamples, none where too few clusters tell anything."""
    low, high = np.full(value.shape, np.nan), np.full(value.shape, np.nan)
    for count in np.unique(telling[telling >= params.telling_codes]):
        columns = (telling == count) & ~np.isnan(value)
        tail = _tail(int(count) + 1)
        low[columns], high[columns] = np.nanquantile(drawn[:, columns], [tail, 1.0 - tail], axis=0)
    return Intervals(value, low, high)


def _tail(clusters: int) -> float:
    """Return the share of resamples beyond either end.

    Plain percentiles are too narrow for few clusters, as normal quantiles are in place of Student's; these
    are moved out by as much (Hesterberg 2014, https://arxiv.org/abs/1411.5279, section 5.3).
    """
    quantile = stats.t.ppf((1.0 + CONFIDENCE) / 2.0, clusters - 1)
    return float(stats.norm.cdf(-quantile * np.sqrt(clusters / (clusters - 1))))
