"""Probabilities of candidates, and thresholds."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError

from codisearch.errors import InputError
from codisearch.retrieval.confidence import (
    NEVER,
    ConditionalLogit,
    Confidence,
    LanguageScale,
    Threshold,
)
from codisearch.retrieval.evidence import FEATURES, QUERY_FEATURES, Evidence

UNITS = st.floats(-3, 3)


def evidence_of(utilities: list[list[float]], filled: list[list[bool]] | None = None) -> Evidence:
    """Return evidence whose first feature is the utility itself, under the model below."""
    score = np.array(utilities, dtype=np.float64)
    candidates = np.zeros((*score.shape, len(FEATURES)))
    candidates[:, :, 0] = score
    is_filled = np.ones(score.shape, dtype=bool) if filled is None else np.array(filled)
    return Evidence(candidates, np.zeros((len(score), len(QUERY_FEATURES))), is_filled)


def logit(**changes: object) -> ConditionalLogit:
    """Return a model in which the first feature is the utility, and "none" has that of ln 5."""
    plain = {
        "weights": (1.0, 0.0, 0.0, 0.0),
        "none_weights": (0.0,) * len(QUERY_FEATURES),
        "none_intercept": log(5),
    }
    return ConditionalLogit.model_validate(plain | changes)


TWO = evidence_of([[log(2), log(3)]])


def test_two_candidates() -> None:
    """Utilities ln 2, ln 3 and ln 5 for none are 2, 3 and 5 parts of ten."""
    np.testing.assert_allclose(logit().probabilities(TWO, [None]), [[0.2, 0.3]])


def test_every_weight_counts() -> None:
    """The utilities are 2 * .5 + 1 * 1 - 1 * 1 = 1, then 0, and .5 * 3 - .5 * 4 = -.5 for none."""
    candidates = np.array([[[0.5, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 7.0]]])
    queries = np.array([[3.0, 0.0, 0.0, 0.0, 0.0, 4.0]])
    model = logit(weights=(2.0, 1.0, -1.0, 0.0), none_weights=(0.5, 9, 9, 9, 9, -0.5), none_intercept=0.0)
    total = exp(1) + 1 + exp(-0.5)
    found = model.probabilities(Evidence(candidates, queries, np.array([[True, True]])), [None])
    np.testing.assert_allclose(found, [[exp(1) / total, 1 / total]])


def test_places_without_a_candidate() -> None:
    """They have no probability, and the others share what is left: 2 parts of seven; none at all is 0."""
    found = logit().probabilities(
        evidence_of([[log(2), log(3)], [log(3), 0.0]], [[True, False], [False, False]]), [None, None]
    )
    np.testing.assert_allclose(found, [[2 / 7, 0], [0, 0]])


def test_languages() -> None:
    """A scale of 2 squares the parts: 4, 9, 25; an offset of ln 2 then doubles none, unscaled itself."""
    scales = {"es": {"scale": 2}, "fr": {"offset": log(2)}, "ca": {"scale": 2, "offset": log(2)}}
    model = logit(languages=scales)
    rows = Evidence(*(np.repeat(part, 5, axis=0) for part in (TWO.candidates, TWO.queries, TWO.filled)))
    found = model.probabilities(rows, ["es", "fr", "ca", "en", None])
    expected = [[4 / 38, 9 / 38], [2 / 15, 3 / 15], [4 / 63, 9 / 63], [0.2, 0.3], [0.2, 0.3]]
    np.testing.assert_allclose(found, expected)


def test_no_queries() -> None:
    """No queries have no probabilities."""
    none = Evidence(
        np.zeros((0, 2, len(FEATURES))), np.zeros((0, len(QUERY_FEATURES))), np.zeros((0, 2), bool)
    )
    assert logit().probabilities(none, []).shape == (0, 2)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Evidence, ConditionalLogit]:
    """Draw evidence of up to four queries, and a model with a scale for Spanish."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(1, 6)))
    candidates = draw(arrays.arrays(np.float64, (*shape, len(FEATURES)), elements=UNITS))
    queries = draw(arrays.arrays(np.float64, (shape[0], len(QUERY_FEATURES)), elements=UNITS))
    filled = draw(arrays.arrays(np.bool_, shape))
    weights = draw(st.lists(UNITS, min_size=len(FEATURES), max_size=len(FEATURES)))
    others = draw(st.lists(UNITS, min_size=len(QUERY_FEATURES), max_size=len(QUERY_FEATURES)))
    spanish = LanguageScale(scale=draw(st.floats(0.25, 4)), offset=draw(UNITS))
    model = logit(
        weights=tuple(weights),
        none_weights=tuple(others),
        none_intercept=draw(UNITS),
        languages={"es": spanish},
    )
    return Evidence(candidates, queries, filled), model


