"""What a run came to: rows by end and reason, requests, tokens, money, agreement."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from codisearch.generators.ledger import Totals
from codisearch.generators.meter import Spent
from codisearch.pipelines.generation.auditing import is_unread
from codisearch.pipelines.generation.params import CORPUS, GenerationParams

Report = dict[str, Any]
_AUDITED: Final = ("code", "four_characters", "category", "none", "invented_code")


def corpus_report(pairs: int) -> Report:
    """Return the report of a run that hands over the corpus."""
    return {"generator": CORPUS, "rows": {"accepted": pairs}, "stopped": ""}


def task_report(
    before: Totals,
    after: Totals,
    currency: str,
    stopped: str,
    prompt: dict[str, str],
    useless: Mapping[str, int],
) -> Report:
    """Return what the requests of a pass came to in this run.

    Args:
        before: What stood in the ledger before.
        after: What stands in it now.
        currency: Of the money.
        stopped: Why the run ended early, or an empty string.
        prompt: Name and hash of the prompt file.
        useless: Why answers were of no use as a whole -> how many, those of earlier runs among them.
    """
    then, now = before.spent, after.spent
    faults = {kind: count - before.faults.get(kind, 0) for kind, count in after.faults.items()}
    return {
        "prompt": prompt,
        "requests_sent": now.requests - then.requests,
        "answers": now.answers - then.answers,
        "unanswered": after.unanswered,
        "faults": {kind: count for kind, count in faults.items() if count},
        "useless_answers": dict(useless),
        "input_tokens": now.input_tokens - then.input_tokens,
        "output_tokens": now.output_tokens - then.output_tokens,
        "money": round(now.money - then.money, 6),
        "currency": currency,
        "stopped": stopped,
    }


def generation_report(
    rows: pd.DataFrame,
    writing: Report,
    audit: Report,
    confusables: Report,
    corpus_pairs: int,
    ledger: Spent,
    params: GenerationParams,
) -> Report:
    """Return the report of a run with a language model.

    Args:
        rows: `schemas.GENERATED_ROWS`.
        writing: What the first pass came to (`task_report`), with `source`.
        audit: What the second pass came to, or an empty dictionary.
        confusables: How many were kept, and refused by reason.
        corpus_pairs: How many pairs of the corpus stand beside the generated ones.
        ledger: What all runs on the ledger came to.
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
        "unread": int(is_unread(rows).sum()) if audit else 0,
        "corpus_pairs": corpus_pairs,
        "queries": writing,
        "audit": audit,
        "money": round(sum(part["money"] for part in passes), 6),
        "currency": writing["currency"],
        "ledger": {"requests": ledger.requests, "tokens": ledger.tokens, "money": round(ledger.money, 6)},
        "stopped": next((part["stopped"] for part in passes if part["stopped"]), ""),
    }


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
    metrics |= {f"generation.ledger.{name}": value for name, value in report["ledger"].items()}
    metrics |= {f"generation.confusables.{name}": n for name, n in report["confusables"].items()}
    params = {"generation.source": report["source"]}
    params |= {f"generation.model.{name}": value for name, value in report["model"].items()}
    for task in ("queries", "audit"):
        part = report[task]
        if part:
            names = ("requests_sent", "answers", "unanswered", "input_tokens", "output_tokens", "money")
            metrics |= {f"generation.{task}.{name}": part[name] for name in names}
            metrics |= {f"generation.{task}.fault.{kind}": n for kind, n in part["faults"].items()}
            metrics |= {f"generation.{task}.useless.{kind}": n for kind, n in part["useless_answers"].items()}
            params |= {f"generation.{task}.prompt": part["prompt"]["name"]}
            params |= {f"generation.{task}.prompt_hash": part["prompt"]["hash"]}
    return {"params": params, "metrics": metrics, "texts": {}}
