"""Both stages as one system."""

from dataclasses import replace

import numpy as np
import pytest

from codisearch.retrieval import two_stage
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.ranking import Rankings
from codisearch.retrieval.reranker import Fusion, fuse, score_candidates
from codisearch.retrieval.two_stage import NOT_READ, TwoStageRanker

QUERIES = ["high blood pressure", "dolor en el pecho", "diabetes"]


@pytest.fixture
def ranker(tiny_bundle: Bundle) -> TwoStageRanker:
    """Return both stages of the tiny bundle, the second with a strong opinion."""
    return replace(tiny_bundle.two_stage(), fusion=Fusion(depth=5, weight=50.0))


def test_both_stages(ranker: TwoStageRanker) -> None:
    """The ranking is the first stage's, corrected by the cross-encoder over its first five codes."""
    found = ranker.rank(QUERIES, 8)
    first = ranker.first.rank(QUERIES, 8)
    liked = score_candidates(ranker.reranker, QUERIES, first.head(5), ranker.documents)
    np.testing.assert_array_equal(found.codes, fuse(first, liked, ranker.fusion).codes)
    assert (found.codes[:, :5] != first.codes[:, :5]).any()
    np.testing.assert_array_equal(np.sort(found.codes[:, :5], axis=1), np.sort(first.codes[:, :5], axis=1))
    np.testing.assert_array_equal(found.codes[:, 5:], first.codes[:, 5:])


def test_fewer_codes_than_are_reranked(ranker: TwoStageRanker) -> None:
    """The first code is the same whether one or eight are asked for: five are read either way."""
    np.testing.assert_array_equal(ranker.rank(QUERIES, 1).codes, ranker.rank(QUERIES, 8).codes[:, :1])


@pytest.mark.parametrize("fusion", [Fusion(depth=0, weight=1.0), Fusion(depth=5, weight=0.0)])
def test_without_a_second_stage(ranker: TwoStageRanker, fusion: Fusion) -> None:
    """Depth 0 and weight 0 leave the first stage as it is, and the cross-encoder is not asked."""
    alone = replace(ranker, fusion=fusion, reranker=None)
    found, first = alone.rank(QUERIES, 4), ranker.first.rank(QUERIES, 4)
    np.testing.assert_array_equal(found.codes, first.codes)
    np.testing.assert_array_equal(found.scores, first.scores)


def test_in_stages(ranker: TwoStageRanker) -> None:
    """The order is that of both stages, and each code tells its place in the first and in the second."""
    found = ranker.rank_in_stages(QUERIES, ranker.encode(QUERIES), 13)
    first = ranker.first.rank(QUERIES, 13)
    liked = score_candidates(ranker.reranker, QUERIES, first.head(5), ranker.documents)
    np.testing.assert_array_equal(found.rankings.codes, ranker.rank(QUERIES, 13).codes)
    behind = np.take_along_axis(first.codes, found.first_ranks - 1, 1)
    np.testing.assert_array_equal(behind, found.rankings.codes)
    for row in range(len(QUERIES)):
        likings = dict(zip(first.codes[row, :5].tolist(), liked[row].tolist(), strict=True))
        by_liking = [code for _, code in sorted((-liking, code) for code, liking in likings.items())]
        for column, code in enumerate(found.rankings.codes[row].tolist()):
            place = by_liking.index(code) + 1 if code in likings else NOT_READ
            assert found.second_ranks[row, column] == place
            assert found.liked[row, column] == pytest.approx(likings.get(code, 0.0), abs=1e-6)