@given(problems())
def test_probabilities(problem: tuple[Evidence, ConditionalLogit]) -> None:
    """Each is between 0 and 1, together they are at most 1, and what is not there has none."""
    evidence, model = problem
    for language in (None, "es"):
        found = model.probabilities(evidence, [language] * len(evidence.filled))
        assert (found >= 0).all()
        assert (found.sum(axis=1) <= 1 + 1e-12).all()
        assert (found[~evidence.filled] == 0).all()


@given(problems())
def test_a_language_changes_no_order(problem: tuple[Evidence, ConditionalLogit]) -> None:
    """A candidate that is clearly likelier than another is so under every scale and offset."""
    evidence, model = problem
    plain = model.probabilities(evidence, [None] * len(evidence.filled))
    scaled = model.probabilities(evidence, ["es"] * len(evidence.filled))
    is_likelier = plain[:, :, None] > plain[:, None, :] * (1 + 1e-6)
    assert (scaled[:, :, None] >= scaled[:, None, :])[is_likelier].all()


THRESHOLDS = tuple(
    Threshold(precision=precision, probability=probability, coverage=0.5)
    for precision, probability in ((0.5, 0.1), (0.7, 0.4), (0.8, 0.6), (0.9, NEVER))
)


@pytest.mark.parametrize(
    ("precision", "least"),
    [(0.5, 0.1), (0.51, 0.4), (0.7, 0.4), (0.7 + 1e-12, 0.4), (0.75, 0.6), (0.8, 0.6), (0.85, 2), (0.99, 2)],
)
def test_threshold(precision: float, least: float) -> None:
    """The threshold is that of the next precision that is known; beyond the last nothing is sure enough."""
    assert logit(thresholds=THRESHOLDS).threshold(precision) == least


def test_without_thresholds_nothing_is_known() -> None:
    """A model that was given no thresholds promises nothing."""
    assert logit().threshold(0.5) == NEVER > 1


@pytest.mark.parametrize("precision", [0.49, 1.0, float("nan")])
def test_precision_that_is_not_allowed(precision: float) -> None:
    """There is no threshold for a precision that cannot be asked for."""
    with pytest.raises(InputError, match=r"must be between 0\.5 and 0\.99"):
        logit(thresholds=THRESHOLDS).threshold(precision)


def test_both_ways_to_search() -> None:
    """Each way has a model of its own; where no precision is asked for, that of all holds."""
    first = logit(thresholds=[Threshold(precision=0.99, probability=0.9, coverage=0.1)])
    both = Confidence(two_stage=logit(thresholds=THRESHOLDS), first_stage=first, precision=0.7)
    assert both.model(rerank=False) is both.first_stage
    assert both.model() is both.model(rerank=True) is both.two_stage
    assert (both.threshold(), both.threshold(0.8)) == (0.4, 0.6)
    assert both.threshold(rerank=False) == both.threshold(0.8, rerank=False) == 0.9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": ("score", "length", "is_billable", "log_liked")}, "fitted on other evidence"),
        ({"query_features": QUERY_FEATURES[:-1]}, "fitted on other evidence"),
        ({"features": FEATURES[::-1]}, "fitted on other evidence"),
        ({"weights": (1.0,)}, "does not have a weight for each"),
        ({"none_weights": (1.0,) * 7}, "does not have a weight for each"),
        ({"kind": "logit"}, "Extra inputs are not permitted"),
    ],
)
def test_model_that_does_not_fit(changes: dict[str, object], message: str) -> None:
    """A model of other evidence than is read here is refused, and so are unknown keys."""
    with pytest.raises(ValidationError, match=message):
        logit(**changes)


def test_round_trip() -> None:
    """Written as JSON and read back, a model is the same to the last digit."""
    model = logit(
        weights=(1 / 3, -2e-17, 0.1, 1e9),
        languages={"ca": LanguageScale(scale=1 / 7, offset=-0.3)},
        thresholds=THRESHOLDS,
    )
    both = Confidence(two_stage=model, first_stage=logit())
    assert Confidence.model_validate_json(both.model_dump_json()) == both
