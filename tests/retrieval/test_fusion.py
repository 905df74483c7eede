"""Fusions of rankings, worked out by hand and by their properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.retrieval.fusion import reciprocal_rank, rescore_head, weighted
from codisearch.retrieval.ranking import NO_CODE, Rankings

INF = np.inf


def ranked(*rows: list[tuple[int, float]], width: int = 3) -> Rankings:
    """Return rankings of rows of (code, score); the alias is the code and a 0 behind it."""
    found = Rankings.empty(len(rows), width)
    for number, row in enumerate(rows):
        for place, (code, score) in enumerate(row):
            found.codes[number, place], found.scores[number, place] = code, score
            found.aliases[number, place] = 10 * code
    return found


def shifted(rankings: Rankings, by: int) -> Rankings:
    """Return the same rankings with other aliases."""
    return Rankings(
        rankings.codes, rankings.scores, np.where(rankings.aliases < 0, -1, rankings.aliases + by)
    )


def test_reciprocal_rank() -> None:
    """With k = 1: code 5 gets 1/2 + 1/3, code 7 gets 1/3 + 1/2, code 4 and code 9 each 1/4."""
    first = ranked([(5, 9.0), (7, 8.0), (4, 7.0)])
    second = shifted(ranked([(7, 0.3), (5, 0.2), (9, 0.1)]), 1)
    found = reciprocal_rank([first, second], [1, 1], k=1, depth=4)
    assert found.codes.tolist() == [[5, 7, 4, 9]]
    np.testing.assert_allclose(found.scores, [[5 / 6, 5 / 6, 1 / 4, 1 / 4]])
    assert found.aliases.tolist() == [[50, 71, 40, 91]]


def test_reciprocal_rank_with_weights() -> None:
    """With k = 60 and weights 2 and 1: 2/61 for code 5, 2/62 + 1/61 for code 7, cut at depth 1."""
    found = reciprocal_rank([ranked([(5, 1.0), (7, 1.0)]), ranked([(7, 1.0)])], [2, 1], depth=1)
    assert found.codes.tolist() == [[7]]
    np.testing.assert_allclose(found.scores, [[2 / 62 + 1 / 61]])


def test_weighted() -> None:
    """Scores 8, 6, 4 become 1, 0.5, 0 and 0.3, 0.1 become 1, 0; a code that is missing gets 0."""
    first = ranked([(5, 8.0), (7, 6.0), (4, 4.0)])
    second = shifted(ranked([(7, 0.3), (9, 0.1)]), 1)
    found = weighted([first, second], [0.3, 0.7], depth=5)
    assert found.codes.tolist() == [[7, 5, 4, 9, NO_CODE]]
    np.testing.assert_allclose(found.scores, [[0.15 + 0.7, 0.3, 0, 0, -INF]])
    assert found.aliases.tolist() == [[71, 50, 40, 91, -1]]


def test_equal_scores_count_in_full() -> None:
    """Where a ranking gives a single code, or the same score to all, each counts as its best."""
    found = weighted([ranked([(3, 0.2)], [(3, 5.0), (2, 5.0)])], [0.5], depth=2)
    assert found.codes.tolist() == [[3, NO_CODE], [2, 3]]
    np.testing.assert_allclose(found.scores, [[0.5, -INF], [0.5, 0.5]])


def test_a_query_that_one_ranking_does_not_answer() -> None:
    """It keeps the other's codes, and one that nobody answers stays empty."""
    first, second = ranked([], [(1, 1.0)], []), ranked([(2, 3.0), (1, 2.0)], [], [])
    for fuse in (reciprocal_rank, weighted):
        found = fuse([first, second], [1, 1], depth=2)
        assert found.codes.tolist() == [[2, 1], [1, NO_CODE], [NO_CODE, NO_CODE]]


@pytest.mark.parametrize("fuse", [reciprocal_rank, weighted])
def test_no_queries(fuse: object) -> None:
    """Without queries there are no rows, at the depth that was asked for."""
    assert fuse([Rankings.empty(0, 3)], [1], depth=5).codes.shape == (0, 5)


def test_rescore_head() -> None:
    """The head is in its new order, ties by code; the tail keeps its own, below every new score."""
    found = rescore_head(
        ranked([(5, 9.0), (7, 8.0), (4, 7.0)], [(3, 1.0)], width=4), np.array([[0.0, 0.9], [1.0, 0.0]])
    )
    assert found.codes.tolist() == [[7, 5, 4, NO_CODE], [3, NO_CODE, NO_CODE, NO_CODE]]
    np.testing.assert_allclose(found.scores, [[0.9, 0.0, -0.5, -INF], [1.0, -INF, -INF, -INF]], rtol=1e-6)
    assert found.aliases.tolist() == [[70, 50, 40, -1], [30, -1, -1, -1]]


WEIGHTS = st.sampled_from([0.1, 0.3, 0.7, 1.0])


@st.composite
def rankings(draw: st.DrawFn) -> Rankings:
    """Draw rankings of two queries, codes in order of score and code."""
    rows = []
    for _ in range(2):
        codes = draw(st.lists(st.integers(0, 6), unique=True, max_size=4))
        scores = [draw(st.integers(-8, 8)) / 4 for _ in codes]
        rows.append(sorted(zip(codes, scores, strict=True), key=lambda pair: (-pair[1], pair[0])))
    return ranked(*rows, width=4)


@pytest.mark.parametrize("fuse", [reciprocal_rank, weighted])
@given(
    st.lists(st.tuples(rankings(), st.sampled_from([0.1, 0.3, 0.7, 1.0])), min_size=1, max_size=4), st.data()
)
def test_order_of_components(fuse: object, parts: list[tuple[Rankings, float]], data: st.DataObject) -> None:
    """Whichever component comes first, codes, scores and aliases are the same to the last bit."""
    mixed = data.draw(st.permutations(parts))
    expected = fuse([one for one, _ in parts], [weight for _, weight in parts], depth=7)
    found = fuse([one for one, _ in mixed], [weight for _, weight in mixed], depth=7)
    for name in ("codes", "scores", "aliases"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("fuse", [reciprocal_rank, weighted])
@given(rankings(), st.integers(1, 5))
def test_one_component_keeps_its_order(fuse: object, one: Rankings, depth: int) -> None:
    """A single ranking comes out as it went in, cut or filled up to the depth."""
    found = fuse([one], [0.4], depth=depth)
    expected = np.pad(one.codes, ((0, 0), (0, 5)), constant_values=NO_CODE)[:, :depth]
    np.testing.assert_array_equal(found.codes, expected)


@pytest.mark.parametrize("fuse", [reciprocal_rank, weighted])
@given(st.lists(rankings(), min_size=2, max_size=3))
def test_first_in_all_is_first(fuse: object, parts: list[Rankings]) -> None:
    """A code that leads every ranking, ahead of all others, leads the fusion."""
    led = [
        ranked(*([(9, 3.0), *zip(row.tolist(), marks.tolist(), strict=True)] for row, marks in rows), width=5)
        for rows in (list(zip(one.codes, one.scores, strict=True)) for one in parts)
    ]
    assert fuse(led, [1.0] * len(led), depth=3).codes[:, 0].tolist() == [9, 9]
