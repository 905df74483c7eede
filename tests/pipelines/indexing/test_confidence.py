"""How the probabilities of answers are fitted."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from codisearch.pipelines.indexing.confidence import choose_thresholds, fit_logit
from codisearch.pipelines.indexing.params import ConfidenceParams
from codisearch.retrieval.confidence import NEVER, ConditionalLogit, LanguageScale, Threshold
from codisearch.retrieval.evidence import FEATURES, QUERY_FEATURES, Evidence

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

WEIGHTS = (1.5, -1.0, 0.8, 0.0)
NONE_WEIGHTS = (0.0, 1.0, 0.0, 0.0, -0.6, 0.0)
TRUTH = ConditionalLogit(weights=WEIGHTS, none_weights=NONE_WEIGHTS, none_intercept=1.0)
PARAMS = ConfidenceParams(penalty=0.0005, language_penalty=0.0005, folds=2)


def simulate(
    queries: int, seed: int, truth: ConditionalLogit = TRUTH, languages: list[str] | None = None
) -> tuple[Evidence, Flags]:
    """Return evidence by chance, and what a chooser with the true weights finds right."""
    chance = np.random.default_rng(seed)
    evidence = Evidence(
        chance.normal(size=(queries, 6, len(FEATURES))),
        chance.normal(size=(queries, len(QUERY_FEATURES))),
        np.ones((queries, 6), dtype=np.bool_),
    )
    shares = truth.probabilities(evidence, languages or ["en"] * queries)
    ends = np.cumsum(shares, axis=1)
    drawn = chance.random((queries, 1))
    return evidence, (drawn < ends) & (drawn >= ends - shares)


def fit(evidence: Evidence, right: Flags, languages: list[str] | None = None) -> ConditionalLogit:
    """Return a model of queries that all count alike, in two folds."""
    count = len(right)
    folds = [number % 2 for number in range(count)]
    return fit_logit(evidence, right, languages or ["en"] * count, folds, np.ones(count), PARAMS)


def calibration_error(probability: Floats, right: Flags) -> float:
    """Return the expected calibration error in ten bins of equal size."""
    order = np.argsort(probability)
    bins = zip(np.array_split(probability[order], 10), np.array_split(right[order], 10), strict=True)
    return float(np.mean([abs(said.mean() - was.mean()) for said, was in bins]))


def first_of(model: ConditionalLogit, evidence: Evidence, right: Flags) -> tuple[Floats, Flags]:
    """Return the probability of each query's likeliest candidate, and whether it was right."""
    chances = model.probabilities(evidence, ["en"] * len(right))
    rows, best = np.arange(len(right)), chances.argmax(axis=1)
    return chances[rows, best], right[rows, best]


@pytest.fixture(scope="module")
def model() -> ConditionalLogit:
    """Return a model of 2,000 simulated queries."""
    return fit(*simulate(2_000, seed=0))


def test_weights_are_recovered(model: ConditionalLogit) -> None:
    """The fit finds the weights that the choices were made with, up to the chance of 2,000 choices."""
    english = model.languages["en"]
    np.testing.assert_allclose(np.array(model.weights) * english.scale, WEIGHTS, atol=0.2)
    np.testing.assert_allclose(np.array(model.none_weights) * english.scale, NONE_WEIGHTS, atol=0.2)
    assert model.none_intercept * english.scale + english.offset == pytest.approx(1.0, abs=0.2)
    assert set(model.languages) == {"en"}


def test_probabilities_are_calibrated(model: ConditionalLogit) -> None:
    """On queries it never saw, what it says comes true; with weights twice or half as large it does not."""
    fresh, right = simulate(4_000, seed=1)
    assert calibration_error(*first_of(model, fresh, right)) < 0.03
    for factor in (0.5, 2.0):
        broken = model.model_copy(update={"weights": tuple(factor * one for one in model.weights)})
        assert calibration_error(*first_of(broken, fresh, right)) > 0.06


