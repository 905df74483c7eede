"""The figures of the data card, as Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from codisearch.corpus.audit import CATEGORY_BAR, CODE_BAR
from codisearch.corpus.figures import Figures
from codisearch.errors import InputError

CARD: Final = "README.md"
_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"


def render(figures: Figures) -> str:
    """Return the figures as Markdown sections."""
    return "\n\n".join(
        [
            "### Counts",
            _totals(figures),
            _table(figures.counts, _COUNTS),
            "### Blind back-coding",
            _audit_words(figures),
            _table(figures.audit, _AUDIT) if len(figures.audit) else "No audit yet.",
            "### Texts",
            _TEXT_WORDS,
            _table(figures.texts, _TEXTS),
            "### Chapters",
            _table(figures.chapters, {"chapter": "Chapter", "codes": "Codes", "queries": "Queries"}),
            "### Confusable codes by qualifier",
            ", ".join(f"{name} {count}" for name, count in figures.qualifiers.items()) or "None.",
        ]
    )


def write_card(figures: Figures, folder: Path) -> Path:
    """Put the figures between the marks of the card in a corpus folder, and return the card.

    Raises:
        InputError: If there is no card, or the marks are not in it.
    """
    path = folder / CARD
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise InputError(f"{path} needs a line {_BEGIN} and, below it, a line {_END}.")
    path.write_text(f"{before}{begin}\n\n{render(figures)}\n\n{end}{after}", encoding="utf-8")
    return path


_COUNTS = {
    "language": "Language",
    "style": "Style",
    "raw": "Rows",
    "curated": "After curation",
    "noise": "With noise",
}
_AUDIT = {
    "language": "Language",
    "style": "Style",
    "answers": "Answers",
    "exact": "Code",
    "four_characters": "4 characters",
    "category": "Category",
}
_TEXTS = {
    "language": "Language",
    "style": "Style",
    "words": "Words",
    "diversity": "Diversity",
    "identified": "Language identified",
    "judged": "Long enough",
    "near_duplicates": "Near-duplicates",
    "close": "Close",
    "like_official": "Like the official title",
    "like_translated": "Like the title",
}
_TEXT_WORDS = (
    "*Words*: median (10th to 90th percentile). *Diversity*: share of distinct words in 5,000. *Language "
    "identified*: share of the queries long enough to be judged whose language the detector names first. "
    "*Near-duplicates*, *close*: share with another query of the language at a cosine of .9, .7 or more. "
    "*Like the title*: median cosine with the official English title, and with the title in the query's "
    "language (character 3- to 5-grams, TF-IDF)."
)


def _totals(figures: Figures) -> str:
    totals = figures.totals
    least, most = totals["confusables_per_code"]
    return (
        f"{totals['queries_raw']:,} queries of {totals['codes_with_queries']:,} codes, "
        f"{totals['queries_curated']:,} after curation; {totals['titles']:,} titles of "
        f"{totals['codes_with_titles']:,} codes. {totals['listed_codes']:,} listed codes, "
        f"{_percent(totals['listed_common'], totals['listed_codes'])} of them common; "
        f"{totals['confusables']:,} confusable codes, {least} to {most} of each. "
        f"{_percent(totals['noisy'], totals['queries_raw'])} of the queries have noise."
    )


def _audit_words(figures: Figures) -> str:
    return (
        f"{figures.totals['audited']:,} answers, of {figures.totals['audit_rounds']} round(s); of each part "
        "the last one. Share of the answers that agree, with 95 % Wilson intervals. A part below "
        f"{CODE_BAR:.0%} at code or {CATEGORY_BAR:.0%} at category level is rewritten."
    )


def _table(frame: pd.DataFrame, columns: dict[str, str]) -> str:
    rows = [_cells(row, tuple(columns)) for row in frame.to_dict(orient="records")]
    lines = [list(columns.values()), ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: dict[object, object] | dict[str, object], names: Sequence[str]) -> list[str]:
    values: dict[str, object] = {str(name): value for name, value in row.items()}
    if "words" in names:
        values["words"] = (
            f"{values['words_median']:.0f} ({values['words_p10']:.0f}-{values['words_p90']:.0f})"
        )
    return [_cell(name, values) for name in names]


def _cell(name: str, values: dict[str, object]) -> str:
    value = values[name]
    if f"{name}_low" in values:
        return f"{value:.3f} ({values[f'{name}_low']:.2f}-{values[f'{name}_high']:.2f})"
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0 %"
