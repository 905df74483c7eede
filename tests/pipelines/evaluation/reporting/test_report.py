"""The report as a page and as Markdown."""

import dataclasses
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.measures.gain import Comparison, compare_systems
from codisearch.pipelines.evaluation.reporting.behaviour_figures import (
    draw_calibration,
    draw_latency,
    draw_rank_transitions,
)
from codisearch.pipelines.evaluation.reporting.confidence_figures import draw_confidence
from codisearch.pipelines.evaluation.reporting.examples import select_changes, select_examples
from codisearch.pipelines.evaluation.reporting.figures import draw_figures
from codisearch.pipelines.evaluation.reporting.report import Report, ReportInputs, build_report

OPTIONAL_SECTIONS = {
    "By chapter, code length and query length",
    "Which differences are real",
    "Where the right code moves",
    "What the reranker fixes and breaks",
    "What a score means",
    "What a probability means, and when to say: I do not know",
    "The systems",
    "What training and reranking add",
    "Training",
    "Which encoder",
    "How the two stages are joined",
    "Real mentions",
    "Leakage and curation",
    "Examples",
    "This run",
}
CANDIDATES = pd.DataFrame({"encoder": ["static"], "recall@5": [0.6], "mrr": [0.5], "seconds": [120.0]})
HISTORY = pd.DataFrame({"model": ["bi_encoder"], "step": [1], "metric": ["loss"], "value": [2.0]})


class Page(HTMLParser):
    """What a test looks at in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def inputs(
    metrics: pd.DataFrame,
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    bootstrap: BootstrapParams,
    facets: pd.DataFrame,
    pairs: pd.DataFrame,
    transitions: pd.DataFrame,
    calibration: pd.DataFrame,
    systems: pd.DataFrame,
    confidence: ConfidenceTables,
) -> ReportInputs:
    """Return the inputs of a report with every part."""
    titles = {"I10": "Hyper[tension](x)"}
    step = Comparison("step", "base_encoder", "generalist", "recall@5", "difference")
    return ReportInputs(
        metrics=metrics,
        facets=facets,
        pairs=pairs,
        transitions=transitions,
        changes=select_changes(queries, rankings, per_query, titles, step),
        systems=systems,
        figures={
            **draw_figures(metrics, HISTORY, CANDIDATES),
            "rank_transitions": draw_rank_transitions(transitions),
            "calibration": draw_calibration(calibration),
            "latency": draw_latency(metrics, systems),
            **draw_confidence(confidence),
        },
        comparisons=compare_systems(per_query, queries, bootstrap),
        candidates=CANDIDATES,
        fusion={"depth": 50, "weight": 0.3},
        fusion_validation=pd.DataFrame({"language": ["en"], "two_stage": [0.6]}),
        leakage={"before": {"leaked": 71}, "after": {"leaked": 0}},
        examples=select_examples(queries, rankings, per_query, titles, system="bi_encoder"),
        gold_metrics=metrics,
        gold_facts={"rows": 4015},
        confidence=confidence,
        run_facts={"release": "April 2026", "codes": 98466},
    )


@pytest.fixture(scope="module")
def report(inputs: ReportInputs) -> Report:
    """Return the report of every part."""
    return build_report(inputs)


def headings(report: Report) -> list[str]:
    """Return the titles of the sections of the Markdown form."""
    return re.findall(r"^## (.+)$", report.markdown, flags=re.MULTILINE)


def without_script(html: str) -> str:
    """Return the page without its scripts."""
    return re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


def test_headline_is_computed(report: Report) -> None:
    """The first lines name the best system, its recall and the learning gain as the numbers have them."""
    start = report.markdown.split("## By language")[0]
    assert (
        "bi_encoder is the best system by recall@5: of 4 test queries, each ranked against all 98,466 codes"
        in start
    )
    assert "among its first five for 75.0 %" in start
    assert "Next comes two_stage with 75.0 %." in start
    assert "from 50.0 % (Spanish) to 100.0 % (English)" in start
    assert "had training pairs it finds 66.7 %, where it had none 100.0 %" in start
    assert "Learning gain: MRR +100.0 %" in start
    assert re.search(
        r"Of 4 real mentions bi_encoder finds 75\.0 % \(95 % interval [^)]+\) in its first five, and the"
        r" right category of 75\.0 %\.",
        start,
    )


def test_tables_hold_the_numbers(report: Report) -> None:
    """A row of the first table has the values by language, the best in bold where not all are equal."""
    row = next(line for line in report.markdown.splitlines() if line.startswith("| bi_encoder"))
    assert re.findall(r"(\d\.\d{3})(?: \[|\*| )", row) == ["1.000", "0.500", "0.750"]
    assert row.count("**") == 4


def test_reference_stands_beside_ours_with_the_reasons(report: Report) -> None:
    """The reference's figures never stand without the sentence that the tests differ."""
    section = report.markdown.split("## Beside the reference recipe")[1]
    assert "| bi-encoder | 0.876 | 0.650 | 0.804 | bi_encoder | 0.500 | 0.750 | 0.750 |" in section
    assert "| learning gain in MRR | +15.9 % | +100.0 % |" in section
    assert "different tests" in section
    assert "not published" in section


