"""Both stages as one system."""

from dataclasses import replace

import numpy as np
import pytest

from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.reranker import Fusion, fuse, score_candidates
from codisearch.retrieval.two_stage import TwoStageRanker

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
