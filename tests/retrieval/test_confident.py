"""Search as it is answered."""

from dataclasses import replace
from math import exp

import numpy as np
import pandas as pd
import pytest
from bundles import score_alone

from codisearch.retrieval import confident
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.confidence import ConditionalLogit, Confidence, LanguageScale
from codisearch.retrieval.confident import ConfidentRanker, answer_in_chunks
from codisearch.retrieval.evidence import CANDIDATES, FEATURES, EvidenceReader
from codisearch.retrieval.ranking import NO_CODE, Rankings
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.two_stage import StagedRankings, TwoStageRanker

QUERIES = ["high blood pressure", "dolor en el pecho", "diabetes", "asthma", "mal de gorge"]
UNKNOWN: list[str | None] = [None] * len(QUERIES)


def logit(**weights: float) -> ConditionalLogit:
    """Return a model with these weights of candidates, and utility 0 for none."""
    values = tuple(weights.get(name, 0.0) for name in FEATURES)
    return score_alone(0.0).model_copy(update={"weights": values})


def ranker_of(codes: int, model: ConditionalLogit, *, reads: bool = True) -> ConfidentRanker:
    """Return a ranker of which only weighing can be used; every second code can be billed."""
    stages = TwoStageRanker(None, None, None, Fusion(depth=5, weight=float(reads)))
    billable = pd.DataFrame({"billable": [number % 2 == 0 for number in range(codes)]})
    return ConfidentRanker(stages, Confidence(two_stage=model, first_stage=logit()), EvidenceReader(billable))


def staged(codes: list[int], scores: list[float]) -> StagedRankings:
    """Return the rankings of one query; each code has the alias of its own number."""
    ids = np.array([codes])
    places = np.arange(1, len(codes) + 1)[None]
    rankings = Rankings(ids, np.array([scores], dtype=np.float32), ids)
    return StagedRankings(rankings, places, places[:, ::-1], np.zeros(ids.shape, dtype=np.float32))


def test_evidence_decides_the_order() -> None:
    """With utilities of 1 for what can be billed, 0 for what cannot and 0 for none, leaves come first."""
    ranker = ranker_of(4, logit(is_billable=1.0))
    found = ranker.weigh(["asma"], staged([1, 2, 3, 0], [0.9, 0.8, 0.7, 0.6]), [None])
    total = 2 * exp(1) + 3
    assert found.rankings.codes.tolist() == found.rankings.aliases.tolist() == [[2, 0, 1, 3]]
    np.testing.assert_allclose(found.rankings.scores, [[0.8, 0.6, 0.9, 0.7]])
    expected = [[exp(1) / total, exp(1) / total, 1 / total, 1 / total]]
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    assert found.first_ranks.tolist() == [[2, 4, 1, 3]]
    assert found.second_ranks.tolist() == [[3, 1, 4, 2]]


def test_places_without_a_code_stay_last() -> None:
    """Where fewer codes are allowed than are asked for, free places have no probability and stand last."""
    ranker = ranker_of(4, logit(is_billable=1.0))
    found = ranker.weigh(["x"], staged([1, 2, NO_CODE], [0.9, 0.8, -np.inf]), [None])
    assert found.rankings.codes.tolist() == [[2, 1, NO_CODE]]
    assert found.probabilities[0, 2] == 0


def test_codes_beyond_the_candidates() -> None:
    """What stands beyond the fifty that are weighed keeps its place and has probability 0."""
    codes = list(range(60))
    ranker = ranker_of(60, logit(is_billable=1.0))
    found = ranker.weigh(["x"], staged(codes, [1 - 0.01 * code for code in codes]), [None])
    assert found.rankings.codes[0].tolist() == [*range(0, 50, 2), *range(1, 50, 2), *range(50, 60)]
    assert (found.probabilities[0, :CANDIDATES] > 0).all()
    assert found.probabilities[0, CANDIDATES:].tolist() == [0] * 10


@pytest.mark.parametrize(("rerank", "reads"), [(False, True), (True, False), (False, False)])
def test_without_the_second_stage(rerank: bool, reads: bool) -> None:
    """Where it is not asked, or would change nothing, the model of the first stage weighs."""
    ranker = ranker_of(2, logit(is_billable=1.0), reads=reads)
    found = ranker.weigh(["x"], staged([1, 0], [0.9, 0.8]), [None], rerank=rerank)
    assert found.rankings.codes.tolist() == [[1, 0]]
    np.testing.assert_allclose(found.probabilities, [[1 / 3, 1 / 3]], atol=1e-6)


@pytest.fixture(scope="module")
def ranker(tiny_bundle: Bundle) -> ConfidentRanker:
    """Return search over the tiny bundle, with a scale for Spanish."""
    model = logit(score=3.0, is_billable=0.5, log_liked=0.1)
    model = model.model_copy(update={"languages": {"es": LanguageScale(scale=0.5, offset=-1.0)}})
    found = tiny_bundle.search()
    return replace(found, confidence=Confidence(two_stage=model, first_stage=logit(score=3.0)))


def test_answer(ranker: ConfidentRanker) -> None:
    """The answer holds what both stages found, in the order of what the model makes of their evidence."""
    found = ranker.answer(QUERIES, UNKNOWN)
    staged_ = ranker.stages.rank_in_stages(QUERIES, ranker.stages.encode(QUERIES), 100)
    evidence = ranker.evidence.read(QUERIES, staged_)
    chances = ranker.confidence.two_stage.probabilities(evidence, UNKNOWN)
    for row in range(len(QUERIES)):
        expected = dict(zip(staged_.rankings.codes[row, :13].tolist(), chances[row, :13], strict=True))
        codes = found.rankings.codes[row].tolist()
        assert (sorted(codes[:13]), codes[13:]) == (list(range(13)), [NO_CODE] * 87)
        assert found.probabilities[row, :13] == pytest.approx(
            [expected[code] for code in codes[:13]], abs=1e-6
        )
        assert (np.diff(found.probabilities[row]) <= 0).all()
        assert found.probabilities[row].sum() < 1


