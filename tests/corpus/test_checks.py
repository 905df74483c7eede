"""Every rule that a corpus can break is named with file and line, all in one go."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from codisearch.corpus.checks import check_corpus
from codisearch.datasets.corpus_rows import COLUMNS
from codisearch.errors import InputError
from codisearch.files import sha256_of_folder
from codisearch.pipelines.curation.params import CurationParams

from .conftest import pair, write_table


@pytest.fixture
def lines(code_set: pd.DataFrame, params: CurationParams) -> Callable[..., list[str]]:
    """Return a function that checks a corpus and returns its problems as text."""

    def run(folder: Path, *contributed: Path) -> list[str]:
        return [str(problem) for problem in check_corpus(folder, code_set, params, contributed).problems]

    return run


def test_nothing_wrong(corpus: Path, code_set: pd.DataFrame, params: CurationParams) -> None:
    """A good corpus has no problem, and all its tables are read."""
    checked = check_corpus(corpus, code_set, params)
    assert checked.problems == ()
    assert len(checked.pairs) == 23
    assert checked.listed["code"].tolist() == ["I10"]
    assert len(checked.confusables) == 3
    assert checked.answers["answer"].tolist() == ["I10", ""]


def test_contributed_file(corpus: Path, lines: Callable[..., list[str]], tmp_path: Path) -> None:
    """A contributed file with each fault: each is named with line and rule, and nothing is written."""
    contributed = tmp_path / "new.csv"
    columns = list(COLUMNS)
    write_table(
        contributed,
        columns,
        [
            pair("es", "lay", "me aprieta el pecho", "R07.0", 7),
            pair("es", "lay", "otra cosa", "X99.9", 2),
            pair("es", "lay", "me duele la garganta al tragar", "I10"),  # the id is taken
            pair("es", "formal", "my blood pressure has been very high for many years", "I10", 3),
            pair("es", "formal", "tensión alta, I10", "I10", 4),
            pair("es", "lay", "tengo la tensión alta desde hace años", "I10", 5),
        ],
    )
    before = sha256_of_folder(corpus)
    found = lines(corpus, contributed)
    text = "\n".join(found)
    assert "new.csv, line 3: unknown_code: Code 'X99.9' is not in tiny." in text
    assert "new.csv, line 4: duplicate pair_id 'es-I10-lay-1', first in es.csv, line 4" in text
    assert "new.csv, line 5: wrong_language: Reads as English" in text
    assert "new.csv, line 6: code_in_query: The query names its code I10." in text
    assert "new.csv, line 7: exact_duplicate: repeats es-I10-lay-1, es.csv, line 4" in text
    assert "codes.csv, line 1: code 'R07.0' has queries but is not listed" in text
    assert not any("new.csv, line 2:" in line for line in found)
    assert sha256_of_folder(corpus) == before


def test_wrong_column_beside_other_faults(
    corpus: Path, lines: Callable[..., list[str]], tmp_path: Path
) -> None:
    """A file whose header is wrong is named, and the other files are checked all the same."""
    wrong, late = tmp_path / "wrong.csv", tmp_path / "late.csv"
    wrong.write_text("pair_id,query,icd\np1,dolor,R07.0\n", encoding="utf-8")
    late.write_bytes(",".join(COLUMNS).encode() + b"\n\xff\n")
    found = lines(corpus, wrong, late)
    assert any(line.startswith("wrong.csv, line 1: missing column code, language") for line in found)
    assert "late.csv, line 2: not UTF-8: byte 0xff" in found


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("I10", "J45.9", "disorder", "again"), "I10 J45.9 a second time, first in line 2"),
        (("I10", "Z99.9", "disorder", "unknown"), "unknown_code: confusable 'Z99.9' is not in the code set"),
        (("I10", "I10", "site", "itself"), "confusable 'I10' is 'I10', or above or below it in the tree"),
        (("I10", "J45", "colour", "asthma"), "unknown qualifier 'colour'; allowed are severity, site"),
        (("I10", "J45", "site", " "), "empty difference"),
        (("I10", "J45", "site"), "expected 4 fields, found 3"),
    ],
)
def test_list_of_confusables(
    row: tuple[str, ...],
    expected: str,
    corpus: Path,
    lines: Callable[..., list[str]],
    append: Callable[..., None],
) -> None:
    """Each rule of the list of confusable codes is named with its line."""
    append(corpus / "lists/confusables.csv", row)
    assert any(line.startswith(f"confusables.csv, line 5: {expected}") for line in lines(corpus))


def test_coverage(corpus: Path, lines: Callable[..., list[str]], append: Callable[..., None]) -> None:
    """A listed code without its queries, titles and confusable codes is named with what it lacks."""
    append(corpus / "lists/codes.csv", ("J45.9", "10", "rare", "asthma without more"))
    append(corpus / "it.csv", pair("it", "lay", "respiro male la notte", "J45.9"))
    found = lines(corpus)
    assert len(found) == 2
    assert found[0].startswith(
        "codes.csv, line 3: J45.9 has no row of: en formal, en shorthand, en lay, es formal"
    )
    assert "it lay" not in found[0]
    assert "en title" not in found[0]
    assert "fr title" in found[0]
    assert found[1] == "codes.csv, line 3: J45.9 has 0 confusable codes; allowed are 3 to 6"


def test_missing_tables(corpus: Path, lines: Callable[..., list[str]]) -> None:
    """Audits may be missing; a missing list is named."""
    (corpus / "audit/answers.csv").unlink()
    assert lines(corpus) == []
    (corpus / "lists/codes.csv").unlink()
    assert lines(corpus) == ["codes.csv, line 1: no listed codes: expected lists/codes.csv in the corpus"]


def test_lines_below_a_broken_one(
    corpus: Path, lines: Callable[..., list[str]], append: Callable[..., None]
) -> None:
    """A row that breaks a rule does not shift the lines of those below it."""
    append(
        corpus / "lists/codes.csv", ("J45", "10", "daily", "asthma"), ("R07.0", "18", "rare", "sore throat")
    )
    found = lines(corpus)
    assert "codes.csv, line 3: unknown frequency 'daily'; allowed are common, rare" in found
    assert any(line.startswith("codes.csv, line 4: R07.0 has no row of: en formal") for line in found)


def test_audited_text_that_changed(corpus: Path, lines: Callable[..., list[str]]) -> None:
    """A query that was rewritten under an audited id is named, and so is a round without a number."""
    path = corpus / "en.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("raised arterial", "elevated arterial"))
    answers = corpus / "audit/answers.csv"
    answers.write_text(answers.read_text(encoding="utf-8").replace("1,es-", "last,es-"), encoding="utf-8")
    assert lines(corpus) == [
        "answers.csv, line 1: en-I10-formal-1 is not what was audited under this id; "
        "a new text needs a new pair_id",
        "answers.csv, line 3: round 'last' is no number",
    ]


def test_unreadable_file_and_date(
    corpus: Path, lines: Callable[..., list[str]], append: Callable[..., None]
) -> None:
    """A folder in place of a file and a date of another form are problems like all others."""
    (corpus / "de.csv").mkdir()
    append(corpus / "fr.csv", (*pair("fr", "lay", "la tension monte", number=2)[:-1], "24/11/2026"))
    assert lines(corpus) == [
        "de.csv, line 1: unknown language in the file's name; allowed are en, es, ca, it, pt, fr",
        "fr.csv, line 6: created '24/11/2026' is no date like 2026-11-24",
    ]
    (corpus / "de.csv").rmdir()
    (corpus / "es.csv").unlink()
    (corpus / "es.csv").mkdir()
    assert "es.csv, line 1: cannot be read: Is a directory" in lines(corpus)


def test_no_corpus(tmp_path: Path, corpus: Path, lines: Callable[..., list[str]]) -> None:
    """A folder without a corpus, and a contributed file that is not there, are named."""
    with pytest.raises(InputError, match="No corpus in"):
        lines(tmp_path)
    with pytest.raises(InputError, match=r"No such file: .*absent\.csv"):
        lines(corpus, tmp_path / "absent.csv")
