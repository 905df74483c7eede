"""The blind second pass."""

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from codisearch.generators.contract import Answer
from codisearch.generators.ledger import Recorded
from codisearch.pipelines.generation.auditing import Auditing, Question, harvest, mark_agreement
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


def test_what_is_coded_is_left_out_and_the_sheets_stay(make_audit: Callable[..., Auditing]):
    """A sheet of which nothing is coded is the same request as before, so an answer to it is found again."""
    audit = make_audit()
    sheets = audit.sheets(make_rows())
    done = {question.pair_id for question in sheets[0].questions} | {sheets[1].questions[0].pair_id}
    left = audit.sheets(make_rows(), done)
    assert [len(sheet.questions) for sheet in left] == [2, 1]
    assert left[1] == sheets[2]


def test_the_reader_sees_the_words_alone(make_audit: Callable[..., Auditing]):
    """Neither code nor style nor id is in the request."""
    audit = make_audit()
    (first, *_) = audit.requests(audit.sheets(make_rows()), 1)
    assert [line.split(". ")[0] for line in first.user.splitlines()[2:]] == ["1", "2", "3"]
    for word in ("E11", "lay", "p0", "p1"):
        assert word not in first.user
    assert first.meta["prompt"] == audit.prompt.hash
    assert len(first.meta["rows"]) == 3


def recorded(rows: list[list[str]], codes: dict[int, str], prompt: str = "h") -> Recorded:
    """Return an answer of a reader."""
    answers = [{"number": number, "code": code} for number, code in codes.items()]
    return Recorded(
        Answer(json.dumps({"answers": answers}), "stop"), "2026-11-28", {"rows": rows, "prompt": prompt}
    )


def test_harvest():
    """Codes go to their rows by number; the first answer counts, and another prompt's not at all."""
    rows = [["p0", "a"], ["p1", "b"]]
    found = harvest(
        [
            recorded(rows, {1: "E11.9", 9: "X"}),
            recorded(rows, {1: "I10", 2: "R07.9"}),
            recorded(rows, {2: "J45"}, "z"),
        ],
        "h",
    )
    assert found == {Question("p0", "a"): "E11.9", Question("p1", "b"): "R07.9"}


GIVEN = ["E11.9", "e119", "E11.2", "R07.9", "E99.9", "sugar", ""]
EXPECTED = ["code", "code", "category", "none", "invented_code", "invented_code", ""]


def mark(params: GenerationParams, code_set: pd.DataFrame, given: list[str]) -> pd.DataFrame:
    """Return rows marked with what a reader gave."""
    rows = make_rows(len(given))
    codes = {Question(f"p{n}", f"consulta {n}"): code for n, code in enumerate(given) if code}
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
    codes = {Question("p0", "consulta 0"): "E11.22"}
    known = frozenset(tiny_code_set["code"])
    assert mark_agreement(rows, codes, known, make_params())["agreement"].tolist() == ["four_characters"]


def test_disagreements_can_be_kept(make_params: Make, tiny_code_set: pd.DataFrame):
    """They are marked all the same."""
    marked = mark(make_params(audit={"keep_disagreements": True}), tiny_code_set, GIVEN)
    assert set(marked["status"]) == {"accepted"}
    assert marked["agreement"].tolist() == EXPECTED
