"""The blind second pass."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import pytest

from codisearch.generators.contract import Answer
from codisearch.generators.ledger import Recorded
from codisearch.pipelines.generation.auditing import Auditing, Coded, Question, harvest, mark_agreement
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.prompts import find_prompt

Make = Callable[..., GenerationParams]


def make_rows(count: int = 7, **changes: Any) -> pd.DataFrame:
    """Return accepted Spanish rows of E11.9, before an audit."""
    frame = pd.DataFrame(
        {
            "pair_id": [f"p{number}" for number in range(count)],
            "query": [f"consulta {number}" for number in range(count)],
        }
    )
    base = {
        "code": "E11.9",
        "language": "es",
        "style": "lay",
        "status": "accepted",
        "reason": "",
        "detail": "",
    }
    return frame.assign(**(base | changes)).astype("str")


@pytest.fixture
def make_audit(prompts: dict[str, Callable[[], str]], make_params: Make) -> Callable[..., Auditing]:
    """Return a function that makes the audit, three queries on a sheet."""

    def make(**changes: Any) -> Auditing:
        audit = {"queries_per_request": 3, **changes}
        return Auditing(find_prompt(prompts, "audit-2"), make_params(audit=audit))

    return make


def test_sheets_hold_every_query_once(make_audit: Callable[..., Auditing]):
    """Seven queries are three sheets, in an order that does not follow the rows, the same every time."""
    audit = make_audit()
    sheets = audit.sheets(make_rows())
    assert [len(sheet.questions) for sheet in sheets] == [3, 3, 1]
    ids = [question.pair_id for sheet in sheets for question in sheet.questions]
    assert sorted(ids) == [f"p{number}" for number in range(7)]
    assert ids != sorted(ids)
    assert audit.sheets(make_rows().iloc[::-1]) == sheets


def test_only_accepted_queries_are_read(make_audit: Callable[..., Auditing]):
    """Rejected rows and titles are not; one sheet holds one language."""
    rows = pd.concat([make_rows(2), make_rows(2, status="failed"), make_rows(2, style="title")])
    french = make_rows(2, language="fr").assign(pair_id=["f0", "f1"])
    sheets = make_audit().sheets(pd.concat([rows, french]))
    assert [(sheet.language, len(sheet.questions)) for sheet in sheets] == [("es", 2), ("fr", 2)]


def coded(questions: Iterable[Question], attempt: int = 1) -> dict[Question, Coded]:
    """Return a code for each question."""
    return {question: Coded("E11.9", attempt) for question in questions}


def test_a_first_attempt_asks_what_has_no_answer(make_audit: Callable[..., Auditing]):
    """Sheets with an answer are left out, and of the others what another sheet brought a code for."""
    audit = make_audit()
    sheets = audit.sheets(make_rows())
    assert audit.open_sheets(sheets, {}, 1, set()) == sheets
    answered = {audit.request(sheets[0], 1).key}
    done = coded(sheets[0].questions) | coded(sheets[1].questions[:1])
    left = audit.open_sheets(sheets, done, 1, answered)
    assert [len(sheet.questions) for sheet in left] == [2, 1]
    assert left[1] == sheets[2]


def test_a_second_attempt_asks_what_the_first_left(make_audit: Callable[..., Auditing]):
    """Once it has its answer it asks nothing again, whatever that answer held."""
    audit = make_audit()
    sheets = audit.sheets(make_rows(3))
    first = {audit.request(sheets[0], 1).key}
    done = coded(sheets[0].questions[:1])
    (left,) = audit.open_sheets(sheets, done, 2, first)
    assert left.questions == sheets[0].questions[1:]
    second = first | {audit.request(left, 2).key}
    more = done | coded(sheets[0].questions[1:2], attempt=2)
    assert audit.open_sheets(sheets, more, 1, second) == []
    assert audit.open_sheets(sheets, more, 2, second) == []


def test_other_words_under_the_same_id_are_read_anew(make_audit: Callable[..., Auditing]):
    """A row that a new prompt wrote is another query."""
    audit = make_audit()
    sheets = audit.sheets(make_rows(3))
    before = coded(Question(one.pair_id, "what it was before") for one in sheets[0].questions)
    assert audit.open_sheets(sheets, before, 1, set()) == sheets


def test_the_reader_sees_the_words_alone(make_audit: Callable[..., Auditing]):
    """Neither code nor style nor id is in the request."""
    audit = make_audit()
    first = audit.request(audit.sheets(make_rows())[0], 1)
    assert [line.split(". ")[0] for line in first.user.splitlines()[2:]] == ["1", "2", "3"]
    for word in ("E11", "lay", "p0", "p1"):
        assert word not in first.user
    assert first.meta["prompt"] == audit.prompt.hash
    assert len(first.meta["rows"]) == 3


def recorded(rows: list[list[str]], codes: dict[int, str], prompt: str = "h", attempt: int = 1) -> Recorded:
    """Return an answer of a reader."""
    answers = [{"number": number, "code": code} for number, code in codes.items()]
    said = Answer(json.dumps({"answers": answers}), "stop")
    return Recorded(said, "2026-11-28", {"rows": rows, "prompt": prompt}, attempt)


def test_harvest():
    """Codes go to their rows by number; the first counts, an empty one and another prompt's do not."""
    rows = [["p0", "a"], ["p1", "b"]]
    found = harvest(
        [
            recorded(rows, {1: "E11.9", 2: "", 9: "X"}),
            recorded(rows, {1: "I10", 2: "R07.9"}, attempt=2),
            recorded(rows, {2: "J45"}, "z"),
        ],
        "h",
    )
    assert found == {Question("p0", "a"): Coded("E11.9", 1), Question("p1", "b"): Coded("R07.9", 2)}


