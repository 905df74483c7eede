"""Which systems of two runs are compared, and what their runs say."""

from types import SimpleNamespace

import pytest

from codisearch.compared_runs import depth_of, differing, pair_systems
from codisearch.errors import InputError


def make_run(**params: str) -> SimpleNamespace:
    """Return what is read of a run."""
    info = SimpleNamespace(run_id="0123456789", run_name="bm25", start_time=0)
    return SimpleNamespace(info=info, data=SimpleNamespace(params=params))


def test_depth_of() -> None:
    """The run's own parameter counts, not that of its reranker; an older run has none."""
    assert depth_of(make_run(depth="50", **{"reranker.depth": "9"})) == 50
    assert depth_of(make_run(**{"reranker.depth": "9"})) is None


@pytest.mark.parametrize("depth", ["0", "-1", "ten", ""])
def test_no_depth(depth: str) -> None:
    """The message has the run and what came."""
    with pytest.raises(InputError, match=rf"01234567 \(bm25, .* depth '{depth}': expected a whole number"):
        depth_of(make_run(depth=depth))


def test_differing() -> None:
    """Only what differs is named, last what one side did not record; a whole beside its parts is not."""
    before = {"a": "1", "b": "2", "a0": "3", "e": "{x: 1}", "e.x": "1"}
    assert differing(before, {"a": "1", "b": "4", "d": "5", "e": "{x: 2}", "e.x": "2"}) == [
        ("b", "2", "4"),
        ("e.x", "1", "2"),
        ("a0", "3", "(not recorded)"),
        ("d", "(not recorded)", "5"),
    ]


def test_pair_systems() -> None:
    """The one asked for, those that both have in the first one's order, or the only two there are."""
    assert pair_systems(["a", "b", "c"], ["c", "a"], None) == [("a", "a"), ("c", "c")]
    assert pair_systems(["a", "b"], ["b"], "b") == [("b", "b")]
    assert pair_systems(["a"], ["b"], None) == [("a", "b")]
    with pytest.raises(InputError, match="The second run has no system 'b': it has c, a"):
        pair_systems(["a", "b"], ["c", "a"], "b")
    with pytest.raises(InputError, match="no system in common: the first has a, b; the second c"):
        pair_systems(["a", "b"], ["c"], None)