@pytest.mark.parametrize("precision", [0.6, 0.7, 0.8, 0.9])
def test_thresholds_keep_their_promise(model: ConditionalLogit, precision: float) -> None:
    """Of fresh queries that are answered from a threshold on, about the promised share is right."""
    probability, right = first_of(model, *simulate(8_000, seed=2))
    answered = probability >= model.threshold(precision)
    assert right[answered].mean() == pytest.approx(precision, abs=0.04)
    (promised,) = (one for one in model.thresholds if one.precision == precision)
    assert answered.mean() == pytest.approx(promised.coverage, abs=0.05)


def test_languages_have_scales_of_their_own() -> None:
    """Where choices in one language are twice as sharp, and none likelier in another, the fit says so."""
    languages = ["en", "es", "fr"] * 1_000
    truth = TRUTH.model_copy(
        update={"languages": {"es": LanguageScale(scale=2.0), "fr": LanguageScale(offset=1.5)}}
    )
    found = fit(*simulate(3_000, 3, truth, languages), languages).languages
    assert found["es"].scale / found["en"].scale == pytest.approx(2.0, rel=0.2)
    assert found["fr"].scale / found["en"].scale == pytest.approx(1.0, rel=0.2)
    assert found["fr"].offset - found["en"].offset == pytest.approx(1.5, abs=0.35)
    assert set(found) == {"en", "es", "fr"}


def test_unit_and_zero_of_the_evidence_do_not_matter() -> None:
    """Evidence in other units, counted from another zero, gives the same probabilities."""
    evidence, right = simulate(400, seed=4)
    other = Evidence(
        evidence.candidates * [100, 1, 0.01, 3] + [7, -50, 0, 2],
        evidence.queries * [1, 10, 1, 1, 0.1, 1] + [0, 3, 9, 0, -4, 1],
        evidence.filled,
    )
    languages = ["en"] * 400
    one = fit(evidence, right).probabilities(evidence, languages)
    two = fit(other, right).probabilities(other, languages)
    np.testing.assert_allclose(two, one, atol=2e-3)


def test_evidence_that_never_varies() -> None:
    """A feature that is the same everywhere gets no weight, and the fit is finite."""
    evidence, right = simulate(300, seed=5)
    candidates = evidence.candidates.copy()
    candidates[:, :, 3] = 4.0
    found = fit(Evidence(candidates, evidence.queries, evidence.filled), right)
    assert found.weights[3] == pytest.approx(0, abs=1e-6)
    assert np.isfinite([*found.weights, *found.none_weights, found.none_intercept]).all()


def test_thresholds_are_read_off_other_folds() -> None:
    """Each half gets its probabilities from a model of the other half, and thresholds are read off these."""
    evidence, right = simulate(120, seed=6)
    languages, weights, is_odd = ["en"] * 120, np.ones(120), np.arange(120) % 2 == 1
    params = ConfidenceParams(penalty=0, least_answers=5)
    found = fit_logit(evidence, right, languages, is_odd.tolist(), weights, params)
    chances = np.zeros(right.shape)
    for half in (is_odd, ~is_odd):
        rows = Evidence(*(part[half] for part in (evidence.candidates, evidence.queries, evidence.filled)))
        one_fold = fit_logit(rows, right[half], languages[:60], [0] * 60, weights[half], params)
        chances[~half] = one_fold.probabilities(evidence, languages)[~half]
    best = chances.argmax(axis=1)
    outside = choose_thresholds(chances[range(120), best], right[range(120), best], weights, 5)
    assert found.thresholds == outside
    assert found.thresholds != choose_thresholds(*first_of(found, evidence, right), weights, 5)


def test_weights_of_queries() -> None:
    """A query that counts three times is as good as three queries, and the mean weight does not matter."""
    evidence, right = simulate(200, seed=7)
    times = np.where(np.arange(200) < 100, 3, 1)
    rows = np.repeat(np.arange(200), times)
    repeated = Evidence(evidence.candidates[rows], evidence.queries[rows], evidence.filled[rows])
    folds = np.arange(200) % 2
    weighted = fit_logit(evidence, right, ["en"] * 200, folds.tolist(), times * 10.0, PARAMS)
    expanded = fit_logit(
        repeated, right[rows], ["en"] * len(rows), folds[rows].tolist(), np.ones(len(rows)), PARAMS
    )
    np.testing.assert_allclose(
        weighted.probabilities(evidence, ["en"] * 200),
        expanded.probabilities(evidence, ["en"] * 200),
        atol=5e-3,
    )


