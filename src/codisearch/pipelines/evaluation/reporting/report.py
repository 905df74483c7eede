"""The report that a person reads: one self-contained HTML page, and the same tables in Markdown."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from codisearch.pipelines.evaluation.reporting.document import Cell, Picture, Table
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs
from codisearch.pipelines.evaluation.reporting.sections import build_sections

__all__ = ["Report", "ReportInputs", "build_report"]

_UNBROKEN: Final = re.compile(r"\[[^\[\]]{1,24}\]|\(n = [\d,]+\)|\d %")
_PLOT_OPTIONS: Final = {"responsive": True, "displaylogo": False, "displayModeBar": False}
_MARKDOWN_MARKS: Final = str.maketrans({"|": "\\|", "*": "\\*", "`": "\\`", "<": "&lt;", "\n": " "})


@dataclass(frozen=True)
class Report:
    """A report in its two forms.

    Attributes:
        html: A page that needs no other file and no network.
        markdown: The same sentences and tables, without the figures.
    """

    html: str
    markdown: str


def build_report(inputs: ReportInputs) -> Report:
    """Return the report on an evaluation.

    Raises:
        InputError: If the metrics lack recall@5 overall.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "keep": _keep_together,
        "plot": _plot,
        "markdown_table": _markdown_table,
        "markdown_text": _markdown_text,
    }
    sections = build_sections(inputs)
    library = _plot_library() if any(section.pictures for section in sections) else ""
    html, markdown = (environment.get_template(f"report.{form}.j2") for form in ("html", "md"))
    return Report(
        html=html.render(title=inputs.title, sections=sections, library=library),
        markdown=markdown.render(title=inputs.title, sections=sections),
    )


def _plot_library() -> Markup:
    """Return plotly.js, which all figures of a page share."""
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())  # noqa: S704 - the library's own script


def _plot(picture: Picture) -> Markup:
    """Return the figure as HTML that counts on plotly.js being on the page; its data is escaped by plotly."""
    part = picture.figure.to_html(
        full_html=False, include_plotlyjs=False, div_id=f"plot-{picture.name}", config=_PLOT_OPTIONS
    )
    return Markup(part)  # noqa: S704


def _keep_together(text: str) -> str:
    """Return `text` with intervals, counts and percentages that do not break over lines."""
    return _UNBROKEN.sub(lambda match: match.group().replace(" ", "\N{NO-BREAK SPACE}"), text)


def _markdown_table(table: Table) -> str:
    """Return a table in Markdown, its caption above it."""
    head = [_markdown_text(column) for column in table.columns]
    lines = [head, ["---"] * len(head), *([_markdown_cell(cell) for cell in row] for row in table.rows)]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"**{_markdown_text(table.caption)}**\n\n{body}"


def _markdown_cell(cell: Cell) -> str:
    """Return the text of a cell, bold where it is strong."""
    text = _markdown_text(cell.text)
    return f"**{text}**" if cell.strong else text


def _markdown_text(text: str) -> str:
    """Return `text` with what Markdown would read as marks escaped."""
    return text.translate(_MARKDOWN_MARKS).replace("](", "]\\(")
