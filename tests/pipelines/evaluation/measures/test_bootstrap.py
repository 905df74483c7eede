"""Bootstrap intervals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    bootstrap_difference,
    bootstrap_means,
    bootstrap_relative_rise,
    cluster_queries,
    telling_clusters,
)

PARAMS = BootstrapParams(resamples=500, seed=7, telling_codes=1)


def test_queries_cluster_by_their_first_code() -> None:
    """Queries whose first relevant code is the same share a cluster, whatever follows."""
    queries = pd.DataFrame({"codes": [["I10"], ["E11.9", "I10"], ["I10", "E11.9"]]})
    assert cluster_queries(queries).tolist() == [0, 1, 0]


def test_two_clusters_by_hand() -> None:
    """Of two clusters that score 0 and 1 a resample draws 0, 1/2 or 1, so the interval is all of [0, 1]."""
    estimate = bootstrap_means(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([4, 4, 9, 9]), PARAMS)
    assert (estimate.value[0], estimate.low[0], estimate.high[0]) == (0.5, 0.0, 1.0)


def test_interval_agrees_with_theory() -> None:
    """For 400 clusters of one coin flip each the interval is about 0.5 +- 1.96 * 0.5 / 20."""
    values = np.tile([[0.0], [1.0]], (200, 1))
    estimate = bootstrap_means(values, np.arange(400), BootstrapParams(resamples=4000))
    assert estimate.low[0] == pytest.approx(0.451, abs=0.005)
    assert estimate.high[0] == pytest.approx(0.549, abs=0.005)


def test_clusters_widen_the_interval() -> None:
    """Queries that move together tell less than as many that do not."""
    values = np.repeat([[0.0], [1.0]], 50, axis=0)
    alone = bootstrap_means(values, np.arange(100), PARAMS)
    grouped = bootstrap_means(values, np.arange(100) // 10, PARAMS)
    assert grouped.high[0] - grouped.low[0] > 2 * (alone.high[0] - alone.low[0])


def test_pairing_removes_what_both_share() -> None:
    """Where one system is better by 0.1 or 0.2 on each query, the paired difference is between them."""
    before = np.random.default_rng(0).random((30, 1))
    after = before + np.tile([[0.1], [0.2]], (15, 1))
    estimate = bootstrap_difference(before, after, np.arange(30), PARAMS)
    assert estimate.value[0] == pytest.approx(0.15)
    assert 0.12 < estimate.low[0] < 0.15 < estimate.high[0] < 0.18


def test_no_interval_where_nothing_varies() -> None:
    """Where every resample gives the same, as for misses throughout, nothing tells how wide it should be."""
    estimate = bootstrap_means(np.zeros((30, 1)), np.arange(30), PARAMS)
    assert (estimate.value[0], np.isnan(estimate.low[0]), np.isnan(estimate.high[0])) == (0.0, True, True)


@pytest.mark.parametrize(("hits", "has"), [(4, False), (5, True), (35, True), (36, False)])
def test_an_interval_needs_five_of_either_kind(hits: int, has: bool) -> None:
    """Of 40 codes at least five have to be found, and five missed, by default."""
    values = (np.arange(40) < hits).astype(float)[:, None]
    estimate = bootstrap_means(values, np.arange(40), BootstrapParams())
    assert np.isfinite([estimate.low[0], estimate.high[0]]).tolist() == [has, has]


def test_telling_clusters_by_hand() -> None:
    """Of four codes two have the mean 1/2, so the other two tell; where all are equal none does."""
    values = np.array([[0, 1], [1, 1], [0, 1], [1, 1], [1, 1], [0, 1]], dtype=float)
    assert telling_clusters(values, np.array([0, 0, 1, 1, 2, 3])).tolist() == [2, 0]


def test_relative_rise_by_hand() -> None:
    """From .1 and .5 to .2 and .75 is a rise of 58 %; a resample of one query alone gives 100 or 50 %."""
    before, after = np.array([[0.1], [0.5]]), np.array([[0.2], [0.75]])
    estimate = bootstrap_relative_rise(before, after, np.arange(2), PARAMS)
    assert [estimate.value[0], estimate.low[0], estimate.high[0]] == pytest.approx([0.95 / 0.6 - 1, 0.5, 1.0])


def test_rise_from_nothing_is_undefined() -> None:
    """There is no relative rise from 0, and no warning about it."""
    estimate = bootstrap_relative_rise(np.zeros((3, 1)), np.ones((3, 1)), np.arange(3), PARAMS)
    assert np.isnan([estimate.value[0], estimate.low[0], estimate.high[0]]).all()


def test_one_cluster_has_no_interval() -> None:
    """With one code there is nothing to draw from: a value and no interval."""
    estimate = bootstrap_means(np.array([[0.0], [1.0]]), np.array([0, 0]), PARAMS)
    assert estimate.value[0] == 0.5
    assert np.isnan(estimate.low[0])
    assert np.isnan(estimate.high[0])


@settings(max_examples=30, deadline=None)
@given(
    values=arrays(float, (12, 2), elements=st.floats(0, 1)),
    clusters=st.lists(st.integers(0, 4), min_size=12, max_size=12),
)
def test_intervals_stay_in_range_and_repeat(values: np.ndarray, clusters: list[int]) -> None:
    """An interval lies within the values that were measured, and the same seed gives it again."""
    labels = np.array(clusters)
    once, again = (bootstrap_means(values, labels, PARAMS) for _ in range(2))
    np.testing.assert_array_equal(once.low, again.low)
    there = ~np.isnan(once.low)
    assert there.any() == (len(set(clusters)) > 1 and bool((once.low < once.high).any()))
    assert (once.low[there] >= values.min(axis=0)[there] - 1e-9).all()
    assert (once.high[there] <= values.max(axis=0)[there] + 1e-9).all()
    assert (once.low[there] < once.high[there]).all()


def test_parameters_are_checked() -> None:
    """No resamples and unknown keys are refused."""
    with pytest.raises(ValidationError):
        BootstrapParams(resamples=0)
    with pytest.raises(ValidationError):
        BootstrapParams.model_validate({"samples": 10})
