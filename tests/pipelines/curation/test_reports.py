"""The leakage report counts what it says."""

import pandas as pd
import pytest

from codisearch.pipelines.curation import reports


@pytest.fixture
def pairs() -> pd.DataFrame:
    """Return five rows: two in train, three in test, of which one equals and one is near a row in train."""
    return pd.DataFrame(
        {
            "query": ["Tos seca", "fiebre alta", "TOS SECA", "fiebre muy alta", "mareo"],
            "code": ["R05", "R50.9", "R05", "R50.9", "R42"],
            "language": ["es", "es", "pt", "es", "es"],
            "style": ["lay", "title", "lay", "formal", "lay"],
            "cluster": [0, 1, 0, 1, 2],
            "split": ["train", "train", "test", "test", "test"],
            "seen": [True, True, True, True, False],
        }
    )


NEAR = pd.DataFrame(
    {"left": ["fiebre alta", "mareo"], "right": ["fiebre muy alta", "vertigo"], "cosine": [0.8, 0.9]}
)


@pytest.mark.parametrize("turned", [False, True])
def test_leaks(pairs: pd.DataFrame, turned: bool) -> None:
    """Equal queries have cosine 1, near ones theirs, whichever side of the edge train is on."""
    near = NEAR.rename(columns={"left": "right", "right": "left"}) if turned else NEAR
    keys = pairs["query"].str.lower()
    found = reports.nearest_in_train(keys, pairs["split"], near)
    assert found.to_dict() == {2: 1.0, 3: 0.8, 4: 0.0}


def test_random_split_has_the_same_sizes(pairs: pd.DataFrame) -> None:
    """A random split moves queries, keeps the sizes, and leaves titles in train."""
    splits = [reports.split_at_random(pairs, seed) for seed in range(8)]
    assert all(split.value_counts().to_dict() == {"test": 3, "train": 2} for split in splits)
    assert {split.iloc[1] for split in splits} == {"train"}
    assert len({tuple(split) for split in splits}) > 1


def test_leakage_summary(pairs: pd.DataFrame) -> None:
    """Shares are of the test queries, and zero where there is no test."""
    found = reports.summarise_leakage(pairs, NEAR, (0.8, 0.9), seed=0)
    assert found["test_queries"] == 3
    assert [row["after"] for row in found["by_threshold"]] == [
        {"count": 2, "share": 0.6667},
        {"count": 1, "share": 0.3333},
    ]
    train = pairs[pairs["split"] == "train"]
    assert reports.summarise_leakage(train, NEAR, (0.7,), seed=0)["by_threshold"][0]["after"] == {
        "count": 0,
        "share": 0.0,
    }


def test_counts(pairs: pd.DataFrame) -> None:
    """Clusters, conflicts and codes are counted by hand."""
    assert reports.summarise_clusters(pairs) == {
        "count": 3,
        "with_several_rows": 2,
        "rows_in_those": 4,
        "largest": 2,
    }
    assert reports.summarise_conflicts(pairs) == {"queries": 0, "most_codes": 0}
    assert reports.summarise_clusters(pairs.iloc[:0])["largest"] == 0
    more = pd.concat([pairs, pairs.iloc[[1]].assign(code="I10")])
    assert reports.summarise_codes(more) == {
        "with_queries": 3,
        "with_titles_only": 1,
        "train": 1,
        "validation": 0,
        "test": 3,
        "unseen_in_test": 1,
        "seen_by_title_only": 1,
        "test_queries_unseen": 1,
        "test_queries_seen": 2,
    }
    double = pd.concat([pairs, pairs.assign(code="Z00")])
    assert reports.summarise_conflicts(double) == {"queries": 5, "most_codes": 2}


def test_rows_of_queries_and_titles(pairs: pd.DataFrame) -> None:
    """Queries and titles are counted apart at every step."""
    kept = pairs.assign(duplicate_of=["", "", "p0", "", ""])
    rejected = pairs.iloc[[0, 1, 1]].assign(rule=["leftover", "held_out_title", "held_out_title"])
    assert reports.summarise_rows(pd.concat([pairs, rejected]), kept, rejected) == {
        "queries": {
            "raw": 5,
            "pairs": 4,
            "rejected": 1,
            "rejected_by_rule": {"leftover": 1},
            "linked_across_languages": 1,
            "splits": {"test": 3, "train": 1},
        },
        "titles": {
            "raw": 3,
            "pairs": 1,
            "rejected": 2,
            "rejected_by_rule": {"held_out_title": 2},
            "linked_across_languages": 0,
            "splits": {"train": 1},
        },
    }


def test_table(pairs: pd.DataFrame) -> None:
    """Every language has its three styles of query, titles only where they occur, and rows add up."""
    table = reports.tabulate_splits(pairs)
    assert len(table) == 6 * 3 + 1
    assert table.set_index(["language", "style"]).loc[("es", "lay")].to_dict() == {
        "train": 1,
        "validation": 0,
        "test": 1,
        "total": 2,
    }
    assert table["total"].sum() == 5
