"""The sections on systems themselves: what they cost, what their scores mean, where they are weak."""

from typing import Final

import pandas as pd

from codisearch.pipelines.evaluation.measures.summary import PRIMARY_METRIC
from codisearch.pipelines.evaluation.reporting.document import (
    Section,
    Table,
    table_of_estimates,
    table_of_frame,
)
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs

FACET_TITLES: Final = {
    "chapter": "chapter of the code",
    "code_length": "length of the code, in characters without the dot",
    "query_words": "length of the query, in words",
}
_FACETS: Final = (
    "The same queries, sorted by what they ask for: chapter and length are those of the first relevant code."
    " Where queries are few the intervals are wide. Bold: the best of a row."
)
_COSTS: Final = (
    "Seconds of ranking all queries, with loading the model and indexing the aliases; milliseconds of one"
    " query alone, the median of a few. Both depend on the machine and on what else it does. A fusion or"
    " reranker is counted with what it reads."
)
_CALIBRATION: Final = (
    "Each system's queries by the score of its first answer, in ten equal parts. The steeper the line, the"
    " better the score tells when to trust the answer. Scores are not probabilities: a cosine of .7 is no"
    " 70 %."
)


def systems_section(inputs: ReportInputs) -> Section | None:
    """Return the table of systems, with what was left out, and latency against recall."""
    if inputs.systems is None or inputs.systems.empty:
        return None
    systems = inputs.systems
    skipped = systems.loc[systems["skipped"].fillna("") != ""]
    points = tuple(
        f"{name} was left out: {reason}"
        for name, reason in zip(skipped["system"], skipped["skipped"], strict=True)
    )
    pictures = inputs.pictures(
        "latency", "Points: recall@5 of each system over the milliseconds that one query takes."
    )
    table = systems.drop(columns="skipped") if skipped.empty else systems
    return Section(
        "The systems",
        (_COSTS,),
        points=points,
        pictures=pictures,
        tables=(table_of_frame(table, "Systems and what they cost"),),
    )


def calibration_section(inputs: ReportInputs) -> Section | None:
    """Return the plot of right first answers over their score."""
    description = (
        "Lines: the share of right first answers in each tenth of a system's queries, from the lowest score"
        " of the first answer to the highest."
    )
    pictures = inputs.pictures("calibration", description)
    return Section("What a score means", (_CALIBRATION,), pictures=pictures) if pictures else None


def facets_section(inputs: ReportInputs) -> Section | None:
    """Return recall@5 by chapter, code length and query length."""
    if inputs.facets is None or inputs.facets.empty:
        return None
    tables = facet_tables(inputs.facets)
    return Section("By chapter, code length and query length", (_FACETS,), tables=tables)


def facet_tables(facets: pd.DataFrame, of: str = "") -> tuple[Table, ...]:
    """Return one table of recall@5 for each facet, parts by systems."""
    rows = facets.loc[facets["metric"] == PRIMARY_METRIC]
    systems = {name: name for name in dict.fromkeys(rows["system"])}
    tables = []
    for facet, title in FACET_TITLES.items():
        part = rows.loc[rows["facet"] == facet]
        if part.empty:
            continue
        counted = part["part"] + part["queries"].map(" (n = {:,})".format)
        tables.append(
            table_of_estimates(
                part.assign(part=counted).drop(columns="queries"),
                "system",
                systems,
                f"recall@5{of} by {title}, with 95 % intervals",
                down="part",
                best_of="row",
            )
        )
    return tuple(tables)
