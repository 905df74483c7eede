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


@pytest.mark.parametrize(("threshold", "leaks"), [(0.7, 2), (0.8, 2), (0.81, 1)])
@pytest.mark.parametrize("turned", [False, True])
def test_leaks(pairs: pd.DataFrame, threshold: float, leaks: int, turned: bool) -> None:
    """Equal queries always leak, near ones at their cosine, whichever side of the edge train is on."""
    near = NEAR.rename(columns={"left": "right", "right": "left"}) if turned else NEAR
    keys = pairs["query"].str.lower()
    assert reports.count_leaks(keys, pairs["split"], near, threshold) == leaks


def test_random_split_has_the_same_sizes(pairs: pd.DataFrame) -> None:
    """A random split moves queries, keeps the sizes, and leaves titles in train."""
    splits = [reports.split_at_random(pairs, seed) for seed in range(8)]
    assert all(split.value_counts().to_dict() == {"test": 3, "train": 2} for split in splits)
    assert {split.iloc[1] for split in splits} == {"train"}
    assert len({tuple(split) for split in splits}) > 1


def test_leakage_summary(pairs: pd.DataFrame) -> None:
    """Shares are of the test queries, and zero where there is no test."""
    found = reports.summarise_leakage(pairs, NEAR, (0.7, 0.9), seed=0)
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
    assert reports.summarise_codes(pairs) == {
        "all": 3,
        "train": 2,
        "validation": 0,
        "test": 3,
        "unseen_in_test": 1,
        "test_rows_unseen": 1,
        "test_rows_seen": 2,
    }
    double = pd.concat([pairs, pairs.assign(code="Z00")])
    assert reports.summarise_conflicts(double) == {"queries": 5, "most_codes": 2}


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
