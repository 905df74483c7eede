"""Coding batches, and checking what a reviewer approved."""

from typing import Any

import pytest
from coding_retriever import CODES, FakeRetriever
from coding_rows import entry

from codisearch.coding.coder import Coder
from codisearch.coding.params import SearchParams
from codisearch.coding.rows import CodedRow, Earlier, Entry
from codisearch.errors import InputError

ASTHMA = "Other and unspecified asthma"


def code(retriever: FakeRetriever, *entries: Entry, **options: Any) -> list[CodedRow]:
    """Return the rows as they are coded with these options."""
    return Coder(retriever, SearchParams(**options)).code(entries)  # type: ignore[arg-type]


def reviewed(review: str, code_: str, phrase: str = ASTHMA, *, number: int = 1, **values: Any) -> Entry:
    """Return an entry of a file that was coded and reviewed before."""
    return entry(phrase, number, earlier=Earlier(review=review, code=code_, **values))  # type: ignore[arg-type]


def test_coded(retriever: FakeRetriever) -> None:
    """A row has the best code with its probability and release, and nothing to note."""
    (row,) = code(retriever, entry(ASTHMA))
    assert row.first is not None
    assert (row.status, row.known, row.first.code, row.first.probability) == ("coded", True, "J45.9", 1.0)
    assert (row.release, row.note, row.review, len(row.candidates)) == ("2026", "", "", 1)


def test_unknown_shows_its_guess(retriever: FakeRetriever) -> None:
    """Below the asked precision, the code is there but not known."""
    (row,) = code(retriever, entry("chest", language="es"), top=2, precision=0.99)
    assert row.first is not None
    assert (row.status, row.known, row.first.code, len(row.candidates)) == ("unknown", False, "R07.9", 2)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"phrase": " "}, "line 3: the phrase is empty."),
        ({"phrase": "250.00"}, "line 3: the phrase has no letters: '250.00'."),
        ({"phrase": "2026-03-01 08:00:00"}, "line 3: the phrase has no letters: '2026-03-01 08:00:00'."),
        ({"phrase": "VERDADERO"}, "line 3: the phrase is a yes or no, not words: 'VERDADERO'."),
        ({"phrase": "a" * 2001}, "line 3: the phrase has 2001 characters; at most 2000 are allowed"),
        ({"language": "de"}, "line 3: Unknown language 'de': allowed are en, es, ca, it, pt, fr."),
    ],
)
def test_invalid_rows_do_not_stop_the_others(
    retriever: FakeRetriever, values: dict[str, str], reason: str
) -> None:
    """They have a reason instead of a code."""
    rows = code(retriever, entry(ASTHMA), entry(number=2, **values), entry("hypertension", number=3))
    assert [row.status for row in rows] == ["coded", "invalid", "coded"]
    assert (rows[1].candidates, rows[1].known) == ((), None)
    assert rows[1].note.startswith(reason)


def test_options_that_are_not_allowed_stop(retriever: FakeRetriever) -> None:
    """They are no fault of a row."""
    with pytest.raises(InputError, match="Unknown chapter"):
        code(retriever, entry(ASTHMA), chapter="99")


def test_one_search_for_each_language(retriever: FakeRetriever) -> None:
    """Rows without a language have the one of all rows, and the order is that of the file."""
    entries = [entry(f"phrase {n}", n, language=tag) for n, tag in enumerate(["es-ES", "", "FR", "es_MX"], 1)]
    rows = code(retriever, *entries, language="ca", top=3)
    assert [row.entry.number for row in rows] == [1, 2, 3, 4]
    assert retriever.searched == [
        (("phrase 1", "phrase 4"), "es", 3),
        (("phrase 2",), "ca", 3),
        (("phrase 3",), "fr", 3),
    ]


