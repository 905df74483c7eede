"""Delimited tables and JSON lines."""

import json
from collections.abc import Callable

import pytest

from codisearch.errors import InputError
from codisearch.pipelines.evaluation.gold import Gold

ReadGold = Callable[..., Gold]


@pytest.mark.parametrize("mark", ["\t", ",", ";", "|"])
def test_separators_are_found(read: ReadGold, mark: str) -> None:
    """The separator is the one under which the header has the columns, in any order and case."""
    gold = read(f"\ufeff\n\nsource{mark}Code{mark} QUERY \nx{mark}I10{mark}tensión alta\n")
    assert gold.queries["query"].tolist() == ["tensión alta"]


def test_bare_quotes_in_tabbed_text_stay(read: ReadGold) -> None:
    """A quotation mark in a tab-separated file is text, not the start of a cell over several lines."""
    gold = read('query\tcode\n"tensión alta\tI10\nfiebre\tR50.9\n', "gold.tsv")
    assert gold.queries["query"].tolist() == ['"tensión alta', "fiebre"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_count_lines_not_records(read: ReadGold, end: str) -> None:
    """A quoted cell over three lines and a blank line move what follows; a row is where it begins."""
    lines = ["query,code", '"dolor', "muy", 'agudo",R50.9', "", "tos,x", '"fiebre', 'alta",y']
    gold = read(end.join(lines) + end)
    assert gold.queries["query"].tolist() == ["dolor muy agudo"]
    assert gold.examples["malformed code"] == ["line 6: tos,x", 'line 7: "fiebre alta",y']


def test_rows_with_another_separator_are_read_and_noted(read: ReadGold) -> None:
    """Only a separator that gives exactly the header's cells will do; the last cells may be left out."""
    gold = read("query;code;language\na;I10;es\nb,I10,es\nc\tI10\tpt\nd;I10\ne,I10\nf,g,I10,es\n")
    assert gold.queries["query"].tolist() == ["a", "b", "c", "d"]
    assert gold.queries["language"].tolist() == ["es", "es", "pt", "es"]
    assert gold.notes["row with another separator"] == 2
    assert gold.examples["row with another separator"] == ["line 3: b,I10,es", "line 4: c I10 pt"]
    assert gold.skipped == {"row that does not fit the header": 2}


def test_quote_that_is_never_closed_is_refused(read: ReadGold) -> None:
    """Such a quote would swallow all that follows, so the line that opens it is named."""
    with pytest.raises(InputError, match="line 3: a quotation mark opens a cell that is never closed"):
        read('query,code\nfiebre,R50.9\n"tos,R50.9\ndolor,N23\n')


def test_cell_without_end_is_refused(read: ReadGold) -> None:
    """A cell of more than 128 KiB is none of a table of mentions."""
    with pytest.raises(InputError, match="line 2: not a well-formed table"):
        read("query,code\n" + "x" * 200_000 + ",I10\n")


def test_row_is_not_cut_by_another_separator_into_endless_cells(read: ReadGold) -> None:
    """Two long cells fit under their own separator; read with another one they would be too long for one."""
    half = "x" * 100_000
    gold = read(f"query,code\n{half},{half},I10\nfiebre,R50.9\n")
    assert gold.skipped == {"row that does not fit the header": 1}


def test_few_sources_become_styles(read: ReadGold) -> None:
    """The first source of a query stays; a row without one is a mention."""
    gold = read("query,code,Source\na,I10,ward\nA,N23,clinic\nb,I10,clinic\nc,I10,\n")
    assert gold.queries["style"].tolist() == ["ward", "clinic", "mention"]
    assert gold.queries["codes"].tolist() == [["I10", "N23"], ["I10"], ["I10"]]
    assert gold.facts["sources"] == "used as style, 2 different"
    assert gold.facts["queries by style"] == {"ward": 1, "clinic": 1, "mention": 1}


@pytest.mark.parametrize(("count", "styles"), [(12, 12), (13, 1)])
def test_many_sources_do_not(read: ReadGold, count: int, styles: int) -> None:
    """With more than twelve the style stays `mention`, and the facts say so."""
    gold = read("query,code,source\n" + "".join(f"q{number},I10,s{number}\n" for number in range(count)))
    assert gold.queries["style"].nunique() == styles
    assert (
        gold.facts["sources"]
        == {
            12: "used as style, 12 different",
            13: "not used as style: 13 different, at most 12 can be shown",
        }[count]
    )


def test_json_lines(read: ReadGold) -> None:
    """One object per line, a code or a list of them; a line that is none is skipped and counted."""
    lines = [
        json.dumps({"Query": "fiebre", "code": "R50.9", "source": "ward"}),
        "",
        "[1, 2]",
        "{",
        "[" * 100_000,
        json.dumps({"query": "tensión", "code": ["I10", "N23"]}),
        json.dumps({"query": {"a": 1}, "code": "I10"}),
    ]
    gold = read("\n".join(lines), "gold.jsonl")
    assert gold.queries["query"].tolist() == ["fiebre", "tensión"]
    assert gold.queries["codes"].tolist() == [["R50.9"], ["I10", "N23"]]
    assert gold.queries["style"].tolist() == ["ward", "mention"]
    assert gold.skipped == {"row that does not fit the header": 3, "empty query": 1}
    assert gold.examples["row that does not fit the header"][:2] == ["line 3: [1, 2]", "line 4: {"]


def test_json_lines_without_a_column_are_refused(read: ReadGold) -> None:
    """The names of all objects together are the columns."""
    with pytest.raises(InputError, match="lacks the column code"):
        read('{"query": "fiebre"}', "gold.jsonl")


def test_half_a_surrogate_pair_is_replaced(read: ReadGold) -> None:
    """JSON can hold characters that no file can be written with."""
    gold = read('{"query": "fiebre \\ud800", "code": "R50.9"}', "gold.jsonl")
    assert gold.queries["query"].tolist() == ["fiebre \ufffd"]
