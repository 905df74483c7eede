"""The tables that a terminal shows."""

import io
from typing import Any

from rich.console import Console

from codisearch.pipelines.generation.console import render_plan, render_report

TASK = {
    "task": "queries",
    "generator": "gemini",
    "model": "gemini-x",
    "requests": 8_214,
    "answered": 14,
    "rows": 24_642,
    "input_tokens": 9_000_000,
    "output_tokens": 7_000_000,
    "money": 33.0,
    "seconds": 3_661.0,
    "basis": "an estimate from the prompts' length",
}
AUDIT = {**TASK, "task": "audit", "requests": 990, "answered": 0, "money": 4.0, "seconds": 60.0}
PLAN: dict[str, Any] = {
    "codes": 1_369,
    "languages": ["en", "es"],
    "mode": "online",
    "currency": "USD",
    "tasks": [TASK, AUDIT],
    "budget": {"money": 50.0},
    "spent": {"requests": 14, "input_tokens": 1_000, "output_tokens": 500, "money": 0.5},
}


def show(table: Any) -> str:
    """Return what a wide terminal shows."""
    output = io.StringIO()
    Console(file=output, width=140).print(table)
    return output.getvalue()


def cells(text: str, name: str) -> list[str]:
    """Return the cells of the row with a name."""
    line = next(line for line in text.splitlines() if name in line)
    return [cell.strip() for cell in line.strip("│┃ ").replace("┃", "│").split("│")]


def test_plan():
    """Both passes and their sums, what was spent, and the budget."""
    text = show(render_plan(PLAN))
    assert cells(text, "requests") == ["requests", "8,214", "990", "9,204"]
    assert cells(text, "USD") == ["USD", "33.00", "4.00", "37.00"]
    assert cells(text, "time") == ["time", "1:01:01", "0:01:00", "1:02:01"]
    assert "Spent on this ledger so far: 14 requests, 1,500 tokens, 0.50 USD." in " ".join(text.split())
    assert "Budget: money 50.0." in text


def test_plan_beyond_the_budget():
    """A budget that is too small is told before the run: 37 and 0.50 spent are more than 37."""
    assert "It ends the run" not in show(render_plan(PLAN))
    short = show(render_plan({**PLAN, "budget": {"money": 37.0}}))
    assert "Budget: money 37.0. It ends the run before all is done." in " ".join(short.split())


def test_plan_of_one_pass_in_batch_mode():
    """No sums of one pass; the service sets the time; nothing spent, no budget."""
    spent = {"requests": 0, "input_tokens": 0, "output_tokens": 0, "money": 0.0}
    text = show(render_plan({**PLAN, "tasks": [TASK], "mode": "batch", "spent": spent, "budget": {}}))
    assert cells(text, "USD") == ["USD", "33.00"]
    assert cells(text, "time") == ["time", "hours"]
    assert "Spent" not in text
    assert "Budget: none." in text


PART = {
    "requests_sent": 60,
    "answers": 50,
    "faults": {"timeout": 7, "rate_limited": 3},
    "useless_answers": {"safety_block": 2},
    "input_tokens": 1_000,
    "output_tokens": 200,
}
REPORT: dict[str, Any] = {
    "source": "gemini-x-12345678",
    "rows": {"planned": 144, "accepted": 120, "rejected": 14, "failed": 6, "pending": 4},
    "reasons": {"rejected audit_disagrees": 14, "failed safety_block": 6, "pending not_sent": 4},
    "confusables": {"kept": 40},
    "unread": 3,
    "agreement": {"code": 120, "four_characters": 0, "category": 0, "none": 14, "invented_code": 0},
    "queries": PART,
    "audit": PART,
    "corpus_pairs": 0,
    "ledger": {"requests": 400, "tokens": 9_000, "money": 1.5},
    "money": 0.4461,
    "currency": "USD",
    "stopped": "the budget of 60 requests would be passed",
}


def test_report():
    """Rows by end and reason, requests with their faults, tokens, money, and why it ended early."""
    text = show(render_report(REPORT))
    for words in ("144", "60 sent, 50 answered", "400 requests, 9,000 tokens", "1.5000 USD"):
        assert words in text
    assert cells(text, "audit_disagrees")[1] == "14"
    assert cells(text, "timeout")[1] == "7"
    assert cells(text, "not read")[1] == "3"
    assert cells(text, "this run's tokens")[1] == "2,400"
    assert cells(text, "this run's money")[1] == "0.4461 USD"
    assert "four characters" not in text
    assert cells(text, "ended early")[1] == "the budget of 60 requests would be passed"


def test_report_without_an_audit():
    """Nothing is said of a pass that there was not."""
    agreement = dict.fromkeys(REPORT["agreement"], 0)
    changes = {"audit": {}, "agreement": agreement, "stopped": "", "unread": 0, "corpus_pairs": 10}
    text = show(render_report({**REPORT, **changes}))
    assert cells(text, "pairs of the corpus")[1] == "10"
    assert "audit" not in text.replace("audit_disagrees", "")
    assert "agrees" not in text.replace("disagrees", "")
    assert "ended early" not in text
