"""Which rows become mentions, with which codes, and how the others are counted."""

from collections.abc import Callable

import pytest

from codisearch.pipelines.evaluation.gold import Gold

ReadGold = Callable[..., Gold]


def test_unusable_rows_are_counted(read: ReadGold) -> None:
    """Each reason is counted, and the rest of the file is used."""
    rows = [
        "query,code,language",
        ",I10,es",
        "fiebre,10-I,es",
        "fiebre,,es",
        "fiebre,R50.9,de",
        "fiebre,Z99.9,es",
        "a,b,c,d",
        "fiebre",
        "tos,R50.9,pt",
    ]
    gold = read("\n".join(rows))
    assert (len(gold.queries), gold.rows) == (1, 8)
    assert gold.skipped == {
        "malformed code": 1,
        "empty code": 1,
        "row that does not fit the header": 2,
        "empty query": 1,
        "unknown language": 1,
        "code not in the code set": 1,
    }
    assert gold.examples["empty code"] == ["line 4: fiebre,,es"]
    assert gold.examples["malformed code"] == ["line 3: fiebre,10-I,es"]
    assert gold.examples["unknown language"] == ["line 5: fiebre,R50.9,de"]


def test_examples_are_few_and_short(read: ReadGold) -> None:
    """Of each reason three rows are kept, with no more than 80 characters."""
    gold = read("query,code\nfiebre,R50.9\n" + f"{'dolor ' * 40},x\n" * 5)
    assert gold.skipped == {"malformed code": 5}
    examples = gold.examples["malformed code"]
    assert [text[:13] for text in examples] == ["line 3: dolor", "line 4: dolor", "line 5: dolor"]
    assert all(len(text) == 80 and text.endswith("…") for text in examples)


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("I10;E11.9", ["I10", "E11.9"]),
        ("i10 | e119", ["I10", "E11.9"]),
        ('"I10, E11.9"', ["I10", "E11.9"]),
        ("I10  E11.9;", ["I10", "E11.9"]),
        ("E11.-", ["E11"]),
        ("I10*", ["I10"]),
        ("I10X", ["I10"]),
        ("E11.9XX", ["E11.9"]),
        ("s025xxa", ["S02.5XXA"]),
    ],
)
def test_codes_of_a_cell(read: ReadGold, cell: str, codes: list[str]) -> None:
    """A cell may hold several codes, marks of ICD-10, and an X that fills a short code up."""
    gold = read(f"query,code\nfiebre,{cell}\n")
    assert gold.queries["codes"].tolist() == [codes]


@pytest.mark.parametrize("cell", ["I10; presión alta", "I10;1", "alta I10", ";"])
def test_cell_with_a_part_that_is_no_code_is_malformed(read: ReadGold, cell: str) -> None:
    """A cell is only taken apart if every part is a code; the word `alta` has the form of one."""
    gold = read(f"query,code\nfiebre,R50.9\nfiebre,{cell}\n")
    assert gold.skipped == {"malformed code": 1}


def test_further_codes_that_are_unknown_are_noted(read: ReadGold) -> None:
    """A row is used with those of its codes that the code set has."""
    gold = read("query,code\nfiebre,R50.9;Z99.9\ntos,Z99.8;Z99.9\n")
    assert gold.queries["codes"].tolist() == [["R50.9"]]
    assert gold.notes["row with further codes that the code set lacks"] == 1
    assert gold.skipped == {"code not in the code set": 1}


def test_placeholder_that_was_taken_off_is_noted(read: ReadGold) -> None:
    """S02.5XX begins codes of the set and stays; I10X begins none and loses its X."""
    gold = read("query,code\nhipertensión,I10X\nfractura dental,S02.5XX\n")
    note = "code with an X at its end that the code set does not have"
    assert gold.queries["codes"].tolist() == [["I10"], ["S02.5XX"]]
    assert gold.queries["seen"].tolist() == [True, True]
    assert (gold.notes[note], gold.examples[note]) == (1, ["line 2: hipertensión,I10X"])


def test_kinds_count_the_codes_of_all_queries(read: ReadGold) -> None:
    """S02 and E11 are headers, S02.5XX lacks its last character, S02.5XXA, I10 and I10 again are billable."""
    gold = read("query,code\na,S02\nb,E11\nc,S02.5XX\nd,S02.5XXA\ne,I10\nf,I10\nf,I10\n")
    assert gold.kinds == {
        "billable codes": 3,
        "header codes": 2,
        "codes without their seventh character": 1,
    }


def test_language_tags_and_their_absence(read: ReadGold) -> None:
    """A region is left aside; a file without the column is in the default language, and that is noted."""
    tagged = read("query,code,language\na,I10,pt-BR\nb,I10,FR_ca\nc,I10,english\n")
    assert tagged.queries["language"].tolist() == ["pt", "fr"]
    assert tagged.skipped == {"unknown language": 1}
    untagged = read("query,code\na,I10\nb,I10\n")
    assert untagged.queries["language"].tolist() == ["es", "es"]
    assert untagged.notes == {"row without a language, read as es": 2}