CHANCES = np.array([0.8, 0.6, 0.9, 0.7, 0.6, 0.8])
RIGHT = np.array([True, False, True, True, False, False])


def by_precision(thresholds: tuple[Threshold, ...]) -> dict[float, tuple[float, float]]:
    """Return probability and coverage by precision."""
    return {one.precision: (one.probability, round(one.coverage, 4)) for one in thresholds}


def test_thresholds_by_hand() -> None:
    """From .9 on 1 of 1 is right, from .8 2 of 3, from .7 3 of 4, from .6 3 of 6; ties go together."""
    found = by_precision(choose_thresholds(CHANCES, RIGHT, np.ones(6), least_answers=1))
    assert list(found) == [round(0.5 + 0.01 * step, 2) for step in range(50)]
    assert found[0.5] == (0.6, 1.0)
    assert {found[precision] for precision in (0.51, 0.66, 0.67, 0.75)} == {(0.7, 0.6667)}
    assert {found[precision] for precision in (0.76, 0.9, 0.99)} == {(0.9, 0.1667)}


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        (2, {0.5: (0.6, 1.0), 0.75: (0.7, 0.6667), 0.76: (NEVER, 0.0)}),
        (5, {0.5: (0.6, 1.0), 0.51: (NEVER, 0.0)}),
        (7, {0.5: (NEVER, 0.0)}),
    ],
)
def test_too_few_answers(least: int, expected: dict[float, tuple[float, float]]) -> None:
    """A precision that only fewer answers than are asked for reach is out of reach."""
    found = by_precision(choose_thresholds(CHANCES, RIGHT, np.ones(6), least))
    assert {precision: found[precision] for precision in expected} == expected


def test_weighted_thresholds_by_hand() -> None:
    """The right one of .7 counts twice: from .7 on 4 of 5 are right, from .6 on 4 of 7."""
    weights = np.where(CHANCES == 0.7, 2.0, 1.0)
    found = by_precision(choose_thresholds(CHANCES, RIGHT, weights, least_answers=1))
    assert (found[0.57], found[0.58]) == ((0.6, 1.0), (0.7, round(5 / 7, 4)))
    assert (found[0.8], found[0.81]) == ((0.7, round(5 / 7, 4)), (0.9, round(1 / 7, 4)))


def test_thresholds_of_no_queries() -> None:
    """Without queries nothing is in reach."""
    none = np.zeros(0)
    found = choose_thresholds(none, none.astype(np.bool_), none, least_answers=1)
    assert {one.probability for one in found} == {NEVER}


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.3001, 0.5, 0.9, 1.0]), st.booleans(), st.integers(1, 4)),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 8),
)
def test_thresholds_are_the_lowest_that_keep_the_promise(
    drawn: list[tuple[float, bool, int]], least: int
) -> None:
    """Of all probabilities that occur, a threshold is the least from which on enough answers are right."""
    probability, right, weights = (np.array(column) for column in zip(*drawn, strict=True))
    found = choose_thresholds(probability, right, weights.astype(np.float64), least)
    for one in found:
        kept = []
        for cut in sorted(set(probability.tolist())):
            answered = probability >= cut
            share = (weights * right)[answered].sum() / weights[answered].sum()
            if answered.sum() >= least and share >= one.precision:
                kept.append((cut, weights[answered].sum() / weights.sum()))
        assert (one.probability, one.coverage) == pytest.approx(min(kept, default=(NEVER, 0.0)))
    assert all(one.probability <= two.probability for one, two in pairwise(found))


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": 0.4},
        {"precision": 1.0},
        {"folds": 1},
        {"penalty": -1},
        {"unseen_share": 1.0},
        {"bins": 3},
    ],
)
def test_parameters_that_do_not_fit(changes: dict[str, float]) -> None:
    """A precision that cannot be asked for, a single fold, and unknown keys are refused."""
    with pytest.raises(ValidationError):
        ConfidenceParams.model_validate(changes)
