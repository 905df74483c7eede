"""Rankings, and how aliases become codes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.retrieval.ranking import (
    NO_CODE,
    Ids,
    Rankings,
    Scores,
    best_per_code,
    order_of,
    rank_codes,
    reorder,
    take,
)
from codisearch.schemas import RANKINGS

INF = np.inf


def ids(*rows: list[int]) -> Ids:
    """Return positions as an array."""
    return np.array(rows, dtype=np.int64)


def scores(*rows: list[float]) -> Scores:
    """Return scores as an array."""
    return np.array(rows, dtype=np.float32)


def test_best_per_code() -> None:
    """A code scores what its best alias scores, and remembers which one that was."""
    code_of_alias = np.array([0, 0, 1, 2])
    found = best_per_code(ids([0, 1, 2, 3]), scores([0.5, 0.7, 0.6, 0.1]), code_of_alias, 3)
    assert found.codes.tolist() == [[0, 1, 2]]
    assert found.aliases.tolist() == [[1, 2, 3]]
    np.testing.assert_array_equal(found.scores, scores([0.7, 0.6, 0.1]))


def test_ties_by_code_then_alias() -> None:
    """Equal scores stand in code order, and of a code's equal aliases the first is kept."""
    code_of_alias = np.array([1, 1, 0])
    found = best_per_code(ids([1, 2, 0]), scores([0.5, 0.5, 0.5]), code_of_alias, 2)
    assert found.codes.tolist() == [[0, 1]]
    assert found.aliases.tolist() == [[2, 0]]


def test_nothing_found() -> None:
    """An alias of -1 counts for nothing whatever its score, and places that stay free are marked."""
    code_of_alias = np.array([0, 1])
    found = best_per_code(ids([NO_CODE, 1], [NO_CODE, NO_CODE]), scores([9, 0.2], [9, 9]), code_of_alias, 2)
    assert found.codes.tolist() == [[1, NO_CODE], [NO_CODE, NO_CODE]]
    assert found.aliases.tolist() == [[1, NO_CODE], [NO_CODE, NO_CODE]]
    np.testing.assert_array_equal(found.scores, scores([0.2, -INF], [-INF, -INF]))


def naive(row: list[tuple[int, float]], code_of_alias: list[int], depth: int) -> list[tuple[int, float, int]]:
    """Return code, score and alias of one query, the slow way."""
    best: dict[int, tuple[float, int]] = {}
    for alias, score in row:
        if alias == NO_CODE:
            continue
        code = code_of_alias[alias]
        if code not in best or (-score, alias) < (-best[code][0], best[code][1]):
            best[code] = (score, alias)
    ranked = sorted((-score, code, alias) for code, (score, alias) in best.items())
    filled = [(code, -score, alias) for score, code, alias in ranked[:depth]]
    return filled + [(NO_CODE, -INF, NO_CODE)] * (depth - len(filled))


@given(st.data())
def test_best_per_code_is_the_naive_one(data: st.DataObject) -> None:
    """For any aliases and scores the result is that of a loop over them."""
    code_of_alias = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=9))
    depth = data.draw(st.integers(1, 6))
    score = st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0])
    width = data.draw(st.integers(1, len(code_of_alias)))
    row = st.permutations(range(len(code_of_alias))).flatmap(
        lambda order: st.tuples(
            *(st.tuples(st.sampled_from([alias, NO_CODE]), score) for alias in order[:width])
        )
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=3))
    found = best_per_code(
        ids(*([alias for alias, _ in row] for row in rows)),
        scores(*([score for _, score in row] for row in rows)),
        np.array(code_of_alias),
        depth,
    )
    for number, row in enumerate(rows):
        triples = zip(found.codes[number], found.scores[number], found.aliases[number], strict=True)
        assert list(triples) == naive(list(row), code_of_alias, depth)


