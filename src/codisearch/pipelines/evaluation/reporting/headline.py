"""The results in plain words, computed from the numbers."""

from typing import Any

import pandas as pd

from codisearch.pipelines.evaluation.measures.summary import ALL, PRIMARY_METRIC, best_system, select_metrics
from codisearch.pipelines.evaluation.reporting.document import Section, format_share, format_value
from codisearch.pipelines.evaluation.reporting.figures import language_label
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs


def headline_section(inputs: ReportInputs) -> Section:
    """Return the results in plain words."""
    overall = select_metrics(inputs.metrics, PRIMARY_METRIC, language=ALL)
    name = best_system(inputs.metrics)
    best = overall.loc[overall["system"] == name].iloc[0]
    others = overall.loc[overall["system"] != name].sort_values("value", ascending=False, kind="stable")
    codes = (inputs.run_facts or {}).get("codes")
    ranked = f"all {format_value(codes)} codes" if codes else "the whole code set"
    points = [
        f"{name} is the best system by recall@5: of {best['queries']:,} test queries, each ranked against"
        f" {ranked}, it finds a right code among its first five for {format_share(best['value'])}"
        f"{_between(best)}."
    ]
    if len(others):
        points.append(f"Next comes {others.iloc[0]['system']} with {format_share(others.iloc[0]['value'])}.")
    points += _headline_slices(inputs.metrics, name)
    points += _headline_gold(inputs.gold_metrics)
    points += _headline_skipped(inputs.systems)
    if inputs.comparisons is not None:
        points += _headline_changes(inputs.comparisons)
    return Section("In short", points=tuple(points))


def _headline_gold(metrics: pd.DataFrame | None) -> list[str]:
    """Return what the best system finds of real mentions."""
    if metrics is None or metrics.empty:
        return []
    name = best_system(metrics)
    of_best = metrics.loc[metrics["system"] == name]
    code, category = (
        select_metrics(of_best, PRIMARY_METRIC, level=level, language=ALL).iloc[0]
        for level in ("code", "category")
    )
    return [
        f"Of {code['queries']:,} real mentions {name} finds {format_share(code['value'])}{_between(code)} in"
        f" its first five, and the right category of {format_share(category['value'])}."
    ]


def _headline_skipped(systems: pd.DataFrame | None) -> list[str]:
    """Return which systems were left out, so that nobody takes their absence for a result."""
    if systems is None:
        return []
    names = systems.loc[systems["skipped"].fillna("") != "", "system"].tolist()
    return [f"Left out, as the section on systems explains: {', '.join(names)}."] if names else []


def _between(row: "pd.Series[Any]") -> str:
    """Return the interval of a share in words, nothing where there is none."""
    if pd.isna(row["low"]):
        return ""
    return f" (95 % interval {format_share(row['low'])} to {format_share(row['high'])})"


def _headline_slices(metrics: pd.DataFrame, system: str) -> list[str]:
    """Return where the best system is strong and where it is weak."""
    of_system = metrics.loc[metrics["system"] == system]
    points = []
    languages = select_metrics(of_system, PRIMARY_METRIC)
    languages = languages.loc[languages["language"] != ALL].sort_values(
        "value", ascending=False, kind="stable"
    )
    if len(languages) > 1:
        top, low = languages.iloc[0], languages.iloc[-1]
        points.append(
            f"By language the recall@5 of {system} goes from {format_share(low['value'])}"
            f" ({language_label(low['language'])}) to {format_share(top['value'])}"
            f" ({language_label(top['language'])})."
        )
    sides = (
        select_metrics(of_system, PRIMARY_METRIC, language=ALL, seen=None)
        .set_index("seen")["value"]
        .to_dict()
    )
    if {"seen", "unseen"} <= set(sides):
        points.append(
            f"Where the code had training pairs it finds {format_share(sides['seen'])}, where it had none"
            f" {format_share(sides['unseen'])}."
        )
    return points


def _headline_changes(frame: pd.DataFrame) -> list[str]:
    """Return the overall changes in words."""
    points = []
    for row in frame.loc[(frame["language"] == ALL) & frame["change"].notna()].to_dict("records"):
        relative = row["kind"] == "relative"
        size = f"{100 * row['change']:+.1f} %" if relative else f"{row['change']:+.3f}"
        scale = (100.0, ".1f", " %") if relative else (1.0, ".3f", "")
        low, high = (f"{scale[0] * row[end]:+{scale[1]}}{scale[2]}" for end in ("low", "high"))
        span = "" if pd.isna(row["low"]) else f" (95 % interval {low} to {high})"
        name = str(row["comparison"]).replace("_", " ").capitalize()
        measure = "MRR" if row["metric"] == "mrr" else row["metric"]
        points.append(f"{name}: {measure} {size}{span} from {row['before_system']} to {row['after_system']}.")
    return points
