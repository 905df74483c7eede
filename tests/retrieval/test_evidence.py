"""What speaks for each candidate."""

from math import exp, log

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codisearch.retrieval.evidence import CANDIDATES, FEATURES, QUERY_FEATURES, Evidence, EvidenceReader
from codisearch.retrieval.ranking import NO_CODE, Rankings
from codisearch.retrieval.two_stage import StagedRankings

READER = EvidenceReader(pd.DataFrame({"billable": [True, False, True] + [True] * 97}))


def staged(codes: list[list[int]], scores: list[list[float]], liked: list[list[float]]) -> StagedRankings:
    """Return rankings of both stages, of which codes, scores and likings matter."""
    ids = np.array(codes, dtype=np.int64)
    rankings = Rankings(ids, np.array(scores, dtype=np.float32), ids)
    return StagedRankings(rankings, ids, ids, np.array(liked, dtype=np.float32))


def of_candidates(evidence: Evidence, name: str) -> npt.NDArray[np.float64]:
    """Return one feature of all candidates."""
    return evidence.candidates[:, :, FEATURES.index(name)]


def of_queries(evidence: Evidence, name: str) -> list[float]:
    """Return one feature of all queries."""
    return evidence.queries[:, QUERY_FEATURES.index(name)].tolist()


def test_three_candidates() -> None:
    """Scores .60, .54 and .48 over a temperature of .06 are 10, 9 and 8, whose softmax is taken by hand."""
    found = READER.read(
        ["dolor torácico, 2 días"],
        staged([[2, 1, 0]], [[0.60, 0.54, 0.48]], [[0.25, 0.75, 0.0]]),
    )
    first = -log(1 + exp(-1) + exp(-2))
    assert found.filled.tolist() == [[True, True, True]]
    np.testing.assert_allclose(of_candidates(found, "score"), [[0.60, 0.54, 0.48]], atol=1e-6)
    np.testing.assert_allclose(of_candidates(found, "log_share"), [[first, first - 1, first - 2]], atol=1e-5)
    assert of_candidates(found, "is_billable").tolist() == [[1, 0, 1]]
    likings = [[log(0.25001), log(0.75001), log(0.00001)]]
    np.testing.assert_allclose(of_candidates(found, "log_liked"), likings, atol=1e-6)
    assert of_queries(found, "score") == pytest.approx([0.60])
    assert of_queries(found, "lead") == pytest.approx([0.06])
    assert of_queries(found, "lead_over_tenth") == pytest.approx([0.12])  # there are but three: over the last
    assert of_queries(found, "log_words") == pytest.approx([log(5)])  # four words, and 1
    assert of_queries(found, "log_share") == pytest.approx([first], abs=1e-5)
    assert of_queries(found, "log_liked") == pytest.approx([log(0.25001)])


def test_lead_over_the_tenth() -> None:
    """The lead over the tenth is over the tenth, also where there are more."""
    scores = [0.9 - 0.01 * place for place in range(12)]
    found = READER.read(["asma"], staged([list(range(12))], [scores], [[0.0] * 12]))
    assert of_queries(found, "lead_over_tenth") == pytest.approx([0.09], abs=1e-6)


def test_places_without_a_code() -> None:
    """They count as .2 below the last candidate, have no share, and no part in the share of the others."""
    found = READER.read(
        ["asma", "gota"],
        staged(
            [[2, 1, NO_CODE], [0, NO_CODE, NO_CODE]],
            [[0.60, 0.54, -np.inf], [0.7, -np.inf, -np.inf]],
            [[0.5, 0.5, 0], [1, 0, 0]],
        ),
    )
    assert found.filled.tolist() == [[True, True, False], [True, False, False]]
    np.testing.assert_allclose(
        of_candidates(found, "score"), [[0.60, 0.54, 0.34], [0.7, 0.5, 0.5]], atol=1e-6
    )
    shares = np.exp(of_candidates(found, "log_share"))
    np.testing.assert_allclose(
        shares, [[1 / (1 + exp(-1)), 1 / (1 + exp(1)), 1e-5], [1, 1e-5, 1e-5]], atol=1e-5
    )
    assert of_queries(found, "lead") == pytest.approx([0.06, 0.2])
    assert of_queries(found, "lead_over_tenth") == pytest.approx([0.26, 0.2])


def test_least_share() -> None:
    """A score that is far behind has a share of one in a hundred thousand, no less."""
    found = READER.read(["asma"], staged([[0, 1]], [[1.0, -1.0]], [[1.0, 0.0]]))
    assert of_candidates(found, "log_share")[0, 1] == pytest.approx(log(1e-5))


def test_no_candidate_at_all() -> None:
    """A query for which nothing may be found has evidence that is finite, and no candidate."""
    found = READER.read(["asma"], staged([[NO_CODE, NO_CODE]], [[-np.inf, -np.inf]], [[0, 0]]))
    assert not found.filled.any()
    assert np.isfinite(found.candidates).all()
    assert np.isfinite(found.queries).all()


def test_no_query() -> None:
    """No queries have evidence without rows."""
    none = Rankings.empty(0, 60)
    found = READER.read([], StagedRankings(none, none.codes, none.codes, none.scores))
    assert found.candidates.shape == (0, CANDIDATES, len(FEATURES))
    assert found.queries.shape == (0, len(QUERY_FEATURES))


def test_only_the_first_are_weighed() -> None:
    """Of sixty codes fifty are weighed, and the shares of these add up to 1."""
    found = READER.read(["asma"], staged([list(range(60))], [[0.5] * 60], [[0.0] * 60]))
    assert found.filled.shape == (1, CANDIDATES)
    np.testing.assert_allclose(np.exp(of_candidates(found, "log_share")), 1 / CANDIDATES)


@given(st.data())
def test_evidence_is_finite(data: st.DataObject) -> None:
    """Whatever scores fall and wherever the list ends, no number is missing or without bound."""
    width, filled = data.draw(st.integers(1, 60)), data.draw(st.integers(0, 60))
    drawn = data.draw(arrays.arrays(np.float32, width, elements=st.floats(-5, 1, width=32)))
    places = np.arange(width)
    codes = np.where(places < filled, places, NO_CODE)
    scores = np.where(places < filled, -np.sort(-drawn), -np.inf)
    found = READER.read(["x"], staged([codes.tolist()], [scores.tolist()], [[0.0] * width]))
    assert np.isfinite(found.candidates).all()
    assert np.isfinite(found.queries).all()
    assert found.filled.sum() == min(width, filled, CANDIDATES)
    shares = np.exp(of_candidates(found, "log_share"))[found.filled]
    if filled:
        assert shares.sum() == pytest.approx(1, abs=1e-3)
        assert of_queries(found, "lead")[0] >= 0
