"""The sections on differences between systems."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.pairs import PAIR_COLUMNS
from codisearch.pipelines.evaluation.measures.transitions import TRANSITION_COLUMNS
from codisearch.pipelines.evaluation.reporting.behaviour_figures import draw_rank_transitions
from codisearch.pipelines.evaluation.reporting.comparing_sections import (
    changes_section,
    moves_section,
    pairs_section,
    sentences_on,
    tables_of_pairs,
)
from codisearch.pipelines.evaluation.reporting.document import Table
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs


def pair(
    before_system: str, after_system: str, before: float, after: float, **values: object
) -> dict[str, object]:
    """Return one row of a table of pairs."""
    row = {
        "metric": "recall@5",
        "language": "all",
        "before_system": before_system,
        "after_system": after_system,
        "before": before,
        "after": after,
        "difference": after - before,
        "low": -0.05,
        "high": 0.25,
        "p_value": 0.02,
        "p_adjusted": 0.06,
        "effect_size": 0.5,
        "better": 1200,
        "worse": 3,
        "queries": 2000,
        "sentence": f"{before_system} and {after_system}.",
    }
    return row | values


PAIRS = pd.DataFrame(
    [
        pair("bm25", "bi_encoder", 0.3, 0.7, p_adjusted=0.0004),
        pair("bm25", "two_stage", 0.3, 0.6),
        pair("bi_encoder", "two_stage", 0.7, 0.6),
        pair("bm25", "bi_encoder", 0.4, 0.9, language="en", sentence="In English."),
        pair("bm25", "bi_encoder", 0.2, 0.5, language="es", sentence="In Spanish one."),
        pair("bi_encoder", "two_stage", 0.5, 0.1, language="es", sentence="In Spanish two."),
        pair("bm25", "bi_encoder", 0.25, 0.5, metric="mrr", sentence="By MRR."),
    ]
)[list(PAIR_COLUMNS)]


def texts(table: Table) -> list[list[str]]:
    """Return the texts of a table's cells."""
    return [[cell.text for cell in row] for row in table.rows]


def test_sentences_are_on_the_closest_rival() -> None:
    """Overall two_stage (0.6) comes closest to bi_encoder, in Spanish bm25 (0.2) does, on either side."""
    assert sentences_on(PAIRS, "bi_encoder") == (
        "bi_encoder and two_stage.",
        "In English.",
        "In Spanish one.",
    )
    assert sentences_on(PAIRS, "bm25") == ("bm25 and bi_encoder.", "In English.", "In Spanish one.")


def test_one_language_is_told_once() -> None:
    """Where all queries are of one language, the sentence on all of them would say the same again."""
    assert sentences_on(PAIRS.loc[PAIRS["language"] != "en"], "bi_encoder") == ("In Spanish one.",)
    assert sentences_on(PAIRS.loc[PAIRS["language"] == "all"], "bi_encoder") == ("bi_encoder and two_stage.",)


def test_cells_of_a_pair() -> None:
    """A row has both values, the signed difference with its interval, both p, effect and counts."""
    overall, recall, mrr = tables_of_pairs(PAIRS, "bi_encoder")
    assert overall.columns == (
        *("language", "system A", "system B", "A", "B", "B - A"),
        *("p", "p, corrected", "effect size", "B better", "B worse"),
    )
    assert texts(overall)[1] == [
        *("All", "bi_encoder", "two_stage", "0.700", "0.600", "-0.100 [-0.050, +0.250]"),
        *("0.020", "0.060", "+0.50", "1,200", "3"),
    ]
    assert [row[:3] for row in texts(overall)] == [
        ["All", "bm25", "bi_encoder"],
        ["All", "bi_encoder", "two_stage"],
    ]
    assert (len(recall.rows), len(mrr.rows)) == (6, 1)
    assert texts(recall)[4][0] == "Spanish"


def test_only_a_corrected_p_below_five_percent_is_bold() -> None:
    """The plain p of the second row is .02, which is not what counts."""
    overall, _, _ = tables_of_pairs(PAIRS, "bi_encoder")
    p = overall.columns.index("p, corrected")
    assert [(row[p].text, row[p].strong) for row in overall.rows] == [("0.0004", True), ("0.060", False)]
    assert not any(cell.strong for row in overall.rows for cell in (*row[:p], *row[p + 1 :]))


