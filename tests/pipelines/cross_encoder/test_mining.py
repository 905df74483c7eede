"""Listwise groups and the queries that they are made of."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codisearch.errors import InputError
from codisearch.pipelines.cross_encoder.mining import mine_groups, sample_queries
from codisearch.pipelines.cross_encoder.params import GroupParams

RANKED = [
    ("E11.21", 0.95, -1),
    ("E11.9", 0.90, 2),
    ("E11", 0.85, -1),
    ("E10.9", 0.80, -1),
    ("I10", 0.70, 1),
    ("J45", 0.60, -1),
]


def queries_of(*rows: tuple[str, list[str]]) -> pd.DataFrame:
    """Return Spanish queries with their codes."""
    return pd.DataFrame(rows, columns=["query", "codes"]).assign(language="es")


def pairs_of(counts: dict[str, int]) -> pd.DataFrame:
    """Return so many training pairs of each language."""
    rows = [(f"{language} {n}", "I10", language) for language, count in counts.items() for n in range(count)]
    return pd.DataFrame(rows, columns=["query", "code", "language"]).assign(split="train", style="lay")


def test_sample_queries_of_training(tiny_pairs: pd.DataFrame) -> None:
    """Only training queries are taken, and one with two codes comes once with both."""
    queries = sample_queries(tiny_pairs, None, 0)
    assert len(queries) == 8
    codes = dict(zip(queries["query"], queries["codes"], strict=True))
    assert codes["diabete"] == ["E10.9", "E11.9"]
    assert not {"dolor torácico", "asma"} & set(codes)


def test_sample_queries_without_titles(tiny_pairs: pd.DataFrame) -> None:
    """Titles are no queries."""
    titles = tiny_pairs.assign(style="title")
    assert sample_queries(titles, None, 0).empty


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(6, {"en": 2, "es": 2, "fr": 2}), (8, {"en": 3, "es": 3, "fr": 2}), (99, {"en": 10, "es": 5, "fr": 2})],
)
def test_sample_queries_evenly(limit: int, expected: dict[str, int]) -> None:
    """A limit takes as many of each language as there are, none twice."""
    queries = sample_queries(pairs_of({"en": 10, "es": 5, "fr": 2}), limit, 1)
    assert queries["language"].value_counts().to_dict() == expected
    assert queries["query"].is_unique


@given(
    st.dictionaries(st.sampled_from(["en", "es", "ca"]), st.integers(1, 9), min_size=1), st.integers(1, 30)
)
def test_sample_queries_evenness(counts: dict[str, int], limit: int) -> None:
    """Languages differ by one at most unless the smaller has no more."""
    taken = sample_queries(pairs_of(counts), limit, 0)["language"].value_counts().to_dict()
    assert sum(taken.values()) == min(limit, sum(counts.values()))
    most = max(taken.values())
    assert all(taken.get(language, 0) >= min(count, most - 1) for language, count in counts.items())


def test_group(context_of) -> None:
    """A group is the right code, a neighbour in the tree and the top ranks that are not probably right."""
    params = GroupParams(candidates=4, from_tree=1, depth=6)
    groups = mine_groups(queries_of(("DM2", ["E11.9"])), context_of({"DM2": RANKED}), params, 0)
    assert groups[["code", "label", "origin"]].to_numpy().tolist() == [
        ["E11.9", 1, "right"],
        ["E11.2", 0, "severity"],  # without complications - with kidney complications
        ["E10.9", 0, "rank"],  # E11.21 scores above the right one, E11 is its parent
        ["I10", 0, "rank"],
    ]
    assert groups["document"].tolist() == [
        "Type 2 diabetes mellitus without complications",  # found through a corpus query, which is not shown
        "Type 2 diabetes mellitus with kidney complications",
        "Type 1 diabetes mellitus without complications",
        "Essential (primary) hypertension | High blood pressure",
    ]
    assert set(groups["query"]) == {"DM2"}
    assert set(groups["language"]) == {"es"}


def test_listed_confusables_come_first(context_of) -> None:
    """Listed codes are wrong candidates by their qualifier, but for relatives and unknown ones."""
    listed = {
        "E11.9": (("I10", "disorder"), ("E11", "specificity"), ("X99", "site"), ("E11.2", "complication"))
    }
    context = replace(context_of({"DM2": RANKED}), confusables=listed)
    params = GroupParams(candidates=5, confusables=2, from_tree=1, depth=6)
    groups = mine_groups(queries_of(("DM2", ["E11.9"])), context, params, 0)
    origins = dict(zip(groups["code"], groups["origin"], strict=True))
    assert origins["I10"] == "listed:disorder"
    assert origins["E11.2"] == "listed:complication"
    assert not {"E11", "X99"} & set(origins)
    assert groups["code"].is_unique
    assert len(groups) == 5


def test_number_of_listed_confusables(context_of) -> None:
    """No more listed codes are taken than asked for, and which ones is left to the seed."""
    listed = {"E11.9": (("I10", "disorder"), ("E10.9", "aetiology"), ("J45", "disorder"))}
    context = replace(context_of({"DM2": RANKED}), confusables=listed)
    params = GroupParams(candidates=4, confusables=1, depth=6, from_tree=0)
    drawn = set()
    for seed in range(8):
        groups = mine_groups(queries_of(("DM2", ["E11.9"])), context, params, seed)
        of_list = groups.loc[groups["origin"].str.startswith("listed"), "code"]
        assert len(of_list) == 1
        drawn |= set(of_list)
    assert len(drawn) > 1


@pytest.mark.parametrize(
    ("ratio", "expected"), [(2.0, ["E11.21", "E10.9", "I10", "J45"]), (0.8, ["I10", "J45"]), (0.5, [])]
)
def test_max_score_ratio(ratio: float, expected: list[str], context_of) -> None:
    """Ranks above this share of the right answer's score are left out: 0.8 x 0.90 = 0.72."""
    params = GroupParams(candidates=8, from_tree=1, depth=6, max_score_ratio=ratio)
    groups = mine_groups(queries_of(("DM2", ["E11.9"])), context_of({"DM2": RANKED}), params, 0)
    assert groups.loc[groups["origin"] == "rank", "code"].tolist() == expected


