"""The figures of the reference recipe (arXiv 2605.30529), shown beside ours and never as a contest."""

from functools import partial
from typing import Final, NamedTuple

import pandas as pd

from codisearch.languages import LANGUAGE_NAMES, LANGUAGES
from codisearch.pipelines.evaluation.measures.gain import LEARNING_GAIN, RERANKING
from codisearch.pipelines.evaluation.measures.summary import ALL, select_metrics
from codisearch.pipelines.evaluation.reporting.document import MISSING, Cell, Section, Table, format_share


class ReferenceRow(NamedTuple):
    """One system of the reference recipe and the system of ours that has its part."""

    label: str
    ours: str
    values: dict[str, float]


REFERENCE_ROWS: Final = (
    ReferenceRow("un-tuned encoder", "base_encoder", {"mrr": 0.755}),
    ReferenceRow("BioBERT-ST", "generalist", {"mrr": 0.866, "recall@3": 0.626, "recall@5": 0.790}),
    ReferenceRow("bi-encoder", "bi_encoder", {"mrr": 0.876, "recall@3": 0.650, "recall@5": 0.804}),
    ReferenceRow("bi-encoder and reranker", "two_stage", {"recall@5": 0.822}),
)
_BIOBERT_ST: Final = "biobert_st"
REFERENCE_GAIN: Final = 0.159
REFERENCE_RERANKING: Final = {
    "en": "slightly worse",
    "es": "+0.017",
    "ca": "+0.033",
    "pt": "+0.037",
    "fr": "+0.018",
}
_MEASURES: Final = {"mrr": "MRR", "recall@3": "recall@3", "recall@5": "recall@5"}
_WHY_NOT_THE_SAME_TEST: Final = (
    "The two sets of figures come from different tests. Compare their shape (what training adds, what"
    " reranking adds, in which languages), not their level: neither shows that one recipe is better than the"
    " other.",
    "The pool of candidate codes and the test queries of the reference recipe are not published. Here every"
    " query is ranked against all codes of the code set, never against a pool that holds the answer by"
    " construction.",
    "The encoders, the training pairs and their writer may differ too, and where BioBERT-ST itself was not"
    " measured our generalist stands in its place.",
)


def reference_section(metrics: pd.DataFrame, comparisons: pd.DataFrame | None) -> Section:
    """Return the reference recipe's figures beside ours, with why the tests are not the same."""
    tables = [_systems_table(metrics)]
    if comparisons is not None and not comparisons.empty:
        tables.append(_changes_table(comparisons))
    return Section("Beside the reference recipe", _WHY_NOT_THE_SAME_TEST, tables=tuple(tables))


def _systems_table(metrics: pd.DataFrame) -> Table:
    """Return the measures of both, step by step."""
    overall = select_metrics(metrics, language=ALL).set_index(["system", "metric"])["value"].to_dict()
    rows = []
    for row in map(partial(_with_measured, measured=set(metrics["system"])), REFERENCE_ROWS):
        theirs = [Cell(_number(row.values.get(metric))) for metric in _MEASURES]
        ours = [Cell(_number(overall.get((row.ours, metric)))) for metric in _MEASURES]
        rows.append((Cell(row.label), *theirs, Cell(row.ours), *ours))
    theirs_head = (f"reference {name}" for name in _MEASURES.values())
    ours_head = (f"our {name}" for name in _MEASURES.values())
    columns = ("step", *theirs_head, "our system", *ours_head)
    return Table("Two different tests: the reference recipe's figures and ours", columns, tuple(rows))


def _with_measured(row: ReferenceRow, measured: set[str]) -> ReferenceRow:
    """Return a row with the very system of the reference where that was measured here."""
    return row._replace(ours=_BIOBERT_ST) if row.ours == "generalist" and _BIOBERT_ST in measured else row


def _changes_table(frame: pd.DataFrame) -> Table:
    """Return what training and reranking add in both."""
    changes = frame.set_index(["comparison", "language"])["change"].to_dict()
    gain = changes.get((LEARNING_GAIN.name, ALL))
    ours = MISSING if gain is None or pd.isna(gain) else f"{'+' if gain >= 0 else ''}{format_share(gain)}"
    rows = [(Cell("learning gain in MRR"), Cell(f"+{format_share(REFERENCE_GAIN)}"), Cell(ours))]
    for language in LANGUAGES:
        theirs = REFERENCE_RERANKING.get(language, MISSING)
        change = changes.get((RERANKING.name, language))
        label = f"reranking, recall@5, {LANGUAGE_NAMES[language]}"
        rows.append((Cell(label), Cell(theirs), Cell(_number(change, signed=True))))
    return Table(
        "What training and reranking add, in the reference recipe and here",
        ("change", "reference", "ours"),
        tuple(rows),
    )


def _number(value: float | None, *, signed: bool = False) -> str:
    """Return a figure with three decimals, a dash where there is none."""
    if value is None or pd.isna(value):
        return MISSING
    return f"{value:+.3f}" if signed else f"{value:.3f}"
