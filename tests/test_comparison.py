"""Two systems compared on the queries that both ranked."""

import json
from collections.abc import Mapping, Sequence

import pandas as pd
import pytest

from codisearch.comparison import Comparison, Ranked, compare_ranked, differing, pair_systems
from codisearch.errors import InputError
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams

QUERIES = [
    ("en", "chest pain", ["R07.9"]),
    ("en", "asthma", ["J45.9"]),
    ("es", "asma", ["J45.9"]),
    ("es", "dolor", ["R07.0", "R07.9"]),
]
PARAMS = BootstrapParams(resamples=50)


def make_ranked(
    name: str, queries: Sequence[tuple[str, str, list[str]]], answers: Mapping[str, Sequence[str]]
) -> Ranked:
    """Return a system with its codes by query; ids begin with its name."""
    ids = {query: f"{name}-{number}" for number, (_, query, _) in enumerate(queries)}
    rows = [
        (name, ids[query], rank, code, 1.0 / rank)
        for query, codes in answers.items()
        for rank, code in enumerate(codes, start=1)
    ]
    frame = pd.DataFrame(queries, columns=["language", "query", "codes"])
    return Ranked(
        name,
        frame.assign(query_id=list(ids.values()), style="lay", seen=True),
        pd.DataFrame(rows, columns=["system", "query_id", "rank", "code", "score"]),
    )


@pytest.fixture(scope="module")
def before() -> Ranked:
    """Return a system that finds one of four codes first, two second and one not at all."""
    answers = {"chest pain": ["R07.9"], "asthma": ["I10", "J45.9"], "asma": ["I10", "J45.9"]}
    return make_ranked("old", QUERIES, answers)


@pytest.fixture(scope="module")
def after() -> Ranked:
    """Return one that finds three first and the fourth third; it has one more query, in another order."""
    answers = {"chest pain": ["R07.9"], "asthma": ["J45.9"], "asma": ["J45.9"]}
    swapped = [*QUERIES[:3], ("es", "dolor", ["R07.9", "R07.0"]), ("fr", "asthme", ["J45.9"])]
    return make_ranked("new", swapped[::-1], {**answers, "dolor": ["I10", "E11.9", "R07.0"]})


def test_recall_by_hand(before: Ranked, after: Ranked) -> None:
    """Recall@1 rises from 1/4 to 3/4, in each language by a half; ids and orders of codes do not matter."""
    compared = compare_ranked(before, after, "recall@1", PARAMS, 50)
    values = {row.language: (row.test.before, row.test.after) for row in compared.rows}
    assert values == {"en": (0.5, 1.0), "es": (0.0, 0.5), "all": (0.25, 0.75)}
    everything = compared.rows[-1].test
    assert (everything.difference, everything.better, everything.worse) == (0.5, 2, 0)
    assert (compared.shared, compared.only_before, compared.only_after) == (4, 0, 1)


def test_the_shallower_depth_holds(before: Ranked, after: Ranked) -> None:
    """The first system ranked two codes, so that the third of the second does not count: 3/4, not 10/12."""
    compared = compare_ranked(before, after, "mrr", PARAMS, 50)
    assert compared.depth == 2
    assert (compared.rows[-1].test.before, compared.rows[-1].test.after) == (0.5, 0.75)
    other = compare_ranked(after, after, "mrr", PARAMS, 50)
    assert (other.depth, other.rows[-1].test.before) == (3, pytest.approx((3 + 1 / 3 + 0) / 5))


def test_a_cutoff_beyond_the_last_rank(before: Ranked, after: Ranked) -> None:
    """Recall@5 of a system that ranked two codes is what it found among the two: 3/4."""
    compared = compare_ranked(before, after, "recall@5", PARAMS, 50)
    assert (compared.rows[-1].test.before, compared.rows[-1].test.after) == (0.75, 1.0)


def test_corrected_for_the_rows(before: Ranked, after: Ranked) -> None:
    """Holm: the smallest of three p-values times three, and none below another that was smaller."""
    rows = compare_ranked(before, after, "recall@1", PARAMS, 50).rows
    plain = sorted(row.test.p_value for row in rows)
    adjusted = sorted(row.p_value for row in rows)
    assert adjusted[0] == pytest.approx(min(1.0, 3 * plain[0]))
    assert all(one.p_value >= one.test.p_value for one in rows)


def test_sentences(before: Ranked, after: Ranked) -> None:
    """`all` is always told, a language only where the difference is significant."""
    compared = compare_ranked(before, after, "recall@1", PARAMS, 50)
    assert [sentence.startswith("Over all languages") for sentence in compared.sentences()] == [True]
    queries = [("en", f"asthma {number}", [f"J{number}"]) for number in range(20, 40)]
    right = {query: codes for _, query, codes in queries}
    wrong = {query: ["I10"] for _, query, _ in queries}
    sure = compare_ranked(
        make_ranked("w", queries, wrong), make_ranked("r", queries, right), "recall@1", PARAMS, 50
    )
    assert [sentence.split(" r ")[0] for sentence in sure.sentences()] == ["Over all languages", "In English"]


def test_json_is_standard(before: Ranked, after: Ranked) -> None:
    """An effect without spread is infinite, and an interval of one code undefined: both become null."""
    one = [("en", "chest pain", ["R07.9"])]
    compared: Comparison = compare_ranked(
        make_ranked("a", one, {"chest pain": ["I10"]}),
        make_ranked("b", one, {"chest pain": ["R07.9"]}),
        "recall@1",
        PARAMS,
        50,
    )
    content = json.loads(json.dumps(compared.as_json(), allow_nan=False))
    row = content["rows"][0]
    assert (row["language"], row["difference"], row["low"], row["effect_size"]) == ("en", 1.0, None, None)
    assert content["queries"] == {"shared": 1, "only_a": 0, "only_b": 0}


def test_nothing_shared(before: Ranked) -> None:
    """Another code makes another query."""
    other = make_ranked("other", [("en", "asthma", ["J45.0"])], {"asthma": ["J45.0"]})
    with pytest.raises(InputError, match=r"old and other share no query \(4 and 1\)"):
        compare_ranked(before, other, "mrr", PARAMS, 50)


def test_unknown_metric(before: Ranked) -> None:
    """The message has those that are known."""
    with pytest.raises(InputError, match=r"Unknown metric 'ndcg': allowed are recall@1, .*, mrr, map@10\."):
        compare_ranked(before, before, "ndcg", PARAMS, 50)


def test_differing() -> None:
    """Only what differs is named, with nothing in place of a value that is not there."""
    assert differing({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "5"}) == [
        ("b", "2", "4"),
        ("c", "3", ""),
        ("d", "", "5"),
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
