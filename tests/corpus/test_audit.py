"""Agreement of blind back-coding against values worked out by hand."""

import pandas as pd
import pytest

from codisearch.corpus.audit import agreement_by_part, latest_rounds, parts_below
from codisearch.corpus.tables import ANSWER_COLUMNS


def answers_of(*rows: tuple[str, str, str, str, str]) -> pd.DataFrame:
    """Return answers of (round, language, style, code, answer)."""
    full = [
        (turn, f"p{n}", lang, style, "q", code, answer)
        for n, (turn, lang, style, code, answer) in enumerate(rows)
    ]
    return pd.DataFrame(full, columns=list(ANSWER_COLUMNS), dtype="str")


ANSWERS = answers_of(
    ("1", "es", "lay", "E11.9", "E11.9"),
    ("1", "es", "lay", "E11.21", "E11.22"),  # the same first four characters
    ("1", "es", "lay", "E11.9", "E11.65"),  # the same category
    ("1", "es", "lay", "I10", ""),
    ("1", "fr", "formal", "I10", "I10"),
)


def test_agreement() -> None:
    """Of four answers one is right, two are to four characters, three in the category."""
    table = agreement_by_part(ANSWERS).set_index(["language", "style"])
    part = table.loc[("es", "lay")]
    assert part["answers"] == 4
    assert part["exact"] == pytest.approx(0.25)
    assert part["four_characters"] == pytest.approx(0.5)
    assert part["category"] == pytest.approx(0.75)
    assert table.loc[("all", "all"), "exact"] == pytest.approx(0.4)
    assert table.loc[("all", "lay"), "answers"] == 4
    assert table.loc[("fr", "all"), "category"] == 1


def test_wilson_interval() -> None:
    """One of four: Wilson's 95 % interval is 0.0456 to 0.6994."""
    part = agreement_by_part(ANSWERS).set_index(["language", "style"]).loc[("es", "lay")]
    assert part["exact_low"] == pytest.approx(0.0456, abs=5e-4)
    assert part["exact_high"] == pytest.approx(0.6994, abs=5e-4)


def test_latest_rounds() -> None:
    """A part that was audited again counts by its last round; the others keep theirs."""
    again = answers_of(("2", "es", "lay", "E11.9", "E11.9"))
    table = latest_rounds(pd.concat([ANSWERS, again], ignore_index=True))
    assert table[["round", "language"]].to_numpy().tolist() == [["1", "fr"], ["2", "es"]]


def test_parts_below() -> None:
    """A part below either bar is named, until its next round passes."""
    assert parts_below(ANSWERS) == [("es", "lay")]
    again = answers_of(("2", "es", "lay", "E11.9", "E11.9"))
    assert parts_below(pd.concat([ANSWERS, again], ignore_index=True)) == []


def test_no_answers() -> None:
    """Without answers there is an empty table."""
    nothing = answers_of()
    assert agreement_by_part(latest_rounds(nothing)).empty
    assert parts_below(nothing) == []
