"""The plan of a run and what it came to, as tables for a terminal."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rich.table import Table

_LABELS = {
    "requests": "requests",
    "answered": "  answered, or in a job",
    "rows": "queries",
    "input_tokens": "tokens to send",
    "output_tokens": "tokens to come",
}


def render_plan(plan: Mapping[str, Any]) -> Table:
    """Return the plan (`nodes.plan_generation`) as a table: a column for each pass, and one for both."""
    table = Table(
        title=f"Plan: {plan['codes']:,} codes, {', '.join(plan['languages'])}, {plan['mode']}",
        title_justify="left",
        caption=_caption(plan),
        caption_justify="left",
    )
    table.add_column("")
    tasks = plan["tasks"]
    for task in tasks:
        table.add_column(task["task"], justify="right")
    several = len(tasks) > 1
    if several:
        table.add_column("together", justify="right", style="bold")
    table.add_row("model", *(f"{task['model']} ({task['generator']})" for task in tasks))
    for name in ("requests", "answered", "rows", "input_tokens", "output_tokens"):
        values = [task[name] for task in tasks]
        sums = [sum(values)] if several and name != "rows" else []
        table.add_row(_LABELS[name], *(f"{value:,}" for value in [*values, *sums]))
    money = [task["money"] for task in tasks]
    table.add_row(plan["currency"], *(f"{value:,.2f}" for value in [*money, *[sum(money)][: int(several)]]))
    seconds = [task["seconds"] for task in tasks]
    times = [*seconds, *[sum(seconds)][: int(several)]]
    table.add_row("time", *(_time(value, plan["mode"]) for value in times))
    return table


def _caption(plan: Mapping[str, Any]) -> str:
    bases = dict.fromkeys(f"{task['task']}: {task['basis']}" for task in plan["tasks"])
    lines = [f"Figures rest on: {'; '.join(bases)}. Repeated requests come on top."]
    spent = plan["spent"]
    if spent["requests"]:
        lines.append(
            f"Spent on this ledger so far: {spent['requests']:,} requests, "
            f"{spent['input_tokens'] + spent['output_tokens']:,} tokens, "
            f"{spent['money']:,.2f} {plan['currency']}."
        )
    budget = ", ".join(f"{name} {value:,}" for name, value in plan["budget"].items())
    needed = spent["money"] + sum(task["money"] for task in plan["tasks"])
    short = needed > plan["budget"].get("money", needed)
    lines.append(f"Budget: {budget or 'none'}.{' It ends the run before all is done.' if short else ''}")
    return "\n".join(lines)


def _time(seconds: float, mode: str) -> str:
    return "hours" if mode == "batch" else str(timedelta(seconds=round(seconds)))


def render_report(report: Mapping[str, Any]) -> Table:
    """Return what a run came to (`report.generation_report`) as a table."""
    table = Table(title=f"Generation by {report['source']}", title_justify="left", show_header=False)
    table.add_column("what", style="bold")
    table.add_column("how much", justify="right")
    rows = report["rows"]
    table.add_row("queries planned", f"{rows['planned']:,}")
    for end in ("accepted", "rejected", "failed", "pending"):
        table.add_row(f"  {end}", f"{rows[end]:,}")
        for reason, count in sorted(report["reasons"].items(), key=lambda item: -item[1]):
            if reason.startswith(f"{end} "):
                table.add_row(f"    {reason.removeprefix(end).strip()}", f"{count:,}")
    _add_audit(table, report)
    table.add_row("confusable codes", f"{report['confusables']['kept']:,}")
    if report["corpus_pairs"]:
        table.add_row("pairs of the corpus beside them", f"{report['corpus_pairs']:,}")
    _add_requests(table, report)
    if report["stopped"]:
        table.add_row("ended early", report["stopped"], style="yellow")
    return table


def _add_audit(table: Table, report: Mapping[str, Any]) -> None:
    for level, count in report["agreement"].items():
        if count:
            table.add_row(f"blind reader agrees: {level.replace('_', ' ')}", f"{count:,}")
    if report["unread"]:
        table.add_row("accepted, not read by the blind reader", f"{report['unread']:,}", style="yellow")


def _add_requests(table: Table, report: Mapping[str, Any]) -> None:
    for task in ("queries", "audit"):
        if part := report[task]:
            sent = f"{part['requests_sent']:,} sent, {part['answers']:,} answered"
            table.add_row(f"this run's requests, {task}", sent)
            for kind, count in {**part["faults"], **part["useless_answers"]}.items():
                table.add_row(f"    {kind}", f"{count:,}")
    parts = [part for part in (report["queries"], report["audit"]) if part]
    tokens = sum(part["input_tokens"] + part["output_tokens"] for part in parts)
    table.add_row("this run's tokens", f"{tokens:,}")
    table.add_row("this run's money", f"{report['money']:,.4f} {report['currency']}")
    ledger = report["ledger"]
    table.add_row("all runs on the ledger", f"{ledger['requests']:,} requests, {ledger['tokens']:,} tokens")
    table.add_row("", f"{ledger['money']:,.4f} {report['currency']}")
