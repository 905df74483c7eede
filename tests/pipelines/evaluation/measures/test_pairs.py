"""Every pair of systems on the same queries."""

from collections.abc import Sequence

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.metrics import score_queries
from codisearch.pipelines.evaluation.measures.pairs import PAIR_COLUMNS, compare_pairs


def scored(ranks: dict[str, Sequence[int]], languages: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores and queries, each for a code of its own, from the ranks of the right codes."""
    ids = [f"q{number}" for number in range(len(languages))]
    codes = [f"A{number:02}.0" for number in range(len(languages))]
    queries = pd.DataFrame({"query_id": ids, "language": languages, "codes": [[code] for code in codes]})
    rows = [
        (system, name, rank, code if rank == right else f"Z{rank:02}.0", -float(rank))
        for system, places in ranks.items()
        for name, code, right in zip(ids, codes, places, strict=True)
        for rank in range(1, 11)
    ]
    rankings = pd.DataFrame(rows, columns=["system", "query_id", "rank", "code", "score"])
    return score_queries(queries, rankings), queries


@pytest.fixture(scope="module")
def clear() -> pd.DataFrame:
    """Return two systems, the second better on each of eight English queries and on the one Spanish."""
    per_query, queries = scored({"bm25": [0] * 9, "two_stage": [1] * 9}, ["en"] * 8 + ["es"])
    return compare_pairs(per_query, queries, ["bm25", "two_stage"], BootstrapParams(seed=5))


def test_differences_by_hand(pairs: pd.DataFrame) -> None:
    """Recall@5 of the base encoder is 1, 0, 0, 1 and of the bi-encoder 1, 1, 0, 1.

    The differences 0, 1, 0, 0 have the mean 1/4 and the standard deviation 1/2.
    """
    assert tuple(pairs.columns) == PAIR_COLUMNS
    key = ["metric", "language", "before_system", "after_system"]
    row = pairs.set_index(key).loc[("recall@5", "all", "base_encoder", "bi_encoder")]
    assert (row["before"], row["after"], row["difference"]) == (0.5, 0.75, 0.25)
    assert row["effect_size"] == pytest.approx(0.5)
    assert (row["better"], row["worse"], row["queries"]) == (1, 0, 4)
    assert row["p_value"] == 1.0  # one code alone differs: either sign is as extreme
    assert row["low"] <= 0.25 <= row["high"]


def test_better_and_worse_are_counted_apart(pairs: pd.DataFrame) -> None:
    """From generalist (1, -, 4, -) to bi-encoder (1, 2, -, 2) two queries rise, one falls, one stays."""
    key = ["metric", "language", "before_system", "after_system"]
    rows = pairs.set_index(key)
    found = rows.loc[("mrr", "all", "generalist", "bi_encoder")]
    assert (found["better"], found["worse"]) == (2, 1)
    assert found["difference"] == pytest.approx(0.5 - 1.25 / 4)
    spanish = rows.loc[("mrr", "es", "generalist", "bi_encoder")]
    assert (spanish["better"], spanish["worse"], spanish["queries"]) == (1, 1, 2)
    assert spanish["difference"] == pytest.approx(0.25 - 0.125)


def test_every_pair_once(pairs: pd.DataFrame) -> None:
    """Five systems make ten pairs, each in both measures, overall and in two languages."""
    assert len(pairs) == 10 * 2 * 3
    assert not pairs.duplicated(["metric", "language", "before_system", "after_system"]).any()
    order = ["bm25", "base_encoder", "generalist", "bi_encoder", "two_stage"]
    assert (pairs["before_system"].map(order.index) < pairs["after_system"].map(order.index)).all()
    assert list(dict.fromkeys(pairs["metric"])) == ["recall@5", "mrr"]
    assert list(dict.fromkeys(pairs["language"])) == ["all", "en", "es"]


def test_holm_by_hand(clear: pd.DataFrame) -> None:
    """Three tests of a measure are corrected together: the least p is tripled, the next doubled.

    All signs alike come up twice in 2^n draws: p is 2/512 for nine codes, 2/256 for eight and 1 for one.
    Corrected these are 6/512, 4/256 and 1. The other measure is corrected by itself.
    """
    for metric in ("recall@5", "mrr"):
        rows = clear.loc[clear["metric"] == metric].set_index("language")
        plain, adjusted = rows["p_value"], rows["p_adjusted"]
        assert plain["all"] == pytest.approx(2 / 512, abs=0.002)
        assert plain["en"] == pytest.approx(2 / 256, abs=0.003)
        assert plain["es"] == 1.0
        assert adjusted["all"] == pytest.approx(3 * plain["all"])
        assert adjusted["en"] == pytest.approx(2 * plain["en"])
        assert adjusted["es"] == 1.0


def test_sentences_say_the_corrected_p(clear: pd.DataFrame) -> None:
    """A sentence names both systems and the size, and calls chance what may be."""
    rows = clear.loc[clear["metric"] == "recall@5"].set_index("language")
    p = f"{rows.loc['all', 'p_adjusted']:.3f}".removeprefix("0")
    assert rows.loc["all", "sentence"] == (
        "Over all languages two_stage finds 100.0 more of 100 codes in the first five than"
        f" bm25 (corrected p = {p})."
    )
    assert rows.loc["es", "sentence"] == (
        "In Spanish two_stage finds 100.0 more of 100 codes in the first five than bm25, which may be chance"
        " (corrected p = 1.000)."
    )


def test_no_difference_is_said_plainly(pairs: pd.DataFrame) -> None:
    """Bi-encoder and two_stage both find three of four; no p is needed to say so."""
    rows = pairs.set_index(["metric", "language", "before_system", "after_system"])
    row = rows.loc[("recall@5", "all", "bi_encoder", "two_stage")]
    assert (row["difference"], row["effect_size"], row["p_value"]) == (0.0, 0.0, 1.0)
    assert row["sentence"] == "Over all languages bi_encoder and two_stage have the same recall@5."


def test_queries_of_a_code_are_exchanged_together() -> None:
    """Nine queries that differ alike are a clear case only if they are no phrasings of one code."""
    per_query, queries = scored({"bm25": [0] * 9, "two_stage": [1] * 9}, ["en"] * 9)
    same = queries.assign(codes=[["A00.0"]] * 9)
    found = compare_pairs(
        per_query, same, ["bm25", "two_stage"], BootstrapParams(resamples=20, telling_codes=1)
    )
    assert found["p_value"].tolist() == [1.0] * 4
    assert found["low"].isna().all()


def test_nothing_to_compare(
    per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams
) -> None:
    """One system, or no query, makes a table without rows."""
    for found in (
        compare_pairs(per_query, queries, ["bm25"], bootstrap),
        compare_pairs(per_query, queries.head(0), ["bm25", "two_stage"], bootstrap),
    ):
        assert found.empty
        assert tuple(found.columns) == PAIR_COLUMNS
