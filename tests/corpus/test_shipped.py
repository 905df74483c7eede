"""The corpus in the repository: no row breaks a rule, and its card and metadata are true to its rows."""

from pathlib import Path

import pytest

from codisearch.corpus.audit import parts_below
from codisearch.corpus.checks import Checked, check_corpus
from codisearch.corpus.croissant import METADATA, stale_files, validate
from codisearch.languages import LANGUAGES, QUERY_STYLES
from codisearch.pipelines.code_set.nodes import load_code_set
from codisearch.pipelines.code_set.params import CodeSetParams
from codisearch.pipelines.curation.params import CurationParams

from .conftest import ROOT

CORPUS = ROOT / "data" / "01_raw" / "corpus"


@pytest.fixture(scope="module")
def checked(params: CurationParams) -> Checked:
    """Return the corpus, checked against the whole code set."""
    return check_corpus(CORPUS, load_code_set(CodeSetParams()), params)


def test_nothing_wrong(checked: Checked) -> None:
    """No row breaks a rule, and every listed code has all that it should have."""
    assert [str(problem) for problem in checked.problems] == []


def test_size(checked: Checked) -> None:
    """At least 1,350 codes have three queries in each of six languages; noise is marked and rare."""
    queries = checked.pairs[checked.pairs["style"] != "title"]
    assert len(checked.listed) >= 1350
    assert len(queries) == len(checked.listed) * len(LANGUAGES) * len(QUERY_STYLES)
    assert 0 < (queries["noise"] != "").mean() <= 0.05
    assert 0.6 <= (checked.listed["frequency"] == "common").mean() <= 0.85


def test_audit(checked: Checked) -> None:
    """Every language and style has been audited, and none lies below the bars."""
    audited = checked.answers.groupby(["language", "style"]).size()
    assert len(audited) == len(LANGUAGES) * len(QUERY_STYLES)
    assert audited.sum() >= 600
    assert parts_below(checked.answers) == []


def test_audited_queries_are_blind(checked: Checked) -> None:
    """An answer's query is that of its pair, where the pair still stands."""
    queries = checked.pairs.set_index("pair_id")["query"]
    standing = checked.answers[checked.answers["pair_id"].isin(queries.index)]
    assert (standing["query"] == standing["pair_id"].map(queries)).all()


def test_metadata_is_true() -> None:
    """The Croissant file is valid and names the files as they are: else `codisearch corpus card` is due."""
    validate(CORPUS / METADATA)
    assert stale_files(CORPUS) == []


def test_card_is_true(checked: Checked) -> None:
    """The card's figures are of these rows: else `codisearch corpus card` is due."""
    card = Path(CORPUS / "README.md").read_text(encoding="utf-8")
    queries = checked.pairs[checked.pairs["style"] != "title"]
    titles = len(checked.pairs) - len(queries)
    assert f"{len(queries):,} queries of {len(checked.listed):,} codes" in card
    assert f"{titles:,} titles of" in card
    assert f"{len(checked.confusables):,} confusable codes" in card
