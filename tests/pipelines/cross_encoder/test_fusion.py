"""The choice of depth and weight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from codisearch.pipelines.cross_encoder.fusion import choose_fusion
from codisearch.pipelines.cross_encoder.params import FusionGrid
from codisearch.retrieval.ranking import Rankings
from codisearch.retrieval.reranker import Fusion

LANGUAGES = ["es", "es", "es", "en"]


def rankings_of(queries: int, depth: int, step: float = 0.1) -> Rankings:
    """Return rankings of the codes 0, 1, 2 ... with scores that fall by `step`."""
    codes = np.tile(np.arange(depth), (queries, 1))
    scores = np.tile(1.0 - step * np.arange(depth), (queries, 1)).astype(np.float32)
    return Rankings(codes, scores, codes)


# In the three Spanish queries the second code is right and the cross-encoder prefers it, in the first by
# much; in the English one the first is right and the cross-encoder prefers the second.
RELEVANT = [frozenset({1}), frozenset({1}), frozenset({1}), frozenset({0})]
LIKED = np.array([[0.1, 0.9], [0.4, 0.6], [0.4, 0.6], [0.2, 0.8]], dtype=np.float32)


def test_better_overall_but_a_language_falls() -> None:
    """Weight 1 has the higher MRR overall but takes from English, so weight 0.15 is chosen.

    With 0.15 the first query alone is turned round (1 - 0.15 x 0.8 < 0.9), and MRR is
    (1 + 1/2 + 1/2 + 1) / 4 = 0.75.
    With 1 all are: (1 + 1 + 1 + 1/2) / 4 = 0.875, English 1/2. Without: (3/2 + 1) / 4 = 0.625.
    """
    grid = FusionGrid(depths=(2,), weights=(0.15, 1.0))
    choice = choose_fusion(rankings_of(4, 2), LIKED, RELEVANT, LANGUAGES, grid)
    assert choice.fusion == Fusion(depth=2, weight=0.15)
    table = choice.table.set_index(["weight", "language"])
    assert table.loc[(0.0, "all"), "mrr"] == pytest.approx(0.625)
    assert table.loc[(0.15, "all"), "mrr"] == pytest.approx(0.75)
    assert table.loc[(1.0, "all"), "mrr"] == pytest.approx(0.875)
    assert table.loc[(1.0, "en"), "mrr_change"] == pytest.approx(-0.5)
    assert table.loc[(1.0, "es"), "mrr_change"] == pytest.approx(0.5)
    assert table["allowed"].groupby("weight").first().to_dict() == {0.0: True, 0.15: True, 1.0: False}
    assert table["chosen"].groupby("weight").first().to_dict() == {0.0: False, 0.15: True, 1.0: False}
    assert (table["recall@5"] == 1.0).all()


def test_tolerance() -> None:
    """A loss within the tolerance is allowed."""
    grid = FusionGrid(depths=(2,), weights=(0.15, 1.0), tolerance=0.5)
    choice = choose_fusion(rankings_of(4, 2), LIKED, RELEVANT, LANGUAGES, grid)
    assert choice.fusion == Fusion(depth=2, weight=1.0)


def test_first_stage_alone() -> None:
    """Where every weight takes from a language, the first stage stays alone."""
    grid = FusionGrid(depths=(2,), weights=(1.0,))
    choice = choose_fusion(rankings_of(4, 2), LIKED, RELEVANT, LANGUAGES, grid)
    assert choice.fusion == Fusion(depth=0, weight=0.0)


def test_equals_go_to_the_smallest_depth() -> None:
    """Of settings with the same MRR the smallest depth is chosen, then the smallest weight."""
    liked = np.tile(np.array([0.1, 0.9, 0.0, 0.0], dtype=np.float32), (3, 1))
    relevant = [frozenset({1})] * 3
    grid = FusionGrid(depths=(4, 3, 2), weights=(0.8, 0.4))
    choice = choose_fusion(rankings_of(3, 4), liked, relevant, ["es", "en", "ca"], grid)
    assert choice.fusion == Fusion(depth=2, weight=0.4)
    assert (choice.table.loc[choice.table["weight"] > 0, "mrr"] == 1.0).all()


def test_no_gain() -> None:
    """A second stage that changes nothing is not used."""
    liked = np.full((2, 3), 1 / 3, dtype=np.float32)
    grid = FusionGrid(depths=(3,), weights=(0.5,))
    choice = choose_fusion(rankings_of(2, 3), liked, [frozenset({1})] * 2, ["es", "en"], grid)
    assert choice.fusion.depth == 0


def test_recall_counts_too() -> None:
    """A setting that lifts MRR is refused if a right code falls out of the first five."""
    # In the first query the right code rises from rank 2 to 1, in the second it falls from 5 to 6.
    liked = np.array([[0, 1, 0, 0, 0, 0], [0.2, 0.2, 0.2, 0.2, 0, 0.2]], dtype=np.float32)
    relevant = [frozenset({1}), frozenset({4})]
    grid = FusionGrid(depths=(6,), weights=(0.6,))
    choice = choose_fusion(rankings_of(2, 6), liked, relevant, ["es", "es"], grid)
    row = choice.table.set_index(["weight", "language"]).loc[(0.6, "es")]
    assert row["mrr_change"] == pytest.approx((1 - 1 / 2 + 1 / 6 - 1 / 5) / 2)
    assert row["recall@5_change"] == pytest.approx(-0.5)
    assert choice.fusion.depth == 0


@settings(max_examples=25)
@given(
    liked=arrays(np.float32, (6, 5), elements=st.floats(0.0, 1.0, width=16)),
    right=st.lists(st.integers(0, 6), min_size=6, max_size=6),
)
def test_no_language_gets_worse(liked: np.ndarray, right: list[int]) -> None:
    """Whatever the cross-encoder thinks, the chosen setting takes from no language."""
    languages = ["es", "es", "en", "en", "ca", "ca"]
    grid = FusionGrid(depths=(2, 5), weights=(0.1, 0.5))
    relevant = [frozenset({code}) for code in right]
    choice = choose_fusion(rankings_of(6, 6), liked, relevant, languages, grid)
    chosen = choice.table[choice.table["chosen"]]
    assert set(chosen["language"]) == {"all", "ca", "en", "es"}
    assert (chosen[["mrr_change", "recall@5_change"]] >= -1e-9).all(axis=None)