def test_no_code_fits(retriever: FakeRetriever) -> None:
    """Filters can leave nothing."""
    (row,) = code(retriever, entry(ASTHMA), under="Z99")
    assert (row.status, row.candidates, row.note) == ("unknown", (), "no code fits the filters")


def test_kept(retriever: FakeRetriever) -> None:
    """An approved row is not searched: it keeps what it says, in whichever language its title is."""
    for title in (ASTHMA, f"{ASTHMA} (es)", ""):
        (row,) = code(
            retriever, reviewed("approved", "J45.9", "anything", title=title, probability=0.5, known=False)
        )
        assert (row.status, row.note, row.review, row.known) == ("kept", "", "approved", False)
        assert row.first is not None
        assert (row.first.code, row.first.title, row.first.probability) == ("J45.9", title or ASTHMA, 0.5)
    assert retriever.searched == []


def test_kept_without_a_phrase(retriever: FakeRetriever) -> None:
    """What a person approved holds even if the phrase cannot be searched."""
    assert code(retriever, reviewed("approved", "J45.9", ""))[0].status == "kept"


def test_changed(retriever: FakeRetriever) -> None:
    """The title that was approved stays, and both are in the note."""
    (row,) = code(retriever, reviewed("approved", "J45.9", title="Asthma"))
    assert row.first is not None
    assert (row.status, row.first.title, row.first.official_title) == ("changed", "Asthma", ASTHMA)
    assert row.note == f"approved as: Asthma; now: {ASTHMA}"
    assert row.review == "approved"


def test_retired(retriever: FakeRetriever) -> None:
    """The code stays, and the note says which ones are near it."""
    (row,) = code(retriever, reviewed("approved", "E11.99", title="Old"))
    assert row.first is not None
    assert (row.status, row.first.code, row.first.title, row.first.billable) == (
        "retired",
        "E11.99",
        "Old",
        None,
    )
    assert row.note.startswith("not in 2026; near: E11 Type 2 diabetes mellitus; E11.2 ")


def test_retired_with_nothing_near(retriever: FakeRetriever) -> None:
    """Then the note says the release alone."""
    assert code(retriever, reviewed("approved", "Q99"))[0].note == "not in 2026"


def test_heading(retriever: FakeRetriever) -> None:
    """The note says what is below it."""
    (row,) = code(retriever, reviewed("approved", "E11.2", title=CODES["E11.2"][1], billable=True))
    assert row.status == "heading"
    assert row.note == "not billable; below it: E11.21 Type 2 diabetes mellitus with diabetic nephropathy"


def test_heading_whose_title_has_changed(retriever: FakeRetriever) -> None:
    """Both are said."""
    (row,) = code(retriever, reviewed("approved", "E11.2", title="Old"))
    assert row.status == "heading"
    assert row.note.startswith("not billable; below it: E11.21")
    assert row.note.endswith(f"approved as: Old; now: {CODES['E11.2'][1]}")


def test_heading_that_was_one_when_it_was_approved(retriever: FakeRetriever) -> None:
    """The reviewer knew it."""
    assert code(retriever, reviewed("approved", "E11.2", billable=False))[0].status == "kept"


def test_rejected(retriever: FakeRetriever) -> None:
    """The best of the other codes takes its place; that it is sure was said of the rejected one."""
    (row,) = code(retriever, reviewed("rejected", "J45.9", rejected=("J45.9",)), top=2)
    assert [one.code for one in row.candidates] == ["R07.9", "E11.21"]
    assert (row.status, row.known, row.review, row.note) == ("unknown", False, "", "rejected: J45.9")
    assert retriever.searched == [((ASTHMA,), None, 3)]


def test_rejected_but_not_found_again(retriever: FakeRetriever) -> None:
    """The first hit is another one anyway, and as sure as ever."""
    (row,) = code(retriever, reviewed("rejected", "I10", rejected=("I10",)))
    assert row.first is not None
    assert (row.status, row.first.code, row.note) == ("coded", "J45.9", "rejected: I10")


