"""Paired tests, their correction, and what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from codisearch.pipelines.evaluation.measures.bootstrap import (
    BootstrapParams,
    bootstrap_difference,
    bootstrap_means,
)
from codisearch.pipelines.evaluation.measures.significance import (
    PairedTest,
    adjust_holm,
    compare_paired,
    describe_difference,
    randomisation_test,
)

PARAMS = BootstrapParams(resamples=200, permutations=4000, seed=3, telling_codes=1)


def paired(difference: float, low: float, high: float, p_value: float) -> PairedTest:
    """Return a comparison with these numbers."""
    return PairedTest(0.5, 0.5 + difference, difference, low, high, p_value, 0.1, 10, 5, 100)


def test_one_cluster_that_differs() -> None:
    """With one code there are two arrangements, both as extreme as what was seen."""
    assert randomisation_test(np.array([[1.0], [0.5]]), np.array([0, 0]), PARAMS)[0] == 1.0


def test_ten_clusters_by_hand() -> None:
    """Ten codes that all rise by 1: of 2 ** 10 arrangements two are as extreme, so p is about 1 / 512."""
    p_value = randomisation_test(np.ones((10, 1)), np.arange(10), BootstrapParams(permutations=100_000))[0]
    assert p_value == pytest.approx(1 / 512, rel=0.2)


def test_no_difference() -> None:
    """Equal scores are as extreme as every arrangement of them."""
    assert randomisation_test(np.zeros((20, 1)), np.arange(20), PARAMS)[0] == 1.0


def test_agrees_with_scipy() -> None:
    """Each query being a code of its own, the p-value is that of scipy's permutation test."""
    generator = np.random.default_rng(0)
    before, after = generator.random(40), generator.random(40) + 0.08
    theirs = stats.permutation_test(
        (after, before),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=1,
    )
    ours = randomisation_test((after - before)[:, None], np.arange(40), BootstrapParams())[0]
    assert ours == pytest.approx(theirs.pvalue, abs=0.015)


def test_clusters_count_once() -> None:
    """Ten queries of one code say no more than one of them: nothing is sure with four codes."""
    rises = np.ones((40, 1))
    alone = randomisation_test(rises, np.arange(40), PARAMS)[0]
    together = randomisation_test(rises, np.arange(40) // 10, PARAMS)[0]
    assert alone < 0.001
    assert together == pytest.approx(2 / 16, abs=0.03)


def test_false_alarms_are_rare() -> None:
    """Between systems that do not differ, p < .05 comes up in 5 % of the samples, code by code."""
    generator = np.random.default_rng(5)
    trials, codes, of_each = 400, 60, 3
    ease = generator.random((codes, trials)).repeat(of_each, axis=0)
    before, after = ((generator.random(ease.shape) < ease).astype(float) for _ in range(2))
    clusters = np.arange(codes).repeat(of_each)
    p_values = randomisation_test(after - before, clusters, BootstrapParams(permutations=2000))
    assert 0.02 <= (p_values < 0.05).mean() <= 0.08


@pytest.mark.parametrize("codes", [30, 200])
def test_intervals_hold_the_truth(codes: int) -> None:
    """Of 95 % intervals 93 to 97 % hold the true recall and the true difference, as far as 400 samples tell.

    A sample of 400 has a standard error of 1.1 points, so three of them are allowed beside the two.
    """
    generator = np.random.default_rng(codes)
    trials, of_each = 400, 3
    ease = generator.beta(0.9, 0.6, size=(codes, trials)).repeat(of_each, axis=0)
    before = (generator.random(ease.shape) < ease).astype(float)
    gains, loses = generator.random(ease.shape) < 0.2, generator.random(ease.shape) < 0.05
    after = np.where(before > 0, 1.0 - loses, gains.astype(float))
    clusters = np.arange(codes).repeat(of_each)
    params = BootstrapParams(resamples=1000, seed=1)
    mean, change = (
        bootstrap_means(before, clusters, params),
        bootstrap_difference(before, after, clusters, params),
    )
    truth, rise = 0.6, 0.4 * 0.2 - 0.6 * 0.05
    assert 0.90 <= ((mean.low <= truth) & (truth <= mean.high)).mean() <= 0.985
    assert 0.90 <= ((change.low <= rise) & (rise <= change.high)).mean() <= 0.985


def test_comparison_by_hand() -> None:
    """Of four queries one gets better by 1 and one worse by 1/2."""
    before, after = np.array([0.0, 1.0, 0.5, 0.25]), np.array([1.0, 0.5, 0.5, 0.25])
    test = compare_paired(before, after, np.arange(4), PARAMS)
    assert (test.before, test.after, test.difference) == (0.4375, 0.5625, 0.125)
    assert (test.better, test.worse, test.queries) == (1, 1, 4)
    assert test.effect_size == pytest.approx(0.125 / np.std([1.0, -0.5, 0.0, 0.0], ddof=1))
    assert test.low < test.difference < test.high


def test_effect_without_spread() -> None:
    """No difference has no effect, and one that is the same for all queries an infinite one."""
    scores = np.array([0.5, 0.25])
    assert compare_paired(scores, scores, np.arange(2), PARAMS).effect_size == 0.0
    assert compare_paired(scores, scores + 0.25, np.arange(2), PARAMS).effect_size == np.inf


def test_holm_by_hand() -> None:
    """The smallest of four times 4, the next times 3, and none below the one before it."""
    assert adjust_holm([0.04, 0.01, 0.03, 0.005]).tolist() == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert adjust_holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert adjust_holm([]).tolist() == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_the_order(p_values: list[float]) -> None:
    """Corrected values are no smaller, at most 1, and in the same order."""
    adjusted = adjust_holm(p_values)
    assert (adjusted >= np.array(p_values) - 1e-12).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= 0).all()


@pytest.mark.parametrize(
    ("test", "language", "metric", "sentence"),
    [
        (
            paired(0.041, 0.026, 0.057, 0.0001),
            "pt",
            "recall@5",
            "In Portuguese b finds 4.1 [2.6, 5.7] more of 100 codes in the first five than a (p < .001).",
        ),
        (
            paired(-0.02, -0.05, 0.01, 0.2),
            "all",
            "recall@1",
            "Over all languages a finds 2.0 [-1.0, 5.0] more of 100 codes in the first place than b, "
            "which may be chance (p = .200).",
        ),
        (
            paired(0.0301, 0.01, 0.05, 0.04),
            "es",
            "mrr",
            "In Spanish the MRR of b is 0.030 [0.010, 0.050] above that of a (p = .040).",
        ),
        (
            paired(0.1, np.nan, np.nan, 1.0),
            "fr",
            "recall@20",
            "In French b finds 10.0 more of 100 codes in the first 20 than a, which may be chance "
            "(p = 1.000).",
        ),
    ],
)
def test_sentences(test: PairedTest, language: str, metric: str, sentence: str) -> None:
    """A comparison in plain words: which is higher, by how much, how sure."""
    assert describe_difference(test, language, metric, "a", "b") == sentence


def test_sentence_with_a_corrected_p_value() -> None:
    """The corrected p-value decides whether the difference may be chance."""
    test = paired(0.04, 0.01, 0.07, 0.01)
    assert "which may be chance (corrected p = .080)" in describe_difference(
        test, "en", "recall@5", "a", "b", corrected=0.08
    )
