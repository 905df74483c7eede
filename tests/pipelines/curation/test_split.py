"""The split by cluster, held-out codes and shares."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codisearch.pipelines.curation.params import SplitParams, UnseenParams
from codisearch.pipelines.curation.split import assign_splits, choose_unseen_codes, claim_clusters

Make = Callable[..., pd.DataFrame]
SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}
PARAMS = SplitParams(seed=1, unseen_codes=UnseenParams(validation=0.1, test=0.2), shares=SHARES)


def pairs_of(codes: list[str], style: str = "lay") -> pd.DataFrame:
    """Return one row per code, each its own cluster."""
    frame = pd.DataFrame({"code": codes, "language": "es", "style": style}, dtype=str)
    return frame.assign(cluster=np.arange(len(codes)))


def test_unseen_codes_by_chapter() -> None:
    """Of 40 codes in two chapters, 20 % and 10 % are held out, the same in each chapter."""
    codes = [f"{chapter}{number:02}" for chapter in "AB" for number in range(20)]
    chapters = {code: code[0] for code in codes}
    unseen = choose_unseen_codes(pairs_of(codes), chapters, PARAMS.unseen_codes, np.random.default_rng(0))
    found = pd.Series(unseen).groupby([lambda code: code[0], pd.Series(unseen)]).size().to_dict()
    assert found == {("A", "test"): 4, ("A", "validation"): 2, ("B", "test"): 4, ("B", "validation"): 2}


def test_unseen_codes_depend_on_the_seed() -> None:
    """The same seed gives the same codes whatever the order of rows, another seed gives others."""
    codes = [f"A{number:02}" for number in range(40)]
    chosen = [
        choose_unseen_codes(pairs_of(rows), {}, PARAMS.unseen_codes, np.random.default_rng(seed))
        for rows, seed in ((codes, 0), (codes[::-1], 0), (codes, 1))
    ]
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_codes_are_all_seen(count: int) -> None:
    """Where the share rounds to no code, none is held out."""
    codes = [f"A{number:02}" for number in range(count)]
    assert choose_unseen_codes(pairs_of(codes), {}, PARAMS.unseen_codes, np.random.default_rng(0)) == {}


def test_titles_are_not_drawn() -> None:
    """A code that has titles only cannot be held out."""
    codes = [f"A{number:02}" for number in range(40)]
    titles = pairs_of(codes, "title")
    assert choose_unseen_codes(titles, {}, PARAMS.unseen_codes, np.random.default_rng(0)) == {}


def test_test_wins_a_cluster() -> None:
    """A cluster that touches both kinds of held-out code goes to test."""
    pairs = pairs_of(["A01", "A02", "A02", "A03"]).assign(cluster=[0, 0, 1, 2])
    assert claim_clusters(pairs, {"A01": "test", "A02": "validation"}) == {0: "test", 1: "validation"}


def test_shares_in_every_stratum() -> None:
    """A hundred single rows of each of two languages are shared out 70 : 10 : 20 in both."""
    pairs = pairs_of(["A01"] * 200).assign(language=["es", "ca"] * 100)
    splits = assign_splits(pairs, {}, PARAMS, np.random.default_rng(0))
    counts = pd.crosstab(pairs["language"], splits)
    assert (counts["train"] - 70).abs().max() <= 1
    assert (counts["validation"] - 10).abs().max() <= 1
    assert (counts["test"] - 20).abs().max() <= 1


def test_small_strata_still_fill_all_splits() -> None:
    """Where each of 18 strata has 3 rows, the overall shares are kept although no stratum can keep them."""
    rows = [
        (language, style)
        for language in "abcdef"
        for style in ("formal", "lay", "shorthand")
        for _ in range(3)
    ]
    pairs = pd.DataFrame(rows, columns=["language", "style"]).assign(code="A01", cluster=range(54))
    counts = assign_splits(pairs, {}, PARAMS, np.random.default_rng(0)).value_counts()
    assert counts["train"] in range(35, 46)
    assert counts["test"] in range(7, 14)
    assert counts["validation"] in range(2, 8)


def test_no_queries() -> None:
    """Nothing to split is split into nothing."""
    assert assign_splits(pairs_of([]), {}, PARAMS, np.random.default_rng(0)).empty


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 12),
            st.sampled_from(["es", "en"]),
            st.sampled_from(["lay", "formal"]),
            st.integers(0, 15),
        ),
        max_size=40,
    ),
    st.integers(0, 5),
)
def test_invariants(rows: list[tuple[int, str, str, int]], seed: int) -> None:
    """Clusters stay whole, held-out codes never train, and a seed repeats itself."""
    pairs = pd.DataFrame(rows, columns=["code", "language", "style", "cluster"])
    pairs["code"] = [f"A{number:02}" for number in pairs["code"]]

    def split() -> tuple[pd.DataFrame, dict[str, str]]:
        rng = np.random.default_rng(seed)
        unseen = choose_unseen_codes(pairs, {}, PARAMS.unseen_codes, rng)
        claimed = claim_clusters(pairs, unseen)
        return pairs.assign(split=assign_splits(pairs, claimed, PARAMS, rng)), dict(unseen)

    found, unseen = split()
    assert found.groupby("cluster")["split"].nunique().le(1).all()
    assert not set(found.loc[found["split"] == "train", "code"]) & set(unseen)
    pd.testing.assert_frame_equal(found, split()[0])