def test_a_code_with_many_aliases_hides_no_other() -> None:
    """Where one code's aliases fill the whole list, that query alone is searched again, deeper."""
    code_of_alias = np.array([0] * 20 + [1, 2])
    asked: list[tuple[list[int], int]] = []

    def search(rows: Ids, wanted: int) -> tuple[Ids, Scores]:
        asked.append((rows.tolist(), wanted))
        orders = np.stack([np.arange(22), np.arange(22)[::-1]])[rows]
        return orders[:, :wanted], np.tile(np.linspace(1, 0, 22, dtype=np.float32), (len(rows), 1))[
            :, :wanted
        ]

    found = rank_codes(search, 2, code_of_alias, 2)
    assert asked == [([0, 1], 16), ([0], 22)]
    assert found.codes.tolist() == [[0, 1], [2, 1]]
    assert found.aliases.tolist() == [[0, 20], [21, 20]]


def test_the_search_ends_where_nothing_more_is_found() -> None:
    """A list that ends in -1 is not asked for more, and without queries or aliases nothing is asked."""
    asked = []

    def search(rows: Ids, wanted: int) -> tuple[Ids, Scores]:
        asked.append(wanted)
        return np.full((len(rows), wanted), NO_CODE), np.zeros((len(rows), wanted), np.float32)

    assert rank_codes(search, 1, np.arange(100), 3).codes.tolist() == [[NO_CODE] * 3]
    assert asked == [24]
    assert rank_codes(search, 0, np.arange(100), 3).codes.shape == (0, 3)
    assert rank_codes(search, 1, np.arange(0), 3).codes.tolist() == [[NO_CODE] * 3]
    assert asked == [24]


def test_head() -> None:
    """The head keeps the first columns of all three arrays."""
    head = Rankings(ids([3, 1, 2]), scores([0.9, 0.8, 0.7]), ids([5, 6, 7])).head(2)
    assert (head.codes.tolist(), head.aliases.tolist()) == ([[3, 1]], [[5, 6]])
    np.testing.assert_array_equal(head.scores, scores([0.9, 0.8]))


def test_reorder() -> None:
    """New scores give the new order, ties by code, and codes keep their aliases; free places stay last."""
    rankings = Rankings(ids([4, 2, 3, NO_CODE]), scores([3, 2, 1, -INF]), ids([40, 20, 30, NO_CODE]))
    found = reorder(rankings, scores([0.5, 0.1, 0.5, -INF]))
    assert found.codes.tolist() == [[3, 4, 2, NO_CODE]]
    assert found.aliases.tolist() == [[30, 40, 20, NO_CODE]]
    np.testing.assert_array_equal(found.scores, scores([0.5, 0.5, 0.1, -INF]))


def test_order_of() -> None:
    """Places go from the highest score to the lowest, ties by code order, each row for itself."""
    codes = ids([7, 3, 5, NO_CODE], [0, 1, 2, 3])
    found = order_of(codes, scores([0.5, 0.5, 0.9, -INF], [0.1, 0.2, 0.2, 0.3]))
    assert found.tolist() == [[2, 1, 0, 3], [3, 1, 2, 0]]


def test_take() -> None:
    """All three arrays of a row are put in its order, whatever the scores."""
    rankings = Rankings(ids([4, 2], [8, 9]), scores([3, 2], [1, 7]), ids([40, 20], [80, 90]))
    found = take(rankings, ids([1, 0], [0, 1]))
    assert (found.codes.tolist(), found.aliases.tolist()) == ([[2, 4], [8, 9]], [[20, 40], [80, 90]])
    np.testing.assert_array_equal(found.scores, scores([2, 3], [1, 7]))


def test_to_frame() -> None:
    """Each code that was found is a row of the rankings table; free places are none."""
    rankings = Rankings(
        ids([1, 0], [2, NO_CODE]), scores([0.5, 0.25], [1.0, -INF]), ids([1, 0], [2, NO_CODE])
    )
    frame = rankings.to_frame("bm25", ["q1", "q2"], ["E11", "I10", "J45"])
    assert frame.to_dict("split")["data"] == [
        ["bm25", "q1", 1, "I10", 0.5],
        ["bm25", "q1", 2, "E11", 0.25],
        ["bm25", "q2", 1, "J45", 1.0],
    ]
    assert len(RANKINGS.validate(frame)) == 3


@pytest.mark.parametrize("queries", [0, 2])
def test_empty_rankings_have_a_frame(queries: int) -> None:
    """Rankings without any code are a table without rows that still fits its schema."""
    frame = Rankings.empty(queries, 3).to_frame("bm25", ["q1", "q2"][:queries], ["I10"])
    assert len(RANKINGS.validate(frame)) == 0
