"""The section on real mentions."""

from typing import Final

from codisearch.pipelines.evaluation.measures.summary import ALL, PRIMARY_METRIC, best_system, select_metrics
from codisearch.pipelines.evaluation.reporting.behaviour_sections import facet_tables
from codisearch.pipelines.evaluation.reporting.comparing_sections import sentences_on, tables_of_pairs
from codisearch.pipelines.evaluation.reporting.document import (
    Section,
    Table,
    table_of_estimates,
    tables_of_facts,
)
from codisearch.pipelines.evaluation.reporting.measure_tables import language_table, level_tables
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs

_TEXT: Final = (
    "Mentions from real documents with the codes that people gave them. A mention alone can be"
    " under-specified, for the code may rest on the rest of the document: read the coarser levels beside"
    " the whole code."
)
_MATCHING: Final = {
    "prefix": "Where a gold code is a header, or lacks its seventh character, every longer code that begins"
    " with it counts as that code (prefix matching).",
    "exact": "Only the gold code itself is right, also where it is a header or lacks its seventh character"
    " (exact matching).",
}


def gold_section(inputs: ReportInputs) -> Section | None:
    """Return the measures on real mentions, None without any."""
    if inputs.gold_metrics is None or inputs.gold_metrics.empty:
        return None
    tables = (*level_tables(inputs.gold_metrics, "Real mentions"), *_slices(inputs))
    points: tuple[str, ...] = ()
    if inputs.gold_pairs is not None and not inputs.gold_pairs.empty:
        best = best_system(inputs.gold_metrics)
        points = sentences_on(inputs.gold_pairs, best)
        tables += tables_of_pairs(inputs.gold_pairs, best)
    facts = tables_of_facts(inputs.gold_facts, "The file") if inputs.gold_facts else ()
    matching = _MATCHING[(inputs.gold_facts or {}).get("matching", "prefix")]
    return Section("Real mentions", (_TEXT, matching), points=points, tables=(*tables, *facts))


def _slices(inputs: ReportInputs) -> tuple[Table, ...]:
    """Return recall@5 by language, source, seen and unseen codes, and facet, where there is more than one."""
    metrics = inputs.gold_metrics
    if metrics is None:
        return ()
    tables = []
    languages = select_metrics(metrics, PRIMARY_METRIC)
    if languages["language"].nunique() > 2:  # noqa: PLR2004 - one language, and all
        tables.append(language_table(languages, "Real mentions: recall@5 by language"))
    by_style = select_metrics(metrics, PRIMARY_METRIC, language=ALL, style=None)
    by_seen = select_metrics(metrics, PRIMARY_METRIC, language=ALL, seen=None)
    for rows, column, caption in (
        (by_style, "style", "source"),
        (by_seen, "seen", "seen and unseen codes"),
    ):
        parts = {part: part for part in dict.fromkeys(rows[column]) if part != ALL}
        if len(parts) > 1:
            heads = {**parts, ALL: "All"}
            text = f"Real mentions: recall@5 by {caption}, with 95 % intervals"
            tables.append(table_of_estimates(rows, column, heads, text))
    if inputs.gold_facets is not None and not inputs.gold_facets.empty:
        tables += facet_tables(inputs.gold_facets, " of real mentions")
    return tuple(tables)
