"""What the report says, section by section, all of it computed from the numbers."""

from typing import Final

import pandas as pd

from codisearch.pipelines.evaluation.measures.gain import (
    LEARNING_GAIN,
    LEARNING_GAIN_IN_RECALL,
    RERANKING,
    RISE_FROM_GENERALIST,
)
from codisearch.pipelines.evaluation.measures.metrics import DEPTH
from codisearch.pipelines.evaluation.measures.summary import ALL, PRIMARY_METRIC, best_system, select_metrics
from codisearch.pipelines.evaluation.reporting.behaviour_sections import (
    calibration_section,
    facets_section,
    systems_section,
)
from codisearch.pipelines.evaluation.reporting.comparing_sections import (
    changes_section,
    moves_section,
    pairs_section,
)
from codisearch.pipelines.evaluation.reporting.confidence_section import confidence_section
from codisearch.pipelines.evaluation.reporting.curve import curve_section
from codisearch.pipelines.evaluation.reporting.document import (
    Cell,
    Section,
    Table,
    format_interval,
    table_of_estimates,
    table_of_frame,
    tables_of_facts,
)
from codisearch.pipelines.evaluation.reporting.figures import language_label
from codisearch.pipelines.evaluation.reporting.gold_section import gold_section
from codisearch.pipelines.evaluation.reporting.headline import headline_section
from codisearch.pipelines.evaluation.reporting.measure_tables import (
    LANGUAGE_HEADS,
    MEASURES,
    language_table,
    level_tables,
)
from codisearch.pipelines.evaluation.reporting.reference import reference_section
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs

_SEEN_HEADS: Final = {"seen": "seen codes", "unseen": "unseen codes", ALL: "All"}
_PICTURES: Final = {
    "recall_by_language": "Points with intervals: recall@5 of each system, in each language and overall.",
    "recall_curve": "Lines: recall@k of each system over k, the number of codes that one looks at.",
    "seen_unseen": "Points with intervals: recall@5 of each system on seen and on unseen codes.",
    "training_history": "Lines: training losses and validation measures over the training step.",
    "encoder_candidates": "Points: recall@5 and MRR of each encoder over the seconds that it took.",
}
_HOW_TO_READ: Final = (
    "recall@k: the share of queries with a right code among the first k. A query with several right codes"
    " counts as found with any of them.",
    "MRR: the mean of 1 / rank of the first right code, 0 where it is not among the first {depth}.",
    "[low, high]: a 95 % bootstrap interval; whole codes were drawn anew, since the queries for one code rise"
    " and fall together. There is none where there is too little to draw from.",
    "Bold: the best of a column. Where intervals overlap, look at the paired comparisons before you call one"
    " system better.",
    "Levels: a right category (first three characters) with a wrong end is a miss at the level of the whole"
    " code and a hit at the level of the category.",
    "Styles: formal as in a report, shorthand as in notes, lay as a patient says it.",
    "MAP@10 and nDCG@10: average precision and graded gain within the first ten; for nDCG a code that shares"
    " its first four characters with a right one gains two thirds, one of the same category one third.",
    "P@1, R@1 and F1@1: precision, recall and F1 of the first answer; they differ where a query has several"
    " right codes.",
    "docs/evaluation.md defines every number.",
)
_COMPARISON_TITLES: Final = {
    LEARNING_GAIN_IN_RECALL.name: "Relative rise of recall@5 from the un-tuned to the fine-tuned encoder",
    LEARNING_GAIN.name: "Learning gain: relative rise of MRR from the un-tuned to the fine-tuned encoder",
    RISE_FROM_GENERALIST.name: "Relative rise of MRR from the generalist to the fine-tuned encoder",
    RERANKING.name: "What reranking adds to recall@5",
}


