"""Training groups: where queries come from, and hard negatives."""

import numpy as np
import pandas as pd
import pytest

from codisearch.codes import CodeTree
from codisearch.errors import InputError
from codisearch.pipelines.bi_encoder.groups import COLUMNS, build_groups
from codisearch.pipelines.bi_encoder.params import TrainingDataParams

Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]
NOT_LISTED = pd.DataFrame({"code": [], "confusable": [], "qualifier": [], "difference": []}, dtype=str)
CORPUS_ONLY = TrainingDataParams(corpus_repeats=1, code_set_pairs=False, title_noise=0)
CODE_SET_TOO = TrainingDataParams(corpus_repeats=1, title_noise=0)


@pytest.fixture
def frames(
    tiny_pairs: pd.DataFrame,
    tiny_code_set: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
) -> Frames:
    """Return what groups are built of."""
    return tiny_pairs, tiny_code_set, index_aliases, national_titles, NOT_LISTED


def test_only_train_rows(frames: Frames) -> None:
    """With the corpus alone, the groups are its nine training rows with their official titles."""
    groups = build_groups(*frames, CORPUS_ONLY, seed=1)
    train = frames[0][frames[0]["split"] == "train"]
    assert tuple(groups.columns) == COLUMNS
    assert groups["query"].tolist() == train["query"].tolist()
    assert groups["source"].tolist() == [f"corpus:{style}" for style in train["style"]]
    by_query = groups.drop_duplicates("query").set_index("query")["positive"]
    assert by_query["DM2"] == "Type 2 diabetes mellitus without complications"
    assert by_query["dor no peito"] == "Chest pain, unspecified"


def test_repeats(frames: Frames) -> None:
    """Every query of the corpus stands as often as asked for."""
    params = CORPUS_ONLY.model_copy(update={"corpus_repeats": 3})
    assert (build_groups(*frames, params, seed=1).groupby(["query", "code"]).size() == 3).all()


def test_pairs_of_the_code_set(frames: Frames) -> None:
    """Inclusion terms, index entries and national titles of codes that exist become pairs."""
    groups = build_groups(*frames, CODE_SET_TOO, seed=1)
    added = groups[~groups["source"].str.startswith("corpus:")]
    assert sorted(zip(added["source"], added["query"], added["code"], added["language"], strict=True)) == [
        ("alphabetic_index", "Diabetes, type 2", "E11.9", "en"),
        ("inclusion_term", "Asthmatic bronchitis", "J45.9", "en"),
        ("inclusion_term", "Diabetes due to insulin resistance", "E11", "en"),
        ("inclusion_term", "High blood pressure", "I10", "en"),
        ("inclusion_term", "Juvenile diabetes", "E10.9", "en"),
        ("inclusion_term", "Late onset asthma", "J45.9", "en"),
        ("national_title", "Hipertensión esencial", "I10", "es"),
    ]


def test_sample(frames: Frames) -> None:
    """The sample limits the pairs of the code set and the noisy titles, never the corpus."""
    params = TrainingDataParams(corpus_repeats=1, title_noise=0.5, sample=2)
    sources = build_groups(*frames, params, seed=1)["source"]
    assert (sources.str.startswith("corpus:").sum(), len(sources)) == (9, 13)
    assert (sources == "noisy_title").sum() == 2


def test_noisy_titles(frames: Frames) -> None:
    """A noisy title holds words of the title in their order, fewer of them, and one at least."""
    params = TrainingDataParams(corpus_repeats=1, code_set_pairs=False, title_noise=0.5)
    groups = build_groups(*frames, params, seed=1)
    noisy = groups[groups["source"] == "noisy_title"]
    assert len(noisy) > 5
    for query, title in zip(noisy["query"], noisy["positive"], strict=True):
        words = iter(title.split())
        assert all(word in words for word in query.split())
        assert 0 < len(query.split()) < len(title.split())


def test_titles_without_a_missing_word_teach_nothing(frames: Frames) -> None:
    """A query that is its own positive is left out: with hardly any noise few titles remain."""
    params = TrainingDataParams(corpus_repeats=1, code_set_pairs=False, title_noise=1e-9)
    assert "noisy_title" not in build_groups(*frames, params, seed=1)["source"].tolist()


def test_negatives_are_neighbours(frames: Frames) -> None:
    """A negative is a sibling or cousin with its title; a code alone in its category gets one by chance."""
    code_set = frames[1]
    tree = CodeTree.from_frame(code_set)
    titles = dict(zip(code_set["code"], code_set["title"], strict=True))
    groups = build_groups(*frames, TrainingDataParams(corpus_repeats=40, title_noise=0), seed=1)
    for row in groups.itertuples():
        near = [code for code in tree.neighbours(row.code, 12) if code not in row.relevant]
        assert row.negative == titles[row.negative_code]
        assert (row.negative_code in near) if near else row.negative_origin == "chance"
        assert (row.negative_origin == "sibling") == (row.negative_code in tree.siblings(row.code))
    found = groups.groupby("code")["negative_code"].agg(set)
    assert found["R07.9"] == {"R07.0"}
    assert found["E11.9"] == {"E11.2"}
    assert len(found["I10"]) > 5


