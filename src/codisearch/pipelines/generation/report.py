"""What a run came to: rows by end and reason, requests, tokens, money, agreement."""

from typing import Any, Final

import pandas as pd

from codisearch.generators.ledger import Ledger
from codisearch.pipelines.generation.params import CORPUS, GenerationParams

Report = dict[str, Any]
_AUDITED: Final = ("code", "four_characters", "category", "none", "invented_code")


def corpus_report(pairs: int) -> Report:
    """Return the report of a run that hands over the corpus."""
    return {"generator": CORPUS, "rows": {"accepted": pairs}, "stopped": ""}


def task_report(ledger: Ledger, task: str, currency: str, stopped: str, prompt: dict[str, str]) -> Report:
    """Return what the requests of a pass came to, those of earlier runs on the ledger among them."""
    totals = ledger.totals(task)
    spent = totals.spent
    return {
        "prompt": prompt,
        "requests_sent": spent.requests,
        "answers": spent.answers,
        "unanswered": totals.unanswered,
        "faults": dict(totals.faults),
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "money": round(spent.money, 6),
        "currency": currency,
        "stopped": stopped,
    }


def generation_report(
    rows: pd.DataFrame, writing: Report, audit: Report, confusables: Report, params: GenerationParams
) -> Report:
    """Return the report of a run with a language model.

    Args:
        rows: `schemas.GENERATED_ROWS`.
        writing: What the first pass came to (`task_report`), with `source`.
        audit: What the second pass came to, or an empty dictionary.
        confusables: How many were kept, and refused by reason.
        params: The pipeline's parameters.
    """
    ends = rows["status"].value_counts()
    open_rows = rows.loc[rows["status"] != "accepted", ["status", "reason"]]
    accepted = rows.loc[rows["status"] == "accepted", ["language", "style"]]
    audited = rows["agreement"].value_counts()
    passes = [part for part in (writing, audit) if part]
    return {
        "generator": params.generator,
        "source": writing["source"],
        "model": params.models[params.generator].model_dump(mode="json", exclude={"prices", "base_url"}),
        "rows": {
            "planned": len(rows),
            **{end: int(ends.get(end, 0)) for end in ("accepted", "rejected", "failed", "pending")},
        },
        "reasons": _counts(open_rows["status"] + " " + open_rows["reason"]),
        "accepted": _counts(accepted["language"] + " " + accepted["style"]),
        "refused_drafts": writing["refused_drafts"],
        "confusables": confusables,
        "agreement": {level: int(audited.get(level, 0)) for level in _AUDITED},
        "unread": _unread(rows) if audit else 0,
        "queries": writing,
        "audit": audit,
        "money": round(sum(part["money"] for part in passes), 6),
        "currency": writing["currency"],
        "stopped": next((part["stopped"] for part in passes if part["stopped"]), ""),
    }


def _unread(rows: pd.DataFrame) -> int:
    """Return how many accepted queries no reader has coded; titles are not read."""
    queries = (rows["status"] == "accepted") & (rows["style"] != "title")
    return int((queries & (rows["agreement"] == "")).sum())


def _counts(values: "pd.Series[str]") -> dict[str, int]:
    return {str(value): int(count) for value, count in values.value_counts(sort=False).items()}


def run_record(report: Report) -> dict[str, dict[str, Any]]:
    """Return what MLflow gets of a report: `params`, `metrics` and `texts`."""
    if report["generator"] == CORPUS:
        return {
            "params": {"generation.source": CORPUS},
            "metrics": {"generation.rows.accepted": report["rows"]["accepted"]},
            "texts": {},
        }
    metrics = {f"generation.rows.{end}": count for end, count in report["rows"].items()}
    metrics |= {f"generation.{reason.replace(' ', '.')}": n for reason, n in report["reasons"].items()}
    metrics |= {f"generation.agreement.{level}": n for level, n in report["agreement"].items()}
    metrics["generation.unread"] = report["unread"]
    metrics |= {f"generation.confusables.{name}": n for name, n in report["confusables"].items()}
    params = {"generation.source": report["source"]}
    params |= {f"generation.model.{name}": value for name, value in report["model"].items()}
    for task in ("queries", "audit"):
        part = report[task]
        if part:
            names = ("requests_sent", "answers", "unanswered", "input_tokens", "output_tokens", "money")
            metrics |= {f"generation.{task}.{name}": part[name] for name in names}
            metrics |= {f"generation.{task}.fault.{kind}": n for kind, n in part["faults"].items()}
            params |= {f"generation.{task}.prompt": part["prompt"]["name"]}
            params |= {f"generation.{task}.prompt_hash": part["prompt"]["hash"]}
    return {"params": params, "metrics": metrics, "texts": {}}
