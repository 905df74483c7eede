"""Measures by what a query asks for."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.facets import FACET_COLUMNS, summarise_facets
from codisearch.pipelines.evaluation.measures.metrics import score_queries

BOOTSTRAP = BootstrapParams(resamples=20, telling_codes=1)


def values_of(facets: pd.DataFrame, facet: str, metric: str = "recall@5") -> dict[str, float]:
    """Return the bi-encoder's values by part."""
    rows = facets.loc[
        (facets["system"] == "bi_encoder") & (facets["facet"] == facet) & (facets["metric"] == metric)
    ]
    return dict(zip(rows["part"], rows["value"], strict=True))


def parts_of(codes: list[str], texts: list[str], code_set: pd.DataFrame, facet: str) -> dict[str, int]:
    """Return how many of some queries are in each part of a facet."""
    ids = [f"q{number}" for number in range(len(codes))]
    queries = pd.DataFrame({"query_id": ids, "query": texts, "codes": [[code] for code in codes]})
    rankings = pd.DataFrame(
        [("bm25", name, 1, code, 1.0) for name, code in zip(ids, codes, strict=True)],
        columns=["system", "query_id", "rank", "code", "score"],
    )
    scores = score_queries(queries, rankings)
    rows = summarise_facets(scores, queries, code_set, ["bm25"], BOOTSTRAP)
    rows = rows.loc[(rows["facet"] == facet) & (rows["metric"] == "mrr")]
    return dict(zip(rows["part"], rows["queries"], strict=True))


def test_parts_by_hand(facets: pd.DataFrame) -> None:
    """The bi-encoder has the right codes at the ranks 1, 2, none and 2.

    The codes are I10, E11.9, I10 and R50.9, of three chapters, three or four characters; the queries have
    three, three, two words and one.
    """
    assert tuple(facets.columns) == FACET_COLUMNS
    assert values_of(facets, "chapter") == {"04 E10-E11": 1.0, "09 I10-I10": 0.5, "18 R50-R50": 1.0}
    assert values_of(facets, "code_length") == {"3": 0.5, "4": 1.0}
    assert values_of(facets, "query_words") == {"1": 1.0, "2-3": pytest.approx(2 / 3)}
    assert values_of(facets, "query_words", "mrr") == {"1": 0.5, "2-3": pytest.approx((1 + 1 / 2 + 0) / 3)}


def test_parts_keep_their_order_and_count(facets: pd.DataFrame) -> None:
    """Chapters stand in their order, with the categories they reach over; one without queries is left out."""
    rows = facets.loc[(facets["system"] == "bi_encoder") & (facets["metric"] == "mrr")]
    assert list(zip(rows["facet"], rows["part"], rows["queries"], strict=True)) == [
        ("chapter", "04 E10-E11", 1),
        ("chapter", "09 I10-I10", 2),
        ("chapter", "18 R50-R50", 1),
        ("code_length", "3", 2),
        ("code_length", "4", 2),
        ("query_words", "1", 1),
        ("query_words", "2-3", 3),
    ]


def test_intervals_need_two_codes(facets: pd.DataFrame) -> None:
    """Both queries on hypertension are for one code: nothing to draw. Those of 2-3 words are for two."""
    rows = facets.loc[(facets["system"] == "two_stage") & (facets["metric"] == "mrr")].set_index("part")
    assert rows.loc["09 I10-I10", ["low", "high"]].isna().all()
    assert rows.loc["2-3", ["low", "high"]].notna().all()


def test_words_are_counted_in_bands(code_set: pd.DataFrame) -> None:
    """Bands end at 1, 3, 6 and 10 words; spaces of any width part words."""
    texts = [" ".join("x" * 5 for _ in range(words)) for words in (1, 2, 3, 4, 6, 7, 10, 11, 40)]
    texts.append("dolor  \t torácico ")
    found = parts_of(["I10"] * len(texts), texts, code_set, "query_words")
    assert found == {"1": 1, "2-3": 3, "4-6": 2, "7-10": 2, "11 or more": 2}


def test_codes_that_the_code_set_lacks(code_set: pd.DataFrame) -> None:
    """A code that is not in the set, as real mentions have them, goes to the chapter of its category."""
    found = parts_of(["J45.901", "E11", "Q99.9"], ["a", "b", "c"], code_set, "chapter")
    assert found == {"04 E10-E11": 1, "10 J45-J45": 1, "unknown": 1}


def test_length_is_without_the_dot(code_set: pd.DataFrame) -> None:
    """S52.501A has seven characters."""
    assert parts_of(["S52.501A", "I10", "E11.9"], ["a", "b", "c"], code_set, "code_length") == {
        "3": 1,
        "4": 1,
        "7": 1,
    }


def test_first_code_decides(code_set: pd.DataFrame, bootstrap: BootstrapParams) -> None:
    """A query with several codes is in the parts of the first of them only."""
    queries = pd.DataFrame({"query_id": ["q0"], "query": ["x"], "codes": [["R50.9", "I10"]]})
    rankings = pd.DataFrame({"system": ["bm25"], "query_id": "q0", "rank": 1, "code": "I10", "score": 1.0})
    rows = summarise_facets(score_queries(queries, rankings), queries, code_set, ["bm25"], bootstrap)
    assert values_of(rows.assign(system="bi_encoder"), "chapter") == {"18 R50-R50": 1.0}
    assert set(rows.loc[rows["facet"] == "code_length", "part"]) == {"4"}