def test_long_tables_are_folded(pairs: pd.DataFrame) -> None:
    """The few pairs of the best system stand open, all thirty are folded."""
    overall, recall, mrr = tables_of_pairs(pairs, "bi_encoder")
    assert (len(overall.rows), overall.folded) == (4, False)
    assert (len(recall.rows), recall.folded) == (30, True)
    assert (len(mrr.rows), mrr.folded) == (30, True)


def test_pairs_section(metrics: pd.DataFrame, pairs: pd.DataFrame) -> None:
    """The best system by recall@5, bi_encoder, is compared with the next best in words, in each language.

    In Spanish all find half of the codes; the first of them is next.
    """
    section = pairs_section(ReportInputs(metrics=metrics, pairs=pairs))
    assert section is not None
    assert section.title == "Which differences are real"
    assert section.points == (
        "Over all languages bi_encoder and two_stage have the same recall@5.",
        "In English bi_encoder and two_stage have the same recall@5.",
        "In Spanish bm25 and bi_encoder have the same recall@5.",
    )
    assert "Holm" in section.paragraphs[0]


def test_moves_section(metrics: pd.DataFrame, transitions: pd.DataFrame) -> None:
    """The sentences give what enters and leaves, and between which languages the net gain lies."""
    figures = {"rank_transitions": draw_rank_transitions(transitions)}
    section = moves_section(ReportInputs(metrics=metrics, transitions=transitions, figures=figures))
    assert section is not None
    assert section.points[0] == (
        "Learning gain: 1 queries get their right code into the first five, 0 lose it from there. Of those"
        " that gain, 0 had it at rank 6 to 10 and 1 had not found it at all."
    )
    assert section.points[1] == (
        "Learning gain: the net gain goes from +0.0 of 100 queries in Spanish to +50.0 in English."
    )
    assert [picture.name for picture in section.pictures] == ["rank_transitions"]
    training, reranking = section.tables
    assert training.columns == (
        *("language", "entered", "from 6 to 10", "from not found", "left", "net", "net of 100"),
    )
    assert texts(training) == [
        ["All", "1", "0", "1", "0", "1", "+25.0"],
        ["English", "1", "0", "1", "0", "1", "+50.0"],
        ["Spanish", "0", "0", "0", "0", "0", "+0.0"],
    ]
    assert reranking.caption.startswith("Reranking: ")


def test_moves_of_one_language(metrics: pd.DataFrame, transitions: pd.DataFrame) -> None:
    """With a single language there is none to set beside it, and without the figure no picture."""
    one = transitions.loc[transitions["language"].isin(["all", "en"])]
    section = moves_section(ReportInputs(metrics=metrics, transitions=one))
    assert section is not None
    assert len(section.points) == 2  # one for each comparison
    assert section.pictures == ()


def test_changes_section(metrics: pd.DataFrame) -> None:
    """What reranking fixed and broke is a table of all that was chosen."""
    changes = pd.DataFrame({"outcome": ["fixed", "broken"], "query": ["tos", "fiebre"]})
    section = changes_section(ReportInputs(metrics=metrics, changes=changes))
    assert section is not None
    assert section.tables[0].caption == "2 test queries, fixed and broken"
    assert texts(section.tables[0]) == [["fixed", "tos"], ["broken", "fiebre"]]


@pytest.mark.parametrize("section", [pairs_section, moves_section, changes_section])
def test_no_section_without_rows(metrics: pd.DataFrame, section: object) -> None:
    """Neither a part that was not measured nor a table without rows makes a section."""
    assert callable(section)
    assert section(ReportInputs(metrics=metrics)) is None
    nothing = ReportInputs(
        metrics=metrics,
        pairs=pd.DataFrame(columns=list(PAIR_COLUMNS)),
        transitions=pd.DataFrame(columns=list(TRANSITION_COLUMNS)),
        changes=pd.DataFrame(columns=["outcome"]),
    )
    assert section(nothing) is None
