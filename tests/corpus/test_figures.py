"""The figures of the data card, worked out by hand on a corpus of one code."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from codisearch.corpus.card import render, write_card
from codisearch.corpus.checks import check_corpus
from codisearch.corpus.figures import Figures, measure
from codisearch.errors import InputError
from codisearch.pipelines.curation.params import CurationParams

from .conftest import pair


@pytest.fixture
def figures_of(code_set: pd.DataFrame, params: CurationParams) -> Callable[[Path], Figures]:
    """Return a function that measures a corpus."""
    return lambda folder: measure(check_corpus(folder, code_set, params), code_set, params)


def test_totals(corpus: Path, figures_of: Callable[[Path], Figures]) -> None:
    """18 queries and 5 titles of one code, with 3 confusable codes and 2 audited answers."""
    totals = figures_of(corpus).totals
    assert totals["queries_raw"] == totals["queries_curated"] == 18
    assert totals["titles"] == 5
    assert totals["codes_with_queries"] == totals["codes_with_titles"] == totals["listed_common"] == 1
    assert totals["confusables_per_code"] == [3, 3]
    assert totals["audited"] == 2


def test_near_duplicates_and_noise(
    corpus: Path, figures_of: Callable[[Path], Figures], append: Callable[..., None]
) -> None:
    """A second query that differs by a word is a near-duplicate, which curation refuses."""
    row = list(pair("es", "lay", "tengo ya la tensión alta desde hace años", number=2))
    row[5] = "typo"
    append(corpus / "es.csv", row)
    found = figures_of(corpus)
    counts = found.counts.set_index(["language", "style"]).loc[("es", "lay")]
    assert counts.to_dict() == {"raw": 2, "curated": 1, "noise": 1}
    texts = found.texts.set_index(["language", "style"])
    assert texts.loc[("es", "lay"), "near_duplicates"] == 1
    assert texts.loc[("es", "formal"), "near_duplicates"] == 0


def test_texts(corpus: Path, figures_of: Callable[[Path], Figures]) -> None:
    """Words, diversity and language of single queries."""
    texts = figures_of(corpus).texts.set_index(["language", "style"])
    assert len(texts) == 18
    lay = texts.loc[("en", "lay")]
    assert lay["words_median"] == 5  # my blood pressure runs high
    assert lay["diversity"] == 1
    assert texts.loc[("it", "lay"), "identified"] == 1
    assert pd.isna(texts.loc[("it", "shorthand"), "identified"])  # too short to be judged
    assert 0 < texts.loc[("es", "formal"), "like_translated"] < 1


def test_chapters(corpus: Path, figures_of: Callable[[Path], Figures]) -> None:
    """Every chapter of the code set is listed, with zeros where the corpus has nothing."""
    chapters = figures_of(corpus).chapters.set_index("chapter")
    assert chapters.loc["I"].to_dict() == {"codes": 1, "queries": 18}
    assert chapters.loc["J", "codes"] == 0


def test_card(corpus: Path, figures_of: Callable[[Path], Figures]) -> None:
    """The figures go between the marks of the card, again and again, and all else stays."""
    found = figures_of(corpus)
    path = write_card(found, corpus)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Card\n<!-- figures: begin -->")
    assert text.endswith("<!-- figures: end -->\n# After\n")
    assert "old" not in text
    assert "18 queries of 1 codes, 18 after curation; 5 titles of 1 codes." in text
    assert "| all | all | 2 | 0.500 (0.09-0.91) | 0.500 (0.09-0.91) | 0.500 (0.09-0.91) |" in text
    assert write_card(found, corpus).read_text(encoding="utf-8") == text


def test_card_without_audit(corpus: Path, figures_of: Callable[[Path], Figures]) -> None:
    """Before an audit the card says so."""
    (corpus / "audit/answers.csv").unlink()
    assert "No audit yet." in render(figures_of(corpus))


def test_card_without_marks(corpus: Path, figures_of: Callable[[Path], Figures]) -> None:
    """A card without the marks is refused rather than overwritten."""
    (corpus / "README.md").write_text("# Card\n", encoding="utf-8")
    with pytest.raises(InputError, match="needs a line <!-- figures: begin -->"):
        write_card(figures_of(corpus), corpus)


def test_part_that_was_audited_again(
    corpus: Path, figures_of: Callable[[Path], Figures], append: Callable[..., None]
) -> None:
    """Of a part audited twice the last round counts, tenth after second; totals take all together."""
    row = ("es-I10-lay-1", "es", "lay", "tengo la tensión alta desde hace años", "I10")
    append(corpus / "audit/answers.csv", ("2", *row, ""), ("10", *row, "I10"))
    audit = figures_of(corpus).audit.set_index(["language", "style"])
    assert audit.index.is_unique
    assert audit.loc[("es", "lay"), ["answers", "exact"]].tolist() == [1, 1.0]
    assert audit.loc[("all", "all"), ["answers", "exact"]].tolist() == [2, 1.0]