def test_ranks_of_both_stages(ranker: ConfidentRanker) -> None:
    """Each code's places after the stages are those that the stages gave it; five were read."""
    found = ranker.answer(QUERIES, UNKNOWN)
    first = ranker.stages.first.rank(QUERIES, 13).codes
    for row in range(len(QUERIES)):
        codes = found.rankings.codes[row, :13]
        assert first[row, found.first_ranks[row, :13] - 1].tolist() == codes.tolist()
        read = found.second_ranks[row, :13]
        assert sorted(read[read > 0]) == [1, 2, 3, 4, 5]
        assert set(codes[read > 0]) == set(first[row, :5])


def test_a_language_changes_probabilities_and_no_order(ranker: ConfidentRanker) -> None:
    """Spanish has another scale and offset here, and the codes stand as without it."""
    plain = ranker.answer(QUERIES, UNKNOWN)
    spanish = ranker.answer(QUERIES, ["es"] * len(QUERIES))
    np.testing.assert_array_equal(spanish.rankings.codes, plain.rankings.codes)
    assert (spanish.probabilities[:, :13] != plain.probabilities[:, :13]).all()


def test_only_what_is_allowed(ranker: ConfidentRanker) -> None:
    """With a filter the codes that pass are weighed against each other and none."""
    allowed = np.arange(13) % 3 == 0
    found = ranker.answer(QUERIES, UNKNOWN, allowed=allowed)
    assert all(sorted(row[:5]) == [0, 3, 6, 9, 12] for row in found.rankings.codes.tolist())
    assert (found.rankings.codes[:, 5:] == NO_CODE).all()
    assert (found.probabilities[:, 5:] == 0).all()
    nothing = ranker.answer(QUERIES, UNKNOWN, allowed=np.zeros(13, dtype=np.bool_))
    assert (nothing.rankings.codes == NO_CODE).all()
    assert (nothing.probabilities == 0).all()


def test_depth(ranker: ConfidentRanker) -> None:
    """However few codes are asked for, as many as are weighed come, so that the order is the same."""
    few, many = (ranker.answer(QUERIES, UNKNOWN, depth=depth) for depth in (1, 80))
    assert (few.rankings.codes.shape, many.rankings.codes.shape) == ((5, CANDIDATES), (5, 80))
    np.testing.assert_array_equal(few.rankings.codes, many.rankings.codes[:, :CANDIDATES])
    np.testing.assert_array_equal(few.probabilities, many.probabilities[:, :CANDIDATES])


def test_answer_without_the_second_stage(ranker: ConfidentRanker) -> None:
    """The first stage alone leaves its own order, and nothing was read."""
    found = ranker.answer(QUERIES, UNKNOWN, rerank=False)
    np.testing.assert_array_equal(found.rankings.codes[:, :13], ranker.stages.first.rank(QUERIES, 13).codes)
    assert (found.second_ranks == 0).all()


def test_rerank(ranker: ConfidentRanker) -> None:
    """First-stage rankings come in the order of the answer, with scores that never rise."""
    first = ranker.stages.first.rank(QUERIES, 100)
    found = ranker.rerank(QUERIES, first)
    expected = ranker.answer(QUERIES, UNKNOWN)
    np.testing.assert_array_equal(found.codes, expected.rankings.codes)
    np.testing.assert_allclose(found.scores[:, :13], expected.probabilities[:, :13], atol=1e-6)
    assert np.isneginf(found.scores[:, 13:]).all()


def test_scores_fall_beyond_the_candidates(monkeypatch: pytest.MonkeyPatch, ranker: ConfidentRanker) -> None:
    """Codes that are not weighed score below those that are, and below each other."""
    monkeypatch.setattr(confident, "CANDIDATES", 6)
    monkeypatch.setattr("codisearch.retrieval.evidence.CANDIDATES", 6)
    scores = ranker.rerank(QUERIES, ranker.stages.first.rank(QUERIES, 13)).scores
    assert (scores[:, :6] > 0).all()
    assert (scores[:, 6:] < 0).all()
    assert (np.diff(scores[:, 6:]) < 0).all()


def test_chunks(monkeypatch: pytest.MonkeyPatch, ranker: ConfidentRanker) -> None:
    """Five queries, two at a time, each with its language, get what they get together."""
    languages = ["es", None, "en", "es", None]
    together = ranker.answer(QUERIES, languages, depth=60)
    monkeypatch.setattr(confident, "QUERIES_AT_ONCE", 2)
    found = answer_in_chunks(ranker, QUERIES, languages, depth=60)
    np.testing.assert_array_equal(found.rankings.codes, together.rankings.codes)
    np.testing.assert_array_equal(found.rankings.aliases, together.rankings.aliases)
    np.testing.assert_allclose(found.rankings.scores, together.rankings.scores, atol=1e-4)
    np.testing.assert_allclose(found.probabilities, together.probabilities, atol=1e-4)
    np.testing.assert_array_equal(found.first_ranks, together.first_ranks)
    np.testing.assert_array_equal(found.second_ranks, together.second_ranks)


def test_no_queries(ranker: ConfidentRanker) -> None:
    """No queries have an answer without rows."""
    found = answer_in_chunks(ranker, [], [])
    assert found.rankings.codes.shape == found.probabilities.shape == found.first_ranks.shape == (0, 100)
