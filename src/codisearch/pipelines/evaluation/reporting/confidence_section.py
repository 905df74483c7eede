"""The section on the probabilities: can they be believed, and what does "I do not know" spare and cost?"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final

import pandas as pd

from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.measures.summary import ALL
from codisearch.pipelines.evaluation.reporting.confidence_figures import QUERY_SETS
from codisearch.pipelines.evaluation.reporting.document import (
    Cell,
    Section,
    Table,
    format_interval,
    format_share,
)
from codisearch.pipelines.evaluation.reporting.figures import language_label
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs

TITLE: Final = "What a probability means, and when to say: I do not know"
_NAMED_PRECISION: Final = 0.8
_TEXTS: Final = (
    "Every answer of the two stages carries a probability, calibrated on the validation queries. That it"
    " is calibrated means: of the first answers with a probability near .7, seven in ten are right, and the"
    " points of the reliability diagram are on its diagonal. ECE is the mean distance from it, in fifteen"
    " parts of equally many queries; beside it stands what chance alone gives on so many queries. The Brier"
    " score is the mean squared distance of a probability from what came true (1 or 0); it is lower where the"
    " probabilities also part right answers from wrong ones.",
    "Whoever asks for a precision gets an answer only where the first probability is at least a threshold,"
    ' and else "I do not know". The threshold was chosen on the validation queries. Kept says whether the'
    " precision is reached here: no where even the interval stays below it, perhaps where only the interval"
    " reaches it.",
)
_MENTIONS: Final = (
    "Real mentions differ from the queries that the probabilities were calibrated on, and a code that is"
    " longer than the annotated one can count as right (see Real mentions): measure on mentions of your own"
    " before you rely on a threshold."
)
_PICTURES: Final = {
    "reliability": "Points with intervals: the share of right first answers over their mean probability, in"
    " fifteen parts of the queries. Dotted: the diagonal, on which calibrated probabilities lie.",
    "coverage": "Lines: the share of right answers over the share of the queries that are answered, from the"
    " surest on. Points with intervals: where the precision that is written beside them is asked for.",
}
_QUALITY_HEADS: Final = {
    "mean_probability": "mean probability",
    "share_right": "share right",
    "overconfidence": "difference",
    "ece": "ECE",
    "ece_by_chance": "ECE by chance",
    "brier": "Brier",
}
_SIDES: Final = {"seen": "seen codes", "unseen": "unseen codes"}


def confidence_section(inputs: ReportInputs) -> Section | None:
    """Return what the probabilities are worth, None where they were not measured."""
    tables = inputs.confidence
    if tables is None or tables.quality.empty:
        return None
    present = [name for name in QUERY_SETS if (tables.quality["query_set"] == name).any()]
    return Section(
        TITLE,
        (*_TEXTS, _MENTIONS) if "mentions" in present else _TEXTS,
        points=tuple(point for name in present for point in _points(tables, name)),
        pictures=tuple(
            picture for name, text in _PICTURES.items() for picture in inputs.pictures(name, text)
        ),
        tables=tuple(table for name in present for table in _tables(tables, name)),
    )


def _points(tables: ConfidenceTables, query_set: str) -> Iterator[str]:
    """Yield sentences on how good the probabilities are, and on whether the promises are kept."""
    overall = _overall(_rows(tables.quality, query_set)).set_index("measure")
    share = overall["value"].map(format_share)
    yield (
        f"Of {overall['queries'].iloc[0]:,} {QUERY_SETS[query_set]} {share['share_right']} have a right first"
        f" answer; its mean probability is {share['mean_probability']}. ECE {share['ece']}, by chance"
        f" {share['ece_by_chance']}."
    )
    promises = _rows(tables.promises, query_set)
    for row in _overall(promises).to_dict("records"):
        if row["asked"] == _NAMED_PRECISION:
            right = f", {format_share(row['precision'])} of them correctly" if row["answered"] else ""
            yield (
                f"Where a precision of {format_share(row['asked'])} is asked for,"
                f" {format_share(row['coverage'])} of these queries are answered{right}."
            )
    yield _verdict(promises)


def _verdict(promises: pd.DataFrame) -> str:
    """Return which promises are not kept, by language and by side."""
    if not promises["answered"].any():
        return "At no asked precision anything is answered: there is nothing to say of what is kept."
    broken = promises.loc[promises["kept"] == "no"]
    if broken.empty:
        return "No asked precision is missed by more than its interval, in any language or on either side."
    named = [
        f"{label} ({', '.join(f'{asked:g}' for asked in rows['asked'])})" for label, rows in _by_slice(broken)
    ]
    return f"An asked precision is missed by more than its interval: {'; '.join(named)}."


def _tables(tables: ConfidenceTables, query_set: str) -> Iterator[Table]:
    """Yield the measures, the promises overall, and the promises by language and side."""
    of = QUERY_SETS[query_set].capitalize()
    quality, promises = _rows(tables.quality, query_set), _rows(tables.promises, query_set)
    yield _quality_table(quality, f"{of}: probability of the first answer, with 95 % intervals")
    yield _overall_table(_overall(promises), f"{of}: what an asked precision gives, with 95 % intervals")
    yield _slices_table(promises, "precision", f"{of}: share right of the answers, and whether that was kept")
    yield _slices_table(promises, "coverage", f"{of}: share answered")


def _rows(table: pd.DataFrame, query_set: str) -> pd.DataFrame:
    """Return the rows of a set of queries."""
    return table.loc[table["query_set"] == query_set]


def _overall(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of all queries together."""
    return table.loc[(table["language"] == ALL) & (table["seen"] == ALL)]