def test_cousins(frames: Frames) -> None:
    """Where the sibling is relevant too, the negative is a cousin."""
    pairs = frames[0].head(2).assign(query="nefropatía", code=["E11.21", "E11.22"], split="train")
    groups = build_groups(pairs, *frames[1:], CORPUS_ONLY, seed=1)
    assert groups["relevant"].tolist() == [["E11.21", "E11.22"]] * 2
    assert groups["negative_code"].tolist() == ["E11.9"] * 2
    assert groups["negative_origin"].tolist() == ["cousin"] * 2


@pytest.mark.parametrize("seed", range(5))
def test_negatives_are_never_relevant(frames: Frames, seed: int) -> None:
    """A query of two codes has both as relevant, and neither is ever its negative."""
    groups = build_groups(*frames, TrainingDataParams(corpus_repeats=5, title_noise=0.4), seed=seed)
    two = groups[groups["query"] == "diabete"]
    assert two["relevant"].map(tuple).unique().tolist() == [("E10.9", "E11.9")]
    assert not any(
        code in relevant for code, relevant in zip(groups["negative_code"], groups["relevant"], strict=True)
    )


def test_no_negative_where_all_is_relevant(frames: Frames) -> None:
    """In a code set of one code there is nothing to set against it."""
    pairs, code_set = frames[0], frames[1]
    one = code_set[code_set["code"] == "I10"]
    groups = build_groups(pairs[pairs["code"] == "I10"], one, *frames[2:], CORPUS_ONLY, seed=1)
    assert groups[["negative", "negative_code", "negative_origin"]].to_numpy().tolist() == [["", "", ""]] * 2


def test_seed_decides(frames: Frames) -> None:
    """The same seed gives the same groups, another seed others; the frames stay as they were."""
    before = [frame.copy() for frame in frames]
    params = TrainingDataParams(title_noise=0.4)
    first, same, other = (build_groups(*frames, params, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, same)
    assert not first.equals(other)
    for frame, copy in zip(frames, before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_order_of_sources_keeps_relevance_whole(frames: Frames) -> None:
    """A phrase that the corpus and the code set give different codes has both as relevant in each row."""
    pairs = frames[0].copy()
    pairs.loc[0, ["query", "code"]] = ["Asthmatic bronchitis", "R07.9"]
    groups = build_groups(pairs, *frames[1:], CODE_SET_TOO, seed=1)
    found = groups.loc[groups["query"] == "Asthmatic bronchitis", "relevant"]
    assert found.tolist() == [["J45.9", "R07.9"]] * 2


def test_nothing_to_learn(frames: Frames) -> None:
    """Without training rows there is a message, not an empty table."""
    pairs = frames[0].assign(split="test")
    with pytest.raises(InputError, match="expected pairs of the split 'train'"):
        build_groups(pairs, *frames[1:], CORPUS_ONLY, seed=1)


def test_index_is_clean(frames: Frames) -> None:
    """No cell is missing."""
    groups = build_groups(*frames, TrainingDataParams(), seed=1)
    assert not groups.isna().to_numpy().any()
    assert np.unique(groups["language"]).tolist() == ["ca", "en", "es", "it", "pt"]


def listed(*rows: tuple[str, str]) -> pd.DataFrame:
    """Return a list of confusable codes."""
    frame = pd.DataFrame(rows, columns=["code", "confusable"], dtype=str)
    return frame.assign(qualifier="disorder", difference="another disease")


def test_listed_confusables_are_hard_negatives(frames: Frames) -> None:
    """With a share of 1 every query of a listed code gets a listed negative, and none an unknown one."""
    params = CORPUS_ONLY.model_copy(update={"listed_negatives": 1.0})
    table = listed(("I10", "J45.9"), ("I10", "R07.9"), ("J45.9", "Z99.9"))
    groups = build_groups(*frames[:4], table, params, seed=1)
    of_listed = groups[groups["code"] == "I10"]
    assert len(of_listed)
    assert set(of_listed["negative_code"]) <= {"J45.9", "R07.9"}
    assert set(of_listed["negative_origin"]) == {"listed"}
    assert "listed" not in set(groups.loc[groups["code"] != "I10", "negative_origin"])
    assert "Z99.9" not in set(groups["negative_code"])


def test_listed_confusables_that_are_right_too(frames: Frames) -> None:
    """A listed code that answers the query as well is no negative of it: the tree is asked."""
    params = CORPUS_ONLY.model_copy(update={"listed_negatives": 1.0})
    groups = build_groups(*frames[:4], listed(("E10.9", "E11.9")), params, seed=1)
    both = groups[(groups["query"] == "diabete") & (groups["code"] == "E10.9")]
    assert len(both)
    assert "E11.9" not in set(both["negative_code"])


def test_share_of_listed_confusables(frames: Frames) -> None:
    """A share of 0 leaves the list alone, and one between takes from both."""
    table = listed(("I10", "J45.9"))
    for share, origins in ((0.0, {"chance"}), (0.5, {"chance", "listed"})):
        params = TrainingDataParams(
            corpus_repeats=40, code_set_pairs=False, title_noise=0, listed_negatives=share
        )
        groups = build_groups(*frames[:4], table, params, seed=1)
        assert set(groups.loc[groups["code"] == "I10", "negative_origin"]) == origins