GIVEN = ["E11.9", "e119", "E11.2", "R07.9", "E99.9", "sugar", ""]
EXPECTED = ["code", "code", "category", "none", "invented_code", "invented_code", ""]


def mark(params: GenerationParams, code_set: pd.DataFrame, given: list[str]) -> pd.DataFrame:
    """Return rows marked with what a reader gave."""
    rows = make_rows(len(given))
    codes = {Question(f"p{n}", f"consulta {n}"): Coded(code, 1) for n, code in enumerate(given) if code}
    return mark_agreement(rows, codes, frozenset(code_set["code"]), params)


def test_agreement(make_params: Make, tiny_code_set: pd.DataFrame):
    """Each answer is marked with the level at which it agrees; those below the bar are left out."""
    marked = mark(make_params(audit={"agree_at": "category"}), tiny_code_set, GIVEN)
    assert marked["agreement"].tolist() == EXPECTED
    assert marked["answer"].tolist() == ["E11.9", "E11.9", "E11.2", "R07.9", "E99.9", "sugar", ""]
    assert marked["status"].tolist() == ["accepted"] * 3 + ["rejected"] * 3 + ["accepted"]
    assert marked.loc[3, ["reason", "detail"]].tolist() == [
        "audit_disagrees",
        "A blind reader codes it R07.9.",
    ]


@pytest.mark.parametrize(("level", "kept"), [("code", 3), ("four_characters", 3), ("category", 4)])
def test_the_bar(make_params: Make, tiny_code_set: pd.DataFrame, level: str, kept: int):
    """Two exact answers and the one that is missing are kept at any bar, the same category at the lowest."""
    marked = mark(make_params(audit={"agree_at": level}), tiny_code_set, GIVEN)
    assert (marked["status"] == "accepted").sum() == kept


def test_four_characters(make_params: Make, tiny_code_set: pd.DataFrame):
    """E11.22 for E11.21 agrees in the first four characters."""
    rows = make_rows(1, code="E11.21")
    codes = {Question("p0", "consulta 0"): Coded("E11.22", 1)}
    known = frozenset(tiny_code_set["code"])
    assert mark_agreement(rows, codes, known, make_params())["agreement"].tolist() == ["four_characters"]


def test_disagreements_can_be_kept(make_params: Make, tiny_code_set: pd.DataFrame):
    """They are marked all the same."""
    marked = mark(make_params(audit={"keep_disagreements": True}), tiny_code_set, GIVEN)
    assert set(marked["status"]) == {"accepted"}
    assert marked["agreement"].tolist() == EXPECTED
