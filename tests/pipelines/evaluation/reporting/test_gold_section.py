"""The section on real mentions."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.summary import summarise
from codisearch.pipelines.evaluation.reporting.document import Section
from codisearch.pipelines.evaluation.reporting.gold_section import gold_section
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs

SYSTEMS = ("bm25", "bi_encoder")


def captions(section: Section | None) -> list[str]:
    """Return the captions of a section's tables."""
    assert section is not None
    return [table.caption for table in section.tables]


@pytest.fixture(scope="module")
def one_source(per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams) -> pd.DataFrame:
    """Return the measures of mentions of one language and one source, all of them seen."""
    alike = queries.assign(language="es", style="mention", seen=True)
    return summarise(per_query, alike, SYSTEMS, bootstrap)


def test_slices_that_differ_have_tables(
    metrics: pd.DataFrame, pairs: pd.DataFrame, facets: pd.DataFrame
) -> None:
    """Measures by level, slices, facets, pairs and the file follow each other."""
    section = gold_section(
        ReportInputs(
            metrics=metrics,
            gold_metrics=metrics,
            gold_pairs=pairs,
            gold_facets=facets,
            gold_facts={"rows": 4015, "left out": {"no code": 3}},
        )
    )
    assert captions(section) == [
        "Real mentions, whole code, with 95 % intervals",
        "Real mentions, first four characters, with 95 % intervals",
        "Real mentions, category, with 95 % intervals",
        "Real mentions: recall@5 by language, with 95 % intervals",
        "Real mentions: recall@5 by source, with 95 % intervals",
        "Real mentions: recall@5 by seen and unseen codes, with 95 % intervals",
        "recall@5 of real mentions by chapter of the code, with 95 % intervals",
        "recall@5 of real mentions by length of the code, in characters without the dot, with 95 % intervals",
        "recall@5 of real mentions by length of the query, in words, with 95 % intervals",
        "recall@5 over all languages: bi_encoder and the others",
        "recall@5: all pairs and languages",
        "MRR: all pairs and languages",
        "The file",
        "The file: left out",
    ]
    assert section is not None
    assert len(section.points) == 3
    assert section.points[0] == "Over all languages bi_encoder and two_stage have the same recall@5."


def test_slices_by_hand(metrics: pd.DataFrame) -> None:
    """By source bi_encoder finds 1 of 1 formal and 2 of 3 lay ones, 3 of 4 in all."""
    section = gold_section(ReportInputs(metrics=metrics, gold_metrics=metrics))
    assert section is not None
    table = next(table for table in section.tables if "by source" in table.caption)
    assert table.columns == ("system", "lay (n = 3)", "formal (n = 1)", "All (n = 4)")
    row = next(row for row in table.rows if row[0].text == "bi_encoder")
    assert [cell.text.split(" ")[0] for cell in row[1:]] == ["0.667", "1.000", "0.750"]


def test_one_of_a_kind_has_no_table(metrics: pd.DataFrame, one_source: pd.DataFrame) -> None:
    """Where all mentions are of one language, one source and seen, only the levels are shown."""
    section = gold_section(ReportInputs(metrics=metrics, gold_metrics=one_source))
    assert [caption.split(",")[1] for caption in captions(section)] == [
        " whole code",
        " first four characters",
        " category",
    ]
    assert section is not None
    assert section.points == ()


def test_all_measures_are_shown(metrics: pd.DataFrame) -> None:
    """The table of whole codes has every measure, the first answer's precision and F1 among them."""
    section = gold_section(ReportInputs(metrics=metrics, gold_metrics=metrics))
    assert section is not None
    assert section.tables[0].columns == (
        *("system", "recall@1", "recall@3", "recall@5", "recall@10", "recall@50", "MRR", "MAP@10", "nDCG@10"),
        *("P@1", "R@1", "F1@1"),
    )


def test_no_mentions(metrics: pd.DataFrame) -> None:
    """Without mentions there is no section, whatever else there is."""
    assert gold_section(ReportInputs(metrics=metrics)) is None
    assert gold_section(ReportInputs(metrics=metrics, gold_metrics=metrics.head(0))) is None