def test_not_reviewed_is_coded_again(retriever: FakeRetriever) -> None:
    """What nobody looked at has no weight."""
    (row,) = code(retriever, reviewed("", "I10"))
    assert row.first is not None
    assert (row.status, row.first.code) == ("coded", "J45.9")


def test_empty(retriever: FakeRetriever) -> None:
    """A row in which nothing stands is not searched, and is no mistake of the file."""
    empty = entry(" ", number=2, identifier="", kept={"id": None, "query": " "})
    rows = code(retriever, entry(ASTHMA), empty)
    assert [row.status for row in rows] == ["coded", "empty"]
    assert (rows[1].candidates, rows[1].known, rows[1].note) == ((), None, "line 3: the row is empty.")
    assert retriever.searched == [((ASTHMA,), None, 1)]


def test_repeated_phrases_are_searched_once(retriever: FakeRetriever) -> None:
    """White space does not make another one; each row has its own entry."""
    rows = code(retriever, entry(ASTHMA, 1), entry("chest", 2), entry(f"{ASTHMA} ", 3))
    assert retriever.searched == [((ASTHMA, "chest"), None, 1)]
    assert [(row.entry.number, row.first.code) for row in rows if row.first] == [
        (1, "J45.9"), (2, "R07.9"), (3, "J45.9"),
    ]  # fmt: skip


SAID = {"probability": 0.9, "known": True, "alias": "asma", "alias_language": "es", "alias_source": "query"}


def test_a_code_of_the_reviewer(retriever: FakeRetriever) -> None:
    """What was said of the suggested code, its title as well, does not hold of another one."""
    (row,) = code(retriever, reviewed("approved", "I10", title=ASTHMA, suggested="J45.9", **SAID))
    assert row.first is not None
    assert (row.status, row.note, row.suggested) == ("kept", "", "J45.9")
    assert (row.first.code, row.first.title) == ("I10", "Essential (primary) hypertension")
    assert (row.first.probability, row.known, row.first.alias) == (None, None, "")
    assert (row.first.alias_language, row.first.alias_source) == ("", "")


def test_a_code_of_the_reviewer_whose_title_has_changed(retriever: FakeRetriever) -> None:
    """The title of the code that was chosen stays, also where the suggested one is no longer there."""
    (row,) = code(retriever, reviewed("approved", "I10", title="Old", suggested="Q99"))
    assert row.first is not None
    assert (row.status, row.first.title) == ("changed", "Old")


@pytest.mark.parametrize("suggested", ["J45.9", ""])
def test_the_suggested_code_approved(retriever: FakeRetriever, suggested: str) -> None:
    """All that was said of it stays; a file without the column tells nothing else."""
    (row,) = code(retriever, reviewed("approved", "J45.9", title=ASTHMA, suggested=suggested, **SAID))
    assert row.first is not None
    assert (row.first.probability, row.known, row.first.alias) == (0.9, True, "asma")
    assert row.suggested == suggested


def test_rejections_outlive_other_notes(retriever: FakeRetriever) -> None:
    """Whatever else is to be said, and whatever is decided of the code that came next."""
    before = {"rejected": ("R05", "R07.9")}
    rows = code(
        retriever,
        reviewed("approved", "J45.9", number=1, **before),
        reviewed("approved", "J45.9", number=2, title="Asthma", **before),
        reviewed("approved", "Q99", number=3, **before),
        reviewed("", "J45.9", "250.00", number=4, **before),
    )
    assert [row.status for row in rows] == ["kept", "changed", "retired", "invalid"]
    assert [row.note for row in rows] == [
        "rejected: R05, R07.9",
        f"rejected: R05, R07.9; approved as: Asthma; now: {ASTHMA}",
        "rejected: R05, R07.9; not in 2026",
        "rejected: R05, R07.9; line 5: the phrase has no letters: '250.00'.",
    ]
