"""From answers to rows, by hand: every planned query ends once."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codisearch.codes import CodeTree
from codisearch.generators.contract import Answer, Finish
from codisearch.generators.ledger import Recorded
from codisearch.pipelines.generation.confusables import Confusables
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.rows import IN_A_JOB, ROW_COLUMNS, Judge, Rows
from codisearch.pipelines.generation.writing import Unit
from codisearch.rules.pair_rules import RuleContext

UNITS = [Unit("E11.9", "es"), Unit("I10", "es"), Unit("I10", "fr")]
FORMAL = "diabetes mellitus no insulinodependiente"
LAY = "tengo el azúcar alto desde hace años"
FRENCH = "le patient s'est présenté aujourd'hui aux urgences parce qu'il souffrait beaucoup depuis hier soir"
Make = Callable[..., GenerationParams]


def answer(*queries: tuple[str, str], finish: Finish = "stop", text: str | None = None) -> Recorded:
    """Return an answer with (style, query) pairs, or with a text as it is."""
    items = [{"style": style, "query": query, "noise": "none"} for style, query in queries]
    content = json.dumps({"confusables": [], "queries": items}, ensure_ascii=False)
    return Recorded(Answer(content if text is None else text, finish, finish.upper()), "2026-11-28", {})


def collect(
    params: GenerationParams, context: RuleContext, *attempts: Sequence[Recorded | None], **kwargs: Any
) -> tuple[Rows, pd.DataFrame]:
    """Return the rows of the units that each attempt asks for, given its answers."""
    rows = Rows(UNITS[: len(attempts[0])], params)
    judge = Judge(rows.units, params, context, Confusables(frozenset(), CodeTree({}, {})))
    for number, answers in enumerate(attempts, start=1):
        wanting = rows.wanting()
        assert len(wanting) == len(answers), wanting
        rows.add(judge.judge(wanting, answers, number))
    faults = kwargs.get("faults", {})
    return rows, rows.finish(faults, "stub-1", "0123456789ab").set_index("pair_id")


@pytest.fixture
def params(make_params: Make) -> GenerationParams:
    """Return parameters that ask for one formal and one lay query."""
    return make_params(queries={"formal": 1, "shorthand": 0, "lay": 1})


def test_accepted_rows(params: GenerationParams, context: RuleContext):
    """Both queries of a good answer are rows with all their columns."""
    rows, frame = collect(params, context, [answer(("lay", LAY), ("formal", FORMAL))])
    assert rows.wanting() == []
    assert list(frame.reset_index().columns) == list(ROW_COLUMNS)
    row = frame.loc["es-E11.9-lay-stub-1-1"]
    assert row.to_dict() == {
        "query": LAY,
        "code": "E11.9",
        "language": "es",
        "style": "lay",
        "noise": "",
        "source": "stub-1",
        "prompt_hash": "0123456789ab",
        "created": "2026-11-28",
        "status": "accepted",
        "reason": "",
        "detail": "",
    }
    assert frame.loc["es-E11.9-formal-stub-1-1", "query"] == FORMAL


def test_a_second_attempt_fills_what_is_missing(params: GenerationParams, context: RuleContext):
    """What was good stays, and only the refused query is taken from the second answer."""
    first = answer(("formal", FORMAL), ("lay", FRENCH))
    second = answer(("formal", "otra manera de decirlo en el informe"), ("lay", LAY))
    rows, frame = collect(params, context, [first], [second])
    assert frame["query"].to_dict() == {"es-E11.9-formal-stub-1-1": FORMAL, "es-E11.9-lay-stub-1-1": LAY}
    assert set(frame["status"]) == {"accepted"}
    assert rows.drafts["rule"].value_counts().to_dict() == {"": 3, "wrong_language": 1}


def test_a_row_that_stays_refused(params: GenerationParams, context: RuleContext):
    """After the last attempt the row is rejected, with the words, the rule and its sentence."""
    bad = answer(("formal", FORMAL), ("lay", FRENCH))
    _, frame = collect(params, context, [bad], [bad])
    row = frame.loc["es-E11.9-lay-stub-1-1"]
    assert (row["status"], row["reason"], row["query"]) == ("rejected", "wrong_language", FRENCH)
    assert "Reads as French" in row["detail"]


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("diabetes tipo 2, código E11.9", "code_in_query"),
        ("diabetes [placeholder] del adulto", "leftover"),
        ("x", "length"),
        ("Type 2 diabetes mellitus without complications", "official_title"),
    ],
)
def test_the_rules_of_the_curation_hold(
    params: GenerationParams, context: RuleContext, query: str, rule: str
):
    """A generator is held to what curation refuses, while it can still be asked again."""
    rows, _ = collect(params, context, [answer(("formal", query), ("lay", LAY))])
    assert rows.drafts["rule"].tolist() == [rule, ""]
    assert rows.wanting() == [0]


def test_repeats_unasked_styles_and_surplus(params: GenerationParams, context: RuleContext):
    """The same words twice, a style that was not asked for, and more than asked do not become rows."""
    rows, frame = collect(
        params,
        context,
        [
            answer(
                ("formal", FORMAL),
                ("lay", FORMAL.upper()),
                ("shorthand", "DM2 s/ compl."),
                ("lay", LAY),
                ("lay", "más"),
            )
        ],
    )
    assert rows.drafts["rule"].tolist() == ["", "repeated", "unasked_style", "", ""]
    assert frame["query"].tolist() == [FORMAL, LAY]


def test_fewer_than_asked(params: GenerationParams, context: RuleContext):
    """A query that was never written is rejected as missing."""
    short = answer(("formal", FORMAL))
    _, frame = collect(params, context, [short], [short])
    assert frame.loc["es-E11.9-lay-stub-1-1", ["status", "reason"]].tolist() == ["rejected", "missing"]


def test_no_queries_at_all(params: GenerationParams, context: RuleContext):
    """An answer in form but without queries is asked for again, and ends as missing."""
    rows, frame = collect(params, context, [answer()])
    assert rows.wanting() == [0]
    assert set(frame["reason"]) == {"missing"}


def test_malformed_items_are_kept_with_what_is_wrong(params: GenerationParams, context: RuleContext):
    """An item without words stands as the rejected row of its style."""
    items = [{"style": "lay", "words": "x"}, {"style": "formal", "query": "una enfermedad crónica"}]
    text = json.dumps({"queries": items})
    _, frame = collect(params, context, [answer(text=text)], [answer(text=text)])
    row = frame.loc["es-E11.9-lay-stub-1-1"]
    assert (row["status"], row["reason"]) == ("rejected", "malformed")
    assert "query" in row["detail"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (answer(finish="length"), "truncated"),
        (answer(text="{"), "invalid_json"),
        (answer(text="[1]"), "wrong_shape"),
        (answer(text=""), "empty"),
    ],
)
def test_answers_of_no_use_are_asked_for_again(
    params: GenerationParams, context: RuleContext, bad: Recorded, reason: str
):
    """The second answer counts; if it is no better, all rows of the request failed, with the reason."""
    good = answer(("formal", FORMAL), ("lay", LAY))
    _, mended = collect(params, context, [bad], [good])
    assert set(mended["status"]) == {"accepted"}
    _, failed = collect(params, context, [bad], [bad])
    assert failed[["status", "reason"]].drop_duplicates().values.tolist() == [["failed", reason]]


def test_a_safety_block_is_not_asked_for_again(params: GenerationParams, context: RuleContext):
    """It would come again."""
    rows, frame = collect(params, context, [answer(finish="safety")])
    assert rows.wanting() == []
    assert frame[["status", "reason", "detail"]].iloc[0].tolist() == ["failed", "safety_block", "SAFETY"]


def test_without_an_answer(params: GenerationParams, context: RuleContext):
    """A request that failed is told with its fault; one that was never sent is pending."""
    faults = {0: ("server_error", "down")}
    rows, frame = collect(params, context, [None, None], faults=faults)
    assert rows.wanting() == []
    by_code = frame.drop_duplicates("code").set_index("code")[["status", "reason", "detail"]]
    assert by_code.loc["E11.9"].tolist() == ["failed", "server_error", "down"]
    assert by_code.loc["I10"].tolist() == ["pending", "not_sent", ""]


def test_without_an_answer_for_now(params: GenerationParams, context: RuleContext):
    """What stands in a job, or had a fault before the run ended early, is pending with its reason."""
    rows = Rows(UNITS[:2], params)
    judge = Judge(rows.units, params, context, Confusables(frozenset(), CodeTree({}, {})))
    rows.add(judge.judge([0, 1], [None, None], 1))
    frame = rows.finish({0: (IN_A_JOB, "")}, "s", "h").drop_duplicates("code")
    assert frame[["status", "reason"]].values.tolist() == [
        ["pending", "in_batch_job"],
        ["pending", "not_sent"],
    ]
    frame = rows.finish({0: ("server_error", "down")}, "s", "h", stopped=True).drop_duplicates("code")
    assert frame[["status", "reason"]].values.tolist()[0] == ["pending", "server_error"]


def test_a_second_attempt_that_is_not_answered(params: GenerationParams, context: RuleContext):
    """The rows end as the first attempt left them."""
    _, frame = collect(params, context, [answer(finish="length")], [None])
    assert set(frame["reason"]) == {"truncated"}


TEXTS = st.sampled_from([FORMAL, LAY, FRENCH, "x", "otra cosa distinta y larga", "E11.9 en el texto"])
ITEMS = st.lists(st.tuples(st.sampled_from(["formal", "lay", "shorthand", "poem"]), TEXTS), max_size=6)
ANSWERS = st.one_of(
    st.none(),
    st.builds(lambda items: answer(*items), ITEMS),
    st.sampled_from([answer(finish="length"), answer(finish="safety"), answer(text="{"), answer(text="")]),
)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_planned_query_ends_once(
    data: st.DataObject, params_once: GenerationParams, context: RuleContext
):
    """Whatever the answers, there are six rows of six ids, and accepted ones have words that differ."""
    rows = Rows(UNITS, params_once)
    judge = Judge(UNITS, params_once, context, Confusables(frozenset(), CodeTree({}, {})))
    for attempt in (1, 2):
        wanting = rows.wanting()
        answers = [data.draw(ANSWERS) for _ in wanting]
        rows.add(judge.judge(wanting, answers, attempt))
    frame = rows.finish({}, "s", "h")
    assert frame["pair_id"].nunique() == len(frame) == 6
    assert set(frame["status"]) <= {"accepted", "rejected", "failed", "pending"}
    accepted = frame[frame["status"] == "accepted"]
    assert (accepted["query"] != "").all()
    assert (accepted["reason"] == "").all()
    assert not accepted.duplicated(["query", "code", "language"]).any()
    assert (frame.loc[frame["status"] != "accepted", "reason"] != "").all()


@pytest.fixture(scope="session")
def params_once(shipped: dict[str, Any]) -> GenerationParams:
    """Return parameters that ask for one formal and one lay query, for all examples of a property."""
    asked = {"formal": 1, "shorthand": 0, "lay": 1, "title": 0}
    return GenerationParams.model_validate({**shipped, "generator": "gemini", "queries": asked})
