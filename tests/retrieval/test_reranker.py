"""The second stage: what it reads, how it scores, how both stages become one."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from scipy.special import softmax

from codisearch.retrieval.ranking import NO_CODE, Rankings
from codisearch.retrieval.reranker import Documents, Fusion, fuse, score_candidates

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

DOCUMENTS = Documents(
    titles=["Asthma", "Pain in throat"],
    aliases=["Asthma", "Asma", "me ahogo por las noches", "Throat pain"],
    sources=["official_title", "national_title", "query", "inclusion_term"],
)


def rankings(*rows: list[float]) -> Rankings:
    """Return rankings of codes 0, 1, 2 ... with these scores and no aliases."""
    scores = np.array(rows, dtype=np.float32)
    codes = np.tile(np.arange(scores.shape[1]), (len(rows), 1))
    return Rankings(codes, scores, np.full_like(codes, NO_CODE))


@pytest.mark.parametrize(
    ("code", "alias", "expected"),
    [
        (0, 0, "Asthma"),
        (0, 1, "Asthma | Asma"),
        (0, 2, "Asthma"),
        (1, 3, "Pain in throat | Throat pain"),
        (1, NO_CODE, "Pain in throat"),
    ],
)
def test_documents(code: int, alias: int, expected: str) -> None:
    """The title stands alone unless another alias matched, and a corpus query is never shown."""
    assert DOCUMENTS.text(code, alias) == expected


def test_probabilities(cross_encoder: "CrossEncoder") -> None:
    """A row is the softmax of the model's scores over its codes; places and rows without a code are 0."""
    found = Rankings(
        codes=np.array([[0, 1], [1, NO_CODE], [NO_CODE, NO_CODE]]),
        scores=np.zeros((3, 2), np.float32),
        aliases=np.array([[1, 3], [NO_CODE, NO_CODE], [NO_CODE, NO_CODE]]),
    )
    liked = score_candidates(cross_encoder, ["asthma", "pain", "chest"], found, DOCUMENTS)
    pairs = [("asthma", "Asthma | Asma"), ("asthma", "Pain in throat | Throat pain")]
    logits = cross_encoder.predict(pairs, activation_fn=lambda scores: scores)
    np.testing.assert_allclose(liked[0], softmax(logits), atol=5e-3)
    assert liked[0].sum() == pytest.approx(1.0)
    assert liked[1:].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert liked.dtype == np.float32


def test_the_better_candidate_is_liked_more() -> None:
    """Logits of 2 and 0 are probabilities of 0.881 and 0.119."""
    import torch

    class Model:
        device = torch.device("cpu")

        def predict(self, pairs: list[tuple[str, str]], **_: object) -> torch.Tensor:
            return torch.tensor([2.0 * (document == "Asthma") for _, document in pairs])

    liked = score_candidates(Model(), ["asma"], rankings([0.9, 0.8]), DOCUMENTS, batch_size=2)
    assert liked[0] == pytest.approx([0.8808, 0.1192], abs=1e-4)


def test_no_candidates(cross_encoder: "CrossEncoder") -> None:
    """Queries without any candidate, and no queries, are not shown to the model."""
    assert score_candidates(cross_encoder, ["a"], Rankings.empty(1, 2), DOCUMENTS).tolist() == [[0.0, 0.0]]
    assert score_candidates(cross_encoder, [], Rankings.empty(0, 2), DOCUMENTS).shape == (0, 2)


def test_fuse_by_hand() -> None:
    """The most liked code keeps 0.8; the others lose 0.4 times how much less they are liked."""
    liked = np.array([[0.1, 0.6, 0.3]], dtype=np.float32)
    found = fuse(rankings([0.9, 0.8, 0.7]), liked, Fusion(depth=3, weight=0.4))
    assert found.codes.tolist() == [[1, 0, 2]]
    assert found.scores[0] == pytest.approx([0.8, 0.9 - 0.4 * 0.5, 0.7 - 0.4 * 0.3])


def test_fuse_beyond_the_depth() -> None:
    """A code beyond the depth loses as one that is not liked at all, whatever its probability says."""
    liked = np.array([[0.1, 0.6, 0.3]], dtype=np.float32)
    found = fuse(rankings([0.9, 0.8, 0.7]), liked, Fusion(depth=2, weight=0.4))
    assert found.codes.tolist() == [[1, 0, 2]]
    assert found.scores[0] == pytest.approx([0.8, 0.7, 0.7 - 0.4 * 0.6])


@pytest.mark.parametrize("fusion", [Fusion(depth=3, weight=0.0), Fusion(depth=0, weight=0.4)])
def test_nothing_to_fuse(fusion: Fusion) -> None:
    """Weight 0 and depth 0 leave the first stage as it is."""
    first = rankings([0.9, 0.8, 0.7])
    found = fuse(first, np.array([[0.0, 0.0, 1.0]], np.float32), fusion)
    assert (found.codes.tolist(), found.scores.tolist()) == (first.codes.tolist(), first.scores.tolist())


def test_free_places_stay_last() -> None:
    """A place without a code keeps its score of minus infinity."""
    first = Rankings(
        np.array([[5, NO_CODE]]), np.array([[0.5, -np.inf]], np.float32), np.array([[1, NO_CODE]])
    )
    found = fuse(first, np.array([[1.0, 0.0]], np.float32), Fusion(depth=2, weight=0.4))
    assert found.codes.tolist() == [[5, NO_CODE]]
    assert found.scores.tolist() == [[0.5, -np.inf]]


@given(
    scores=arrays(np.float32, (3, 6), elements=st.floats(-1, 1, width=32)),
    liked=arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)),
    depth=st.integers(0, 8),
    weight=st.floats(0, 2),
)
def test_fuse_keeps_the_codes(scores: np.ndarray, liked: np.ndarray, depth: int, weight: float) -> None:
    """Whatever the stages say, the codes are the same, the scores fall, and none rises above its cosine."""
    first = rankings(*(-np.sort(-scores, axis=1)).tolist())
    found = fuse(first, liked, Fusion(depth=depth, weight=weight))
    np.testing.assert_array_equal(np.sort(found.codes, axis=1), first.codes)
    assert (np.diff(found.scores, axis=1) <= 0).all()
    before = np.take_along_axis(first.scores, found.codes, axis=1)
    assert (found.scores <= before + 1e-5).all()  # scores have five digits
    assert (before - found.scores <= weight + 2e-5).all()


@pytest.mark.parametrize("values", [{"depth": -1, "weight": 0}, {"depth": 1, "weight": -0.1}, {"depth": 1}])
def test_fusion_that_is_not_allowed(values: dict[str, float]) -> None:
    """Negative depths and weights, and missing ones, are refused."""
    with pytest.raises(ValidationError):
        Fusion(**values)