def _by_slice(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the name and the rows of each slice, in order."""
    labels = [
        _SIDES.get(seen, language_label(language))
        for language, seen in zip(table["language"], table["seen"], strict=True)
    ]
    for label in dict.fromkeys(labels):
        yield label, table.loc[[one == label for one in labels]]


def _quality_table(quality: pd.DataFrame, caption: str) -> Table:
    """Return a row for each slice, a column for each measure."""
    body = []
    for label, rows in _by_slice(quality):
        cells = {row["measure"]: _cell(row, "value") for row in rows.to_dict("records")}
        counted = Cell(f"{rows['queries'].iloc[0]:,}")
        body.append((Cell(label), counted, *(cells[measure] for measure in _QUALITY_HEADS)))
    return Table(caption, ("queries of", "queries", *_QUALITY_HEADS.values()), tuple(body))


def _overall_table(promises: pd.DataFrame, caption: str) -> Table:
    """Return a row for each asked precision."""
    body = tuple(
        (
            Cell(f"{row['asked']:g}"),
            Cell(f"{row['threshold']:.3f}" if row["threshold"] <= 1 else "out of reach"),
            _cell(row, "coverage", "coverage_"),
            _cell(row, "precision", "precision_"),
            Cell(row["kept"]),
        )
        for row in promises.to_dict("records")
    )
    return Table(caption, ("asked", "threshold", "share answered", "share right of these", "kept"), body)


def _slices_table(promises: pd.DataFrame, column: str, caption: str) -> Table:
    """Return a row for each slice, a column for each asked precision."""
    body = []
    for label, rows in _by_slice(promises):
        cells = [_cell(row, column, f"{column}_") for row in rows.to_dict("records")]
        if column == "precision":
            cells = [_with_verdict(*pair) for pair in zip(cells, rows["kept"], strict=True)]
        body.append((Cell(f"{label} (n = {rows['queries'].iloc[0]:,})"), *cells))
    heads = (f"{asked:g} asked" for asked in dict.fromkeys(promises["asked"]))
    return Table(caption, ("queries of", *heads), tuple(body))


def _cell(row: Mapping[Hashable, Any], column: str, ends: str = "") -> Cell:
    """Return an estimate with its interval, a difference with its sign."""
    form = "{:+.3f}" if row.get("measure") == "overconfidence" else "{:.3f}"
    return Cell(format_interval(row[column], row[f"{ends}low"], row[f"{ends}high"], form=form))


def _with_verdict(cell: Cell, kept: str) -> Cell:
    """Return the cell of a precision with whether it is kept, where anything is answered."""
    return cell if kept == "no answers" else Cell(f"{cell.text} {kept}")