def test_page_is_complete_in_itself(report: Report) -> None:
    """No other file is asked for, plotly.js stands once, and every tag is closed."""
    page = Page(report.html)
    assert page.open == []
    assert not [attributes for _, attributes in page.tags if "src" in attributes]
    assert {attributes["href"] for tag, attributes in page.tags if tag == "link"} == {"data:,"}
    assert all((attributes["href"] or "").startswith("#") for tag, attributes in page.tags if tag == "a")
    assert report.html.count("plotly.js v") == 1
    assert "http" not in without_script(report.html)


def test_page_is_accessible(report: Report) -> None:
    """Figures have a label, tables a caption and scoped heads, and every link has its target."""
    page = Page(report.html)
    tables = sum(tag == "table" for tag, _ in page.tags)
    assert tables == sum(tag == "caption" for tag, _ in page.tags) > 10
    assert all(attributes.get("scope") in {"col", "row"} for tag, attributes in page.tags if tag == "th")
    figures = [attributes for _, attributes in page.tags if attributes.get("role") == "img"]
    assert len(figures) == 10
    assert all(attributes["aria-label"] for attributes in figures)
    targets = {f"#{attributes['id']}" for tag, attributes in page.tags if tag == "section"}
    assert {attributes["href"] for tag, attributes in page.tags if tag == "a"} == targets


def test_text_is_escaped(report: Report) -> None:
    """Markup in a query stays text in both forms."""
    assert "<b>fiebre" not in report.html
    assert "&lt;b&gt;fiebre" in report.html
    assert "<b>" not in report.markdown
    assert "sugar \\| diabetes" in report.markdown
    assert "Hyper[tension]\\(x)" in report.markdown


def test_optional_parts_are_left_out(inputs: ReportInputs, report: Report) -> None:
    """With every part all sections are there; with the metrics alone the optional ones are not."""
    bare = build_report(ReportInputs(metrics=inputs.metrics))
    assert set(headings(report)) - set(headings(bare)) == OPTIONAL_SECTIONS
    assert "<script" not in bare.html
    assert "the whole code set" in bare.markdown


def test_one_system_one_language(inputs: ReportInputs) -> None:
    """A run of one system on one kind of query still has a report."""
    rows = inputs.metrics["system"].eq("bm25") & inputs.metrics[["language", "style", "seen"]].eq("all").all(
        axis=1
    )
    metrics = inputs.metrics.loc[rows].assign(low=float("nan"), high=float("nan"))
    bare = build_report(ReportInputs(metrics=metrics, comparisons=inputs.comparisons))
    assert "bm25 is the best system" in bare.markdown
    assert "Next comes" not in bare.markdown
    assert "By style of the query" not in bare.markdown
    assert "Seen and unseen codes" not in headings(bare)


def test_undefined_change_is_a_dash(inputs: ReportInputs) -> None:
    """A change that is not defined is a dash in the tables and absent from the headline."""
    assert inputs.comparisons is not None
    frame = inputs.comparisons.assign(change=float("nan"))
    bare = build_report(ReportInputs(inputs.metrics, comparisons=frame))
    assert "Learning gain: MRR" not in bare.markdown
    assert "| learning gain in MRR | +15.9 % | – |" in bare.markdown


def test_skipped_system(report: Report) -> None:
    """A system that was left out is in the headline and in the section on systems, and in no other table."""
    sections = dict(section.split("\n", 1) for section in report.markdown.split("\n## ")[1:])
    assert "- Left out, as the section on systems explains: biolord." in sections["In short"]
    assert "- biolord was left out: its model is not on this computer" in sections["The systems"]
    assert {title for title, text in sections.items() if "biolord" in text} == {"In short", "The systems"}


def test_nothing_is_left_out(inputs: ReportInputs) -> None:
    """Where all systems ran the headline does not speak of it."""
    assert inputs.systems is not None
    ran = dataclasses.replace(inputs, systems=inputs.systems.assign(skipped=float("nan")))
    assert "Left out" not in build_report(ran).markdown


def test_gains_in_both_measures(report: Report) -> None:
    """The rise of recall@5 stands beside that of MRR, in the headline and as a table with its title."""
    start = report.markdown.split("## By language")[0]
    assert "Learning gain in recall: recall@5 +50.0 %" in start
    assert "Relative rise of recall@5 from the un-tuned to the fine-tuned encoder" in report.markdown


def test_what_reranking_changed(report: Report) -> None:
    """One query that was fixed and one that was broken stand in a table, with the ranks before and after."""
    section = report.markdown.split("## What the reranker fixes and breaks")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith(("| fixed", "| broken"))]
    assert [row[1] for row in rows] == ["tensión alta", "&lt;b>fiebre&lt;/b>"]
    assert rows[0][4].startswith("not in the first 50")
    assert rows[0][5].startswith("rank 4")


def test_same_inputs_same_report(inputs: ReportInputs, report: Report) -> None:
    """There is no clock and no random name in a report."""
    assert build_report(inputs) == report
