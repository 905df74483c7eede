"""The sections on the systems themselves."""

import pandas as pd

from codisearch.pipelines.evaluation.reporting.behaviour_figures import draw_calibration, draw_latency
from codisearch.pipelines.evaluation.reporting.behaviour_sections import (
    calibration_section,
    facet_tables,
    facets_section,
    systems_section,
)
from codisearch.pipelines.evaluation.reporting.document import Table
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs


def texts(table: Table) -> list[list[str]]:
    """Return the texts of a table's cells."""
    return [[cell.text for cell in row] for row in table.rows]


def test_skipped_system_is_explained(metrics: pd.DataFrame, systems: pd.DataFrame) -> None:
    """A system that did not run has a row without times, and a sentence with the reason."""
    section = systems_section(ReportInputs(metrics=metrics, systems=systems))
    assert section is not None
    assert section.points == ("biolord was left out: its model is not on this computer",)
    table = section.tables[0]
    assert table.columns[-1] == "skipped"
    assert texts(table)[-1] == [
        *("biolord", "encoder", "–", "0", "–", "0", "its model is not on this computer"),
    ]
    assert texts(table)[0] == ["bm25", "encoder", "1.500", "4", "1.000", "0", "–"]
    assert section.pictures == ()


def test_nothing_is_said_of_skipping_where_all_ran(metrics: pd.DataFrame, systems: pd.DataFrame) -> None:
    """The column of reasons goes when it is empty, also where it was read back from a file as NaN."""
    ran = systems.loc[systems["skipped"] == ""]
    for table in (ran, ran.assign(skipped=float("nan"))):
        section = systems_section(ReportInputs(metrics=metrics, systems=table))
        assert section is not None
        assert section.points == ()
        assert "skipped" not in section.tables[0].columns
        assert len(section.tables[0].rows) == 5


def test_latency_stands_in_the_section(metrics: pd.DataFrame, systems: pd.DataFrame) -> None:
    """The figure has its sentence."""
    figures = {"latency": draw_latency(metrics, systems)}
    section = systems_section(ReportInputs(metrics=metrics, systems=systems, figures=figures))
    assert section is not None
    assert [picture.name for picture in section.pictures] == ["latency"]
    assert "milliseconds" in section.pictures[0].description


def test_calibration_section(metrics: pd.DataFrame, calibration: pd.DataFrame) -> None:
    """The section is there with its figure only, and warns that a score is not a probability."""
    assert calibration_section(ReportInputs(metrics=metrics)) is None
    figures = {"calibration": draw_calibration(calibration)}
    section = calibration_section(ReportInputs(metrics=metrics, figures=figures))
    assert section is not None
    assert section.pictures[0].figure is figures["calibration"]
    assert "not probabilities" in section.paragraphs[0]


def test_facet_tables(facets: pd.DataFrame) -> None:
    """Parts go down with their number of queries, systems across; the best system of a part is bold.

    Of the two queries for I10 generalist alone finds both. Of the three queries of two or three words three
    systems find two, the best of that row whatever they find in others.
    """
    chapter, length, words = facet_tables(facets)
    assert chapter.columns == ("part", "bm25", "base_encoder", "generalist", "bi_encoder", "two_stage")
    assert [row[0].text for row in chapter.rows] == [
        "04 E10-E11 (n = 1)",
        "09 I10-I10 (n = 2)",
        "18 R50-R50 (n = 1)",
    ]
    assert [row[4].text for row in chapter.rows] == ["1.000", "0.500", "1.000"]  # one code each: no interval
    bold = [[cell.strong for cell in row] for row in chapter.rows]
    assert bold == [
        [False, False, False, False, True, True],
        [False, False, False, True, False, False],
        [False, True, True, False, True, True],
    ]
    assert [row[0].text for row in length.rows] == ["3 (n = 2)", "4 (n = 2)"]
    assert length.caption == (
        "recall@5 by length of the code, in characters without the dot, with 95 % intervals"
    )
    assert [row[0].text for row in words.rows] == ["1 (n = 1)", "2-3 (n = 3)"]
    assert words.rows[1][4].text.startswith("0.667 [")
    assert [cell.strong for cell in words.rows[0]] == [False, True, True, False, True, True]
    assert [cell.strong for cell in words.rows[1]] == [False, False, False, True, True, True]


def test_facets_without_queries_have_no_table(facets: pd.DataFrame) -> None:
    """A facet that was not measured is left out; the caption says whose queries they are."""
    tables = facet_tables(facets.loc[facets["facet"] == "chapter"], " of real mentions")
    assert [table.caption for table in tables] == [
        "recall@5 of real mentions by chapter of the code, with 95 % intervals"
    ]


def test_sections_need_rows(metrics: pd.DataFrame, facets: pd.DataFrame, systems: pd.DataFrame) -> None:
    """Nothing is said of what was not measured."""
    assert facets_section(ReportInputs(metrics=metrics)) is None
    assert facets_section(ReportInputs(metrics=metrics, facets=facets.head(0))) is None
    assert systems_section(ReportInputs(metrics=metrics)) is None
    assert systems_section(ReportInputs(metrics=metrics, systems=systems.head(0))) is None
    section = facets_section(ReportInputs(metrics=metrics, facets=facets))
    assert section is not None
    assert len(section.tables) == 3
