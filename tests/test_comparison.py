"""Two systems compared on the queries that both ranked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import pytest

from codisearch.comparison import Comparison, Ranked, Row, compare_ranked, correct_together
from codisearch.errors import InputError
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.significance import PairedTest

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
    compared = compare_ranked(before, after, "recall@1", PARAMS)
    values = {row.language: (row.test.before, row.test.after) for row in compared.rows}
    assert values == {"en": (0.5, 1.0), "es": (0.0, 0.5), "all": (0.25, 0.75)}
    everything = compared.rows[-1].test
    assert (everything.difference, everything.better, everything.worse) == (0.5, 2, 0)
    assert (compared.shared, compared.only_before, compared.only_after) == (4, 0, 1)


def test_the_shallower_depth_holds(before: Ranked, after: Ranked) -> None:
    """Unless noted, depth is the deepest rank, here 2; the third of the second does not count: 3/4."""
    compared = compare_ranked(before, after, "mrr", PARAMS)
    assert compared.depth == 2
    assert (compared.rows[-1].test.before, compared.rows[-1].test.after) == (0.5, 0.75)
    other = compare_ranked(after, after, "mrr", PARAMS)
    assert (other.depth, other.rows[-1].test.before) == (3, pytest.approx((3 + 1 / 3 + 0) / 5))


def test_the_noted_depth_counts(before: Ranked, after: Ranked) -> None:
    """Asked for 50 codes, the first system gave two: recall@5 is 3/4, and all ranks of the second count."""
    noted = [replace(one, depth=50) for one in (before, after)]
    compared = compare_ranked(noted[0], noted[1], "recall@5", PARAMS)
    assert (compared.rows[-1].test.before, compared.rows[-1].test.after) == (0.75, 1.0)
    compared = compare_ranked(noted[0], noted[1], "mrr", PARAMS)
    assert compared.depth == 50
    assert compared.rows[-1].test.after == pytest.approx((3 + 1 / 3) / 4)
    assert compare_ranked(noted[0], replace(after, depth=2), "mrr", PARAMS).rows[-1].test.after == 0.75


def test_a_system_that_answered_nothing(before: Ranked, after: Ranked) -> None:
    """It sets no depth: the third rank of the other counts; where neither answered, both are 0."""
    silent = make_ranked("silent", QUERIES, {})
    for pair in ((silent, after), (after, silent)):
        compared = compare_ranked(*pair, "mrr", PARAMS)
        test = compared.rows[-1].test
        assert compared.depth == 3
        assert max(test.before, test.after) == pytest.approx((3 + 1 / 3) / 4)
        assert min(test.before, test.after) == 0.0
    nothing = compare_ranked(silent, make_ranked("mute", QUERIES, {}), "recall@50", PARAMS).rows[-1].test
    assert (nothing.before, nothing.after, nothing.p_value) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("depths", "metric", "text"),
    [
        (
            (50, 10),
            "recall@50",
            r"recall@50 needs 50 ranks of both, but old ranked down to 50 and new to 10: they can be "
            r"compared by recall@1, recall@3, recall@5, recall@10, mrr, map@10\.",
        ),
        ((9, 50), "map@10", r"old ranked down to 9 and new to 50: .* by recall@1, recall@3, recall@5, mrr\."),
        ((50, None), "recall@5", r"old ranked down to 50 and new to 3: .* by recall@1, recall@3, mrr\."),
    ],
)
def test_a_cutoff_below_the_depth(
    before: Ranked, after: Ranked, depths: tuple[int, int | None], metric: str, text: str
) -> None:
    """It is refused rather than measured on fewer ranks of one side; the cut-off at the depth is not."""
    pair = replace(before, depth=depths[0]), replace(after, depth=depths[1])
    with pytest.raises(InputError, match=text):
        compare_ranked(*pair, metric, PARAMS)
    if depths[1] == 10:
        assert compare_ranked(*pair, "recall@10", PARAMS).rows[-1].test.after == 1.0


def test_corrected_for_the_rows(before: Ranked, after: Ranked) -> None:
    """Holm: the smallest of three p-values times three, and none below another that was smaller."""
    rows = compare_ranked(before, after, "recall@1", PARAMS).rows
    plain = sorted(row.test.p_value for row in rows)
    adjusted = sorted(row.p_value for row in rows)
    assert adjusted[0] == pytest.approx(min(1.0, 3 * plain[0]))
    assert all(one.p_value >= one.test.p_value for one in rows)


def make_comparison(**p_values: float) -> Comparison:
    """Return a comparison with these p-values by language, each of one query; `all` has all of them."""
    languages = len(p_values) - 1
    rows = [
        Row(name, PairedTest(0.0, 1.0, 1.0, 1.0, 1.0, p, 1.0, 1, 0, languages if name == "all" else 1), p)
        for name, p in p_values.items()
    ]
    return Comparison("mrr", "a", "b", tuple(rows), languages, 0, 0, 50, len(rows))


def test_corrected_for_all_tables() -> None:
    """Five rows are four tests, since `en` is `all` in the second table; .01 * 4, .02 * 3, .03 * 2, .04."""
    tables = [make_comparison(en=0.01, es=0.04, all=0.03), make_comparison(en=0.02, all=0.02)]
    first, second = correct_together(tables)
    assert (first.family, second.family) == (4, 4)
    assert [row.p_value for row in first.rows] == pytest.approx([0.04, 0.06, 0.06])
    assert [row.p_value for row in second.rows] == pytest.approx([0.06, 0.06])
    assert [row.test.p_value for row in first.rows] == [0.01, 0.04, 0.03]
    assert [row.p_value for row in tables[0].rows] == [0.01, 0.04, 0.03]
    assert correct_together([]) == []


def test_one_language_is_one_test(before: Ranked, after: Ranked) -> None:
    """Its row and that of `all` have the same p-value, which nothing is to be corrected for."""
    spanish = [replace(one, queries=one.queries[one.queries["language"] == "es"]) for one in (before, after)]
    compared = compare_ranked(spanish[0], spanish[1], "recall@1", PARAMS)
    assert [row.language for row in compared.rows] == ["es", "all"]
    assert compared.family == 1
    assert {row.p_value for row in compared.rows} == {row.test.p_value for row in compared.rows}
    assert len({row.p_value for row in compared.rows}) == 1
    assert compared.as_json()["tests"] == 1


def test_sentences(before: Ranked, after: Ranked) -> None:
    """`all` is always told, a language only where the difference is significant."""
    compared = compare_ranked(before, after, "recall@1", PARAMS)
    assert [sentence.startswith("Over all languages") for sentence in compared.sentences()] == [True]
    queries = [("en", f"asthma {number}", [f"J{number}"]) for number in range(20, 40)]
    right = {query: codes for _, query, codes in queries}
    wrong = {query: ["I10"] for _, query, _ in queries}
    sure = compare_ranked(
        make_ranked("w", queries, wrong), make_ranked("r", queries, right), "recall@1", PARAMS
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
    )
    content = json.loads(json.dumps(compared.as_json(), allow_nan=False))
    row = content["rows"][0]
    assert (row["language"], row["difference"], row["low"], row["effect_size"]) == ("en", 1.0, None, None)
    assert content["queries"] == {"shared": 1, "only_a": 0, "only_b": 0}


def test_nothing_shared(before: Ranked) -> None:
    """Another code makes another query."""
    other = make_ranked("other", [("en", "asthma", ["J45.0"])], {"asthma": ["J45.0"]})
    with pytest.raises(InputError, match=r"old and other share no query \(4 and 1\)"):
        compare_ranked(before, other, "mrr", PARAMS)


def test_unknown_metric(before: Ranked) -> None:
    """The message has those that are known."""
    with pytest.raises(InputError, match=r"Unknown metric 'ndcg': allowed are recall@1, .*, mrr, map@10\."):
        compare_ranked(before, before, "ndcg", PARAMS)