def build_sections(inputs: ReportInputs) -> tuple[Section, ...]:
    """Return the sections of the report in order."""
    sections = (
        headline_section(inputs),
        _by_language(inputs),
        _by_measure(inputs),
        _by_style(inputs),
        _by_seen(inputs),
        facets_section(inputs),
        pairs_section(inputs),
        _changes(inputs),
        moves_section(inputs),
        changes_section(inputs),
        curve_section(
            inputs.learning_curve, inputs.metrics, (inputs.run_facts or {}).get("digest of the pairs")
        ),
        _training(inputs),
        _candidates(inputs),
        _fusion(inputs),
        gold_section(inputs),
        calibration_section(inputs),
        confidence_section(inputs),
        systems_section(inputs),
        _leakage(inputs),
        _examples(inputs),
        reference_section(inputs.metrics, inputs.comparisons),
        _how_to_read(inputs),
        _run_facts(inputs),
    )
    return tuple(section for section in sections if section is not None)


def _by_language(inputs: ReportInputs) -> Section:
    """Return recall@5 and MRR of each system and language."""
    tables = (
        language_table(select_metrics(inputs.metrics, PRIMARY_METRIC), "recall@5 by language"),
        language_table(select_metrics(inputs.metrics, "mrr"), "MRR by language"),
    )
    return Section(
        "By language",
        pictures=inputs.pictures("recall_by_language", _PICTURES["recall_by_language"]),
        tables=tables,
    )


def _by_measure(inputs: ReportInputs) -> Section:
    """Return all measures overall, at the three code lengths."""
    tables = level_tables(inputs.metrics, "All test queries")
    return Section(
        "How far down the list",
        pictures=inputs.pictures("recall_curve", _PICTURES["recall_curve"]),
        tables=tables,
    )


def _by_style(inputs: ReportInputs) -> Section | None:
    """Return recall@5 of each style, and of the best system by language and style."""
    rows = select_metrics(inputs.metrics, PRIMARY_METRIC, language=ALL, style=None)
    styles = [style for style in dict.fromkeys(rows["style"]) if style != ALL]
    if not styles:
        return None
    heads = {**{style: style for style in styles}, ALL: LANGUAGE_HEADS[ALL]}
    best = best_system(inputs.metrics)
    of_best = select_metrics(inputs.metrics.loc[inputs.metrics["system"] == best], PRIMARY_METRIC, style=None)
    order = of_best["language"].map(list(LANGUAGE_HEADS).index)
    of_best = of_best.iloc[order.argsort(kind="stable")].drop(columns="queries")
    of_best = of_best.assign(language=of_best["language"].map(LANGUAGE_HEADS))
    tables = (
        table_of_estimates(rows, "style", heads, "recall@5 by style, with 95 % intervals"),
        table_of_estimates(
            of_best, "style", heads, f"recall@5 of {best}, language by style", down="language"
        ),
    )
    return Section("By style of the query", tables=tables)


def _by_seen(inputs: ReportInputs) -> Section | None:
    """Return recall@5 on codes with and without training pairs."""
    rows = select_metrics(inputs.metrics, PRIMARY_METRIC, language=ALL, seen=None)
    sides = [side for side in _SEEN_HEADS if side != ALL and (rows["seen"] == side).any()]
    if not sides:
        return None
    by_language = (
        language_table(select_metrics(inputs.metrics, PRIMARY_METRIC, seen=side), f"recall@5 on {side} codes")
        for side in sides
    )
    overall = table_of_estimates(rows, "seen", _SEEN_HEADS, "recall@5, with 95 % intervals")
    return Section(
        "Seen and unseen codes",
        ("A test query is seen if its code has a pair in the training split, unseen if it has none.",),
        pictures=inputs.pictures("seen_unseen", _PICTURES["seen_unseen"]),
        tables=(overall, *by_language),
    )


