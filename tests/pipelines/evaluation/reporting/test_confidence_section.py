"""The section on the probabilities."""

import dataclasses

import pandas as pd

from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.reporting.confidence_figures import draw_confidence
from codisearch.pipelines.evaluation.reporting.confidence_section import TITLE, confidence_section
from codisearch.pipelines.evaluation.reporting.document import Section, Table
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs


def section_of(tables: ConfidenceTables) -> Section:
    """Return the section with its figures."""
    figures = draw_confidence(tables)
    section = confidence_section(ReportInputs(pd.DataFrame(), confidence=tables, figures=figures))
    assert section is not None
    return section


def only_test(tables: ConfidenceTables) -> ConfidenceTables:
    """Return the tables without real mentions."""
    parts = {name: table[table["query_set"] == "test"] for name, table in vars(tables).items()}
    return ConfidenceTables(**parts)


def texts(table: Table) -> list[list[str]]:
    """Return the texts of a table's cells, without intervals."""
    return [[cell.text.split(" [")[0] for cell in row] for row in table.rows]


def test_sentences(confidence: ConfidenceTables) -> None:
    """They say what is right, what was promised, and which promise is broken, for each set of queries."""
    section = section_of(confidence)
    assert section.title == TITLE
    assert section.points == (
        "Of 40 test queries 57.5 % have a right first answer; its mean probability is 55.0 %. ECE 17.5 %, by"
        " chance 6.2 %.",
        "Where a precision of 80.0 % is asked for, 50.0 % of these queries are answered, 75.0 % of them"
        " correctly.",
        "No asked precision is missed by more than its interval, in any language or on either side.",
        "Of 20 real mentions 15.0 % have a right first answer; its mean probability is 50.0 %. ECE 35.0 %, by"
        " chance 8.9 %.",
        "Where a precision of 80.0 % is asked for, 0.0 % of these queries are answered.",
        "An asked precision is missed by more than its interval: All (0.5); Spanish (0.5);"
        " unseen codes (0.5).",
    )
    assert [picture.name for picture in section.pictures] == ["reliability", "coverage"]


def test_mentions_have_a_warning(confidence: ConfidenceTables) -> None:
    """It stands with real mentions alone, and so do their sentences and tables."""
    both, alone = section_of(confidence), section_of(only_test(confidence))
    assert len(both.paragraphs) == len(alone.paragraphs) + 1
    assert "Real mentions differ" in both.paragraphs[-1]
    assert (len(both.points), len(alone.points)) == (6, 3)
    assert (len(both.tables), len(alone.tables)) == (8, 4)
    assert all("real mentions" not in text.lower() for text in (*alone.paragraphs, *alone.points))


def test_tables(confidence: ConfidenceTables) -> None:
    """Measures and promises by slice; of a precision it is said whether it is kept."""
    quality, overall, precision, coverage = section_of(confidence).tables[:4]
    assert quality.columns[2:] == (
        *("mean probability", "share right", "difference", "ECE", "ECE by chance", "Brier"),
    )
    assert texts(quality)[0] == ["All", "40", "0.550", "0.575", "-0.025", "0.175", "0.062", "0.245"]
    assert [row[0] for row in texts(quality)] == ["All", "Spanish", "seen codes"]
    assert texts(overall) == [
        ["0.5", "0.200", "1.000", "0.575", "yes"],
        ["0.8", "0.900", "0.500", "0.750", "perhaps"],
    ]
    assert precision.columns == ("queries of", "0.5 asked", "0.8 asked")
    assert precision.rows[0][2].text.endswith("] perhaps")
    assert texts(coverage)[2] == ["seen codes (n = 40)", "1.000", "0.500"]


def test_unanswered_is_a_dash(confidence: ConfidenceTables) -> None:
    """Where nothing is answered, there is no precision and no verdict on it but that."""
    overall, precision = section_of(confidence).tables[5:7]
    assert texts(overall)[1] == ["0.8", "0.900", "0.000", "–", "no answers"]
    assert precision.rows[0][2].text == "–"


def test_precision_out_of_reach(confidence: ConfidenceTables) -> None:
    """A threshold above 1 is called what it is, and no promise is called kept where nothing is answered."""
    promises = confidence.promises.assign(threshold=2.0, answered=0, coverage=0.0, kept="no answers")
    section = section_of(only_test(dataclasses.replace(confidence, promises=promises)))
    assert [row[1] for row in texts(section.tables[1])] == ["out of reach", "out of reach"]
    assert section.points[-1].startswith("At no asked precision anything is answered")


def test_nothing_is_said_of_what_was_not_measured(confidence: ConfidenceTables) -> None:
    """There is no section without the tables, or with tables that have no rows."""
    assert confidence_section(ReportInputs(pd.DataFrame())) is None
    empty = dataclasses.replace(confidence, quality=confidence.quality.head(0))
    assert confidence_section(ReportInputs(pd.DataFrame(), confidence=empty)) is None
