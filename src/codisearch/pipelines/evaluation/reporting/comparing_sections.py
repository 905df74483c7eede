"""The sections on differences: which systems differ, where the right code moves, what reranking changes."""

from typing import Final

import numpy as np
import pandas as pd

from codisearch.pipelines.evaluation.measures.significance import ALPHA
from codisearch.pipelines.evaluation.measures.summary import ALL, PRIMARY_METRIC, best_system
from codisearch.pipelines.evaluation.measures.transitions import moves_over_the_fifth
from codisearch.pipelines.evaluation.reporting.document import (
    MISSING,
    Cell,
    Section,
    Table,
    format_interval,
    table_of_frame,
)
from codisearch.pipelines.evaluation.reporting.figures import language_label
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs

_HOW_TESTED: Final = (
    "Both systems answer the same queries. Intervals are of the difference, drawn code by code; p is of a"
    " paired randomisation test that exchanges the answers of whole codes, corrected by Holm's method for all"
    " pairs and languages of a measure together. The effect size is the difference in standard deviations of"
    " the queries' differences; better and worse count the queries."
)
_SMALL: Final = 0.01
_SMALLEST: Final = 0.0001
_MOVES: Final = (
    "Where the right code stood before and after, query by query. A change of the mean says what is left when"
    " gains and losses are set off; this shows both."
)
_CHANGES: Final = (
    "Test queries whose right code the reranker brought into the first five (fixed) or put out of them"
    " (broken). As many of both are shown, as far as there are any; the table above says how many there are"
    " of each."
)
_PICTURE: Final = (
    "Tables of counts: the rank of the right code before (rows) and after (columns), for training and for"
    " reranking. Left of the diagonal are gains, right of it losses."
)


def pairs_section(inputs: ReportInputs) -> Section | None:
    """Return the pairs of systems: sentences on the best one, and all of them as tables."""
    if inputs.pairs is None or inputs.pairs.empty:
        return None
    best = best_system(inputs.metrics)
    return Section(
        "Which differences are real",
        (_HOW_TESTED,),
        points=sentences_on(inputs.pairs, best),
        tables=tables_of_pairs(inputs.pairs, best),
    )


def sentences_on(pairs: pd.DataFrame, system: str) -> tuple[str, ...]:
    """Return how a system differs in recall@5 from the next best, overall and in each language."""
    rows = pairs.loc[pairs["metric"] == PRIMARY_METRIC]
    of_system = rows.loc[(rows["before_system"] == system) | (rows["after_system"] == system)]
    other = of_system["before"].where(of_system["after_system"] == system, of_system["after"])
    closest = of_system.assign(other=other).sort_values("other", ascending=False, kind="stable")
    closest = closest.drop_duplicates("language").set_index("language")
    single = [language for language in dict.fromkeys(rows["language"]) if language != ALL]
    languages = single if len(single) == 1 else [ALL, *single]  # all is the same where there is one
    return tuple(str(closest.loc[language, "sentence"]) for language in languages)


def tables_of_pairs(pairs: pd.DataFrame, system: str) -> tuple[Table, ...]:
    """Return the differences of a system from all others, and one table of every pair and language."""
    recall = pairs.loc[pairs["metric"] == PRIMARY_METRIC]
    overall = recall.loc[recall["language"] == ALL]
    of_system = overall.loc[(overall["before_system"] == system) | (overall["after_system"] == system)]
    return (
        _pair_table(of_system, f"{PRIMARY_METRIC} over all languages: {system} and the others"),
        _pair_table(recall, f"{PRIMARY_METRIC}: all pairs and languages"),
        _pair_table(pairs.loc[pairs["metric"] == "mrr"], "MRR: all pairs and languages"),
    )


def _pair_table(rows: pd.DataFrame, caption: str) -> Table:
    """Return pairs as a table, a corrected p below .05 in bold; folded where it is long."""
    columns = (
        "language",
        "system A",
        "system B",
        "A",
        "B",
        "B - A",
        "p",
        "p, corrected",
        "effect size",
        "B better",
        "B worse",
    )
    body = tuple(
        (
            Cell(language_label(row["language"])),
            Cell(row["before_system"]),
            Cell(row["after_system"]),
            Cell(f"{row['before']:.3f}"),
            Cell(f"{row['after']:.3f}"),
            Cell(format_interval(row["difference"], row["low"], row["high"], form="{:+.3f}")),
            Cell(_p_value(row["p_value"])),
            Cell(_p_value(row["p_adjusted"]), row["p_adjusted"] < ALPHA),
            Cell(f"{row['effect_size']:+.2f}" if np.isfinite(row["effect_size"]) else MISSING),
            Cell(f"{row['better']:,}"),
            Cell(f"{row['worse']:,}"),
        )
        for row in rows.to_dict("records")
    )
    return Table(caption, columns, body, folded=len(body) > len(columns))


def _p_value(value: float) -> str:
    if value < _SMALLEST:
        return f"< {_SMALLEST}"
    return f"{value:.4f}" if value < _SMALL or round(value, 3) == ALPHA else f"{value:.3f}"


def moves_section(inputs: ReportInputs) -> Section | None:
    """Return how training and reranking move the right code between ranks, and where the gain lies."""
    if inputs.transitions is None or inputs.transitions.empty:
        return None
    moves = moves_over_the_fifth(inputs.transitions)
    tables = tuple(
        table_of_frame(
            rows.drop(columns="comparison").assign(
                language=rows["language"].map(language_label),
                net_of_100=rows["net_of_100"].map("{:+.1f}".format),
            ),
            f"{_label(name)}: queries whose right code enters and leaves the first five",
        )
        for name, rows in moves.groupby("comparison", sort=False)
    )
    return Section(
        "Where the right code moves",
        (_MOVES,),
        points=_where_gains_lie(moves),
        pictures=inputs.pictures("rank_transitions", _PICTURE),
        tables=tables,
    )


def _label(comparison: object) -> str:
    return str(comparison).replace("_", " ").capitalize()


def _where_gains_lie(moves: pd.DataFrame) -> tuple[str, ...]:
    """Return, for each comparison, in which language and from which ranks most of the gain comes."""
    points = []
    for name, rows in moves.groupby("comparison", sort=False):
        label = _label(name)
        overall = rows.loc[rows["language"] == ALL].iloc[0]
        entered = int(overall["entered"])
        points.append(
            f"{label}: {entered:,} queries get their right code into the first five, {overall['left']:,} lose"
            f" it from there. Of those that gain, {overall['from_6_to_10']:,} had it at rank 6 to 10 and"
            f" {overall['from_not_found']:,} had not found it at all."
        )
        languages = rows.loc[rows["language"] != ALL].sort_values("net_of_100", kind="stable")
        if len(languages) > 1:
            low, top = languages.iloc[0], languages.iloc[-1]
            points.append(
                f"{label}: the net gain goes from {low['net_of_100']:+.1f} of 100 queries in"
                f" {language_label(low['language'])} to {top['net_of_100']:+.1f} in"
                f" {language_label(top['language'])}."
            )
    return tuple(points)


def changes_section(inputs: ReportInputs) -> Section | None:
    """Return examples of what the reranker fixes and breaks."""
    if inputs.changes is None or inputs.changes.empty:
        return None
    table = table_of_frame(inputs.changes, f"{len(inputs.changes)} test queries, fixed and broken")
    return Section("What the reranker fixes and breaks", (_CHANGES,), tables=(table,))