def _changes(inputs: ReportInputs) -> Section | None:
    """Return the paired comparisons."""
    if inputs.comparisons is None or inputs.comparisons.empty:
        return None
    text = (
        "Both systems of a comparison answer the same queries over the same codes, and the intervals are of"
        " the change itself. An interval speaks for its own row; whether a difference stands up to the number"
        " of comparisons is said under Which differences are real."
    )
    by_name = inputs.comparisons.groupby("comparison", sort=False)
    tables = tuple(_change_table(str(name), rows) for name, rows in by_name)
    return Section("What training and reranking add", (text,), tables=tables)


def _change_table(name: str, rows: pd.DataFrame) -> Table:
    """Return one comparison, overall and per language."""
    first = rows.iloc[0]
    relative = first["kind"] == "relative"
    scale, form = (100.0, "{:+.1f}") if relative else (1.0, "{:+.3f}")
    measure = MEASURES.get(first["metric"], first["metric"])
    systems = (f"{measure} of {first[side]}" for side in ("before_system", "after_system"))
    body = []
    for row in rows.to_dict("records"):
        change = format_interval(*(scale * row[end] for end in ("change", "low", "high")), form=form)
        texts = (language_label(row["language"]), f"{row['before']:.3f}", f"{row['after']:.3f}", change)
        body.append((*map(Cell, texts), Cell(f"{row['queries']:,}")))
    columns = ("language", *systems, "change, %" if relative else "change", "queries")
    return Table(_COMPARISON_TITLES.get(name, name.replace("_", " ")), columns, tuple(body))


def _training(inputs: ReportInputs) -> Section | None:
    """Return the course of the training."""
    pictures = inputs.pictures("training_history", _PICTURES["training_history"])
    return Section("Training", pictures=pictures) if pictures else None


def _candidates(inputs: ReportInputs) -> Section | None:
    """Return the encoders that were tried on validation."""
    if inputs.candidates is None or inputs.candidates.empty:
        return None
    text = "Encoders tried on the validation queries; the test queries took no part in the choice."
    table = table_of_frame(inputs.candidates, "Encoder candidates on validation", best=("recall@5", "mrr"))
    return Section(
        "Which encoder",
        (text,),
        pictures=inputs.pictures("encoder_candidates", _PICTURES["encoder_candidates"]),
        tables=(table,),
    )


def _fusion(inputs: ReportInputs) -> Section | None:
    """Return how the two stages were joined."""
    tables = tables_of_facts(inputs.fusion, "The choice") if inputs.fusion else ()
    if inputs.fusion_validation is not None and not inputs.fusion_validation.empty:
        tables += (table_of_frame(inputs.fusion_validation, "Measured on validation"),)
    text = "How deep the reranker looks and how its score joins the first stage's, chosen on validation."
    return Section("How the two stages are joined", (text,), tables=tables) if tables else None


def _leakage(inputs: ReportInputs) -> Section | None:
    """Return the leakage report of the curation."""
    if not inputs.leakage:
        return None
    text = "How many test queries had a near-duplicate in training, and what the curation removed."
    return Section("Leakage and curation", (text,), tables=tables_of_facts(inputs.leakage, "Leakage report"))


def _examples(inputs: ReportInputs) -> Section | None:
    """Return test queries with their answers."""
    if inputs.examples is None or inputs.examples.empty:
        return None
    best = best_system(inputs.metrics)
    text = f"Test queries with the first three codes of {best}, failures among them on purpose."
    table = table_of_frame(inputs.examples, f"{len(inputs.examples)} test queries")
    return Section("Examples", (text,), tables=(table,))


def _how_to_read(inputs: ReportInputs) -> Section:
    """Return what the words and numbers mean."""
    depth = (inputs.run_facts or {}).get("codes ranked for a query", DEPTH)
    return Section("How to read this", points=tuple(text.format(depth=depth) for text in _HOW_TO_READ))


def _run_facts(inputs: ReportInputs) -> Section | None:
    """Return the facts of the run."""
    if not inputs.run_facts:
        return None
    return Section("This run", tables=tables_of_facts(inputs.run_facts, "Facts of the run"))
