"""Repeats, links across languages, clusters and conflicts."""

from collections.abc import Callable

import pandas as pd
import pytest

from codisearch.pipelines.curation.duplicates import (
    assign_clusters,
    find_conflicts,
    find_repeats,
    link_languages,
)

Make = Callable[..., pd.DataFrame]


def edges(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Return a near-duplicate table."""
    return pd.DataFrame(rows, columns=["left", "right", "cosine"])


@pytest.fixture
def pairs(make_pairs: Make) -> pd.DataFrame:
    """Return a query with an exact repeat, a near one, one in another language and one of another code."""
    return make_pairs(
        ("Dolor torácico", "R07.9", "es", "formal"),  # p0
        ("dolor toracico.", "R07.9", "es", "lay"),  # p1 repeats p0
        ("dolores torácicos", "R07.9", "es", "formal"),  # p2 is near p0
        ("dolor toràcic", "R07.9", "ca", "formal"),  # p3 is near p0 in another language
        ("dolor torácico", "I21.9", "es", "formal"),  # p4 has another code
        ("dolor torácico", "R07.9", "pt", "formal"),  # p5 is p0 in another language
    )


NEAR = edges(("dolor toracico", "dolores toracicos", 0.91), ("dolor toracico", "dolor toracic", 0.95))


def test_repeats_within_a_language(pairs: pd.DataFrame) -> None:
    """Only the later row of the same code and language is a repeat, and it names the earlier."""
    found = find_repeats(pairs, NEAR, 0.9, "link")
    assert found["rule"].tolist() == ["", "exact_duplicate", "near_duplicate", "", "", ""]
    assert found["detail"].tolist() == ["", "Repeats p0.", "Nearly repeats p0 (cosine 0.91).", "", "", ""]


def test_repeats_across_languages(pairs: pd.DataFrame) -> None:
    """With `drop` languages do not protect a row."""
    found = find_repeats(pairs, NEAR, 0.9, "drop")
    assert found["rule"].tolist() == [
        "",
        *["exact_duplicate", "near_duplicate"],
        "near_duplicate",
        "",
        "exact_duplicate",
    ]


def test_threshold(pairs: pd.DataFrame) -> None:
    """An edge below the threshold repeats nothing."""
    assert find_repeats(pairs, NEAR, 0.92, "link")["rule"].tolist()[2] == ""


def test_near_to_a_repeat_stays(make_pairs: Make) -> None:
    """In a chain a-b-c only b repeats: c is near to b alone, and b is gone."""
    chain = make_pairs(*((query, "I10", "en", "lay") for query in ("a one", "b two", "c three")))
    near = edges(("a one", "b two", 0.95), ("b two", "c three", 0.95))
    assert find_repeats(chain, near, 0.9, "link")["rule"].tolist() == ["", "near_duplicate", ""]


def test_queries_come_before_titles(make_pairs: Make) -> None:
    """A title repeats the query that follows it, exactly or nearly, and the query stays."""
    pairs = make_pairs(
        ("Dolor torácico", "R07.9", "es", "title"),  # p0 repeats p2
        ("dolores torácicos", "R07.9", "es", "title"),  # p1 is near p2
        ("dolor toracico", "R07.9", "es", "lay"),  # p2
        ("fiebre", "R50.9", "es", "title"),  # p3
        ("Fiebre.", "R50.9", "es", "title"),  # p4 repeats p3
        ("fiebre", "R50.9", "pt", "lay"),  # p5
    )
    found = find_repeats(pairs, NEAR, 0.9, "link")
    assert found["detail"].tolist() == [
        *("Repeats p2.", "Nearly repeats p2 (cosine 0.91).", "", "", "Repeats p3.", ""),
    ]
    assert link_languages(pairs.drop(index=[0, 1, 4])).tolist() == ["", "p5", ""]


def test_links(pairs: pd.DataFrame) -> None:
    """An exact repeat in another language names the first; a near one and another code do not."""
    distinct = pairs.drop(index=[1, 2])
    assert link_languages(distinct).tolist() == ["", "", "", "p0"]


def test_clusters(pairs: pd.DataFrame) -> None:
    """Near and equal queries share a cluster over languages and codes; others have their own."""
    more = pd.concat([pairs, pairs.iloc[[0]].assign(query="fiebre", pair_id="p9")], ignore_index=True)
    assert assign_clusters(more, NEAR, 0.9).tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert assign_clusters(more, NEAR, 0.93).tolist() == [0, 0, 1, 0, 0, 0, 2]


def test_clusters_ignore_absent_queries(make_pairs: Make) -> None:
    """An edge to a query that is gone joins nothing."""
    pairs = make_pairs(("a one", "I10", "en", "lay"), ("c three", "I10", "en", "lay"))
    near = edges(("a one", "b two", 0.95), ("b two", "c three", 0.95))
    assert assign_clusters(pairs, near, 0.9).tolist() == [0, 1]


def test_titles_are_their_own_clusters(make_pairs: Make) -> None:
    """A title that is near to two queries joins neither, and equal titles lie in two clusters."""
    pairs = make_pairs(
        ("dolor agudo", "R07.9", "es", "lay"),
        ("dolor", "R07.9", "es", "title"),
        ("dolor leve", "R07.9", "es", "lay"),
        ("dolor", "R07.9", "pt", "title"),
        ("Dolor leve", "R07.9", "es", "title"),
        ("dolor agudo", "I21.9", "es", "lay"),
    )
    near = edges(("dolor agudo", "dolor", 0.9), ("dolor leve", "dolor", 0.9))
    assert assign_clusters(pairs, near, 0.7).tolist() == [0, 1, 2, 3, 4, 0]


def test_conflicts(pairs: pd.DataFrame) -> None:
    """A query with two codes in one language is a conflict; the same code in two languages is none."""
    assert find_conflicts(pairs).to_dict(orient="records") == [
        {"language": "es", "key": "dolor toracico", "codes": 2}
    ]