def test_right_one_not_ranked(context_of) -> None:
    """Where the first stage misses the right code, none of its ranks is taken for right."""
    params = GroupParams(candidates=4, from_tree=0, depth=3)
    groups = mine_groups(queries_of(("tos", ["R07.0"])), context_of({"tos": RANKED}), params, 0)
    assert groups["code"].tolist() == ["R07.0", "E11.21", "E11.9", "E11"]


def test_relatives_are_not_wrong(context_of) -> None:
    """No code above or below any relevant code is a wrong candidate, from the ranks or from the tree."""
    ranked = [("E11.22", 0.5, -1), ("E11.2", 0.4, -1), ("E10", 0.3, -1)]
    params = GroupParams(candidates=4, from_tree=3, depth=3, max_score_ratio=9.0)
    for seed in range(4):  # either of the two is drawn as the right one
        groups = mine_groups(
            queries_of(("diabetes", ["E11", "E11.21"])), context_of({"diabetes": ranked}), params, seed
        )
        assert groups.loc[groups["label"] == 0, "code"].tolist() == ["E10"]


def test_queries_without_wrong_candidates(context_of) -> None:
    """A query without a wrong candidate has no group, and numbers of the others stay."""
    ranked = {"HTA": [("I10", 0.9, 1)], "DM2": RANKED}
    params = GroupParams(candidates=3, from_tree=1, depth=6)
    groups = mine_groups(queries_of(("HTA", ["I10"]), ("DM2", ["E11.9"])), context_of(ranked), params, 0)
    assert set(groups["group"]) == {1}


def test_nothing_to_learn_from(context_of) -> None:
    """Without any group the message says what was expected and what came."""
    params = GroupParams(candidates=3, from_tree=1, depth=6)
    context = context_of({"HTA": [("I10", 0.9, 1)]})
    with pytest.raises(InputError, match=r"expected queries of the split 'train'.*came 1 queries"):
        mine_groups(queries_of(("HTA", ["I10"])), context, params, 0)
    with pytest.raises(InputError, match="came 0 queries"):
        mine_groups(queries_of(), context, params, 0)


@given(
    codes=st.lists(
        st.sampled_from(["E10.9", "E11", "E11.2", "E11.21", "E11.9", "R07.0"]),
        min_size=1,
        max_size=3,
        unique=True,
    ),
    ranked=st.lists(
        st.sampled_from(["E10", "E11", "E11.2", "E11.21", "E11.22", "E11.9", "I10", "J45", "R07"]),
        unique=True,
    ),
    seed=st.integers(0, 9),
)
def test_exactly_one_right(context_of, codes: list[str], ranked: list[str], seed: int) -> None:
    """Whatever is ranked, a group has one right candidate, no code twice, no relative of a relevant code."""
    context = context_of({"q": [(code, 0.9 - place / 20, -1) for place, code in enumerate(ranked)]})
    params = GroupParams(candidates=5, from_tree=2, depth=9)
    try:
        groups = mine_groups(queries_of(("q", codes)), context, params, seed)
    except InputError:
        return
    assert groups["label"].sum() == 1
    assert groups["code"].is_unique
    assert 2 <= len(groups) <= 5
    assert groups.loc[groups["label"] == 1, "code"].item() in codes
    family = {*codes, *(a for code in codes for a in context.tree.ancestors(code))}
    for wrong in groups.loc[groups["label"] == 0, "code"]:
        assert wrong not in family
        assert not set(context.tree.ancestors(wrong)) & set(codes)