def test_stages_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of four codes are read; the one most liked keeps its score, others lose half the difference.

    .9 - .5 * (.6 - .1) = .65, .8, .7 - .5 * (.6 - .3) = .55 and, for the code that is not read, .6 - .3 = .3.
    """
    liked = np.array([[0.1, 0.6, 0.3]], dtype=np.float32)
    monkeypatch.setattr(two_stage, "score_candidates", lambda *_, **__: liked)
    codes = np.array([[4, 2, 3, 0]])
    first = Rankings(codes, np.array([[0.9, 0.8, 0.7, 0.6]], dtype=np.float32), codes * 10)
    found = TwoStageRanker(None, None, None, Fusion(depth=3, weight=0.5)).rerank_in_stages(["x"], first)
    assert found.rankings.codes.tolist() == [[2, 4, 3, 0]]
    assert found.rankings.aliases.tolist() == [[20, 40, 30, 0]]
    np.testing.assert_allclose(found.rankings.scores, [[0.8, 0.65, 0.55, 0.3]], atol=1e-5)
    assert found.first_ranks.tolist() == [[2, 1, 3, 4]]
    assert found.second_ranks.tolist() == [[1, 3, 2, NOT_READ]]
    np.testing.assert_allclose(found.liked, [[0.6, 0.1, 0.3, 0.0]])


def test_rerank(ranker: TwoStageRanker) -> None:
    """First-stage rankings that are at hand are put in the order of both stages, or left as they are."""
    first = ranker.first.rank(QUERIES, 8)
    found, expected = ranker.rerank(QUERIES, first), ranker.rank(QUERIES, 8)
    np.testing.assert_array_equal(found.codes, expected.codes)
    np.testing.assert_array_equal(found.aliases, expected.aliases)
    assert replace(ranker, fusion=Fusion(depth=5, weight=0.0)).rerank(QUERIES, first) is first


@pytest.mark.parametrize("depth", [1, 5, 8])
def test_depth_does_not_change_the_order_in_stages(ranker: TwoStageRanker, depth: int) -> None:
    """At least as many codes come as are read, and the first are the same."""
    vectors = ranker.encode(QUERIES)
    found, everything = (ranker.rank_in_stages(QUERIES, vectors, wanted) for wanted in (depth, 13))
    assert found.rankings.codes.shape == (3, max(depth, 5))
    np.testing.assert_array_equal(found.rankings.codes, everything.rankings.codes[:, : max(depth, 5)])


def test_first_stage_in_stages(ranker: TwoStageRanker) -> None:
    """Where the second stage is not asked it reads nothing, and neither does one of weight 0."""
    vectors = ranker.encode(QUERIES)
    first = ranker.first.rank(QUERIES, 8)
    silent = replace(ranker, fusion=Fusion(depth=5, weight=0.0), reranker=None)
    for found in (
        replace(ranker, reranker=None).rank_in_stages(QUERIES, vectors, 8, rerank=False),
        silent.rank_in_stages(QUERIES, vectors, 8),
    ):
        np.testing.assert_array_equal(found.rankings.codes, first.codes)
        np.testing.assert_array_equal(found.rankings.scores, first.scores)
        assert found.first_ranks.tolist() == [list(range(1, 9))] * 3
        assert (found.second_ranks == NOT_READ).all()
        assert (found.liked == 0).all()


def test_allowed_in_stages(ranker: TwoStageRanker) -> None:
    """A filter stands before both stages: five of the allowed codes are read, and the others follow."""
    allowed = np.arange(13) % 2 == 0
    found = ranker.rank_in_stages(QUERIES, ranker.encode(QUERIES), 7, allowed=allowed)
    np.testing.assert_array_equal(np.sort(found.rankings.codes), [list(range(0, 13, 2))] * 3)
    assert ((found.second_ranks != NOT_READ).sum(axis=1) == 5).all()


@pytest.mark.parametrize(("depth", "weight", "reads"), [(5, 0.1, True), (5, 0.0, False), (0, 1.0, False)])
def test_whether_it_reads(ranker: TwoStageRanker, depth: int, weight: float, reads: bool) -> None:
    """A second stage that reaches nothing or weighs nothing does not read."""
    assert replace(ranker, fusion=Fusion(depth=depth, weight=weight)).reads is reads
