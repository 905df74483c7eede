"""Search in Python."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from codisearch.errors import BundleError, InputError
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.encoder import encode
from codisearch.retrieval.index import build_faiss
from codisearch.retrieval.retriever import Hit, Retriever

QUERIES = ["high blood pressure", "diabete", "dolor en el pecho", "asthma"]


def test_search(retriever: Retriever, tiny_code_set: pd.DataFrame) -> None:
    """A hit has its code, title, whether it can be billed, and the alias that matched, with a cosine of 1."""
    hit = retriever.search("high blood pressure", language="en", top=1)[0]
    assert hit == Hit(
        code="I10",
        title="Essential (primary) hypertension",
        score=pytest.approx(1.0, abs=1e-3),
        alias="High blood pressure",
        alias_language="en",
        alias_source="inclusion_term",
        billable=True,
    )
    billable = dict(zip(tiny_code_set["code"], tiny_code_set["billable"], strict=True))
    hits = retriever.search("diabetes", top=13)
    assert {hit.code: hit.billable for hit in hits} == billable
    assert {type(hit.billable) for hit in hits} == {bool}


def test_hits_are_sorted(retriever: Retriever) -> None:
    """Scores fall, codes are distinct, and `top` of them come."""
    for top in (1, 4, 13):
        hits = retriever.search("dolor en el pecho", top=top)
        assert len({hit.code for hit in hits}) == len(hits) == top
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_more_than_there_are(retriever: Retriever) -> None:
    """Where more codes are asked for than there are, all come."""
    assert len(retriever.search("asthma", top=100)) == 13


def test_search_many_is_search(retriever: Retriever) -> None:
    """A batch finds what each query finds alone."""
    for query, hits in zip(QUERIES, retriever.search_many(QUERIES, top=4), strict=True):
        alone = retriever.search(query, top=4)
        assert [hit.code for hit in hits] == [hit.code for hit in alone]
        assert [hit.alias for hit in hits] == [hit.alias for hit in alone]
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in alone], abs=5e-3)


def test_no_queries(retriever: Retriever) -> None:
    """No queries have no hits."""
    assert retriever.search_many([], language="es") == []


def test_spaces_do_not_matter(retriever: Retriever) -> None:
    """Line breaks and runs of spaces are one space."""
    assert retriever.search("  high \n blood\tpressure ") == retriever.search("high blood pressure")


@pytest.mark.parametrize("query", ["", "   ", "¿?", "\n"])
def test_empty_query(retriever: Retriever, query: str) -> None:
    """A query without letters or digits is refused, and its place in the batch named."""
    with pytest.raises(
        InputError, match="Query 2 is empty: expected a clinical phrase with letters or digits"
    ):
        retriever.search_many(["asma", query])


def test_long_query(retriever: Retriever) -> None:
    """2,000 characters are allowed, one more is not."""
    assert retriever.search("asma " * 399 + "aguda", top=1)
    with pytest.raises(InputError, match="Query 1 has 2001 characters; at most 2000 are allowed"):
        retriever.search("a" * 2001)


def test_query_that_is_no_text(retriever: Retriever) -> None:
    """Bytes that are not UTF-8 are refused, in a message that can be printed."""
    with pytest.raises(InputError, match="bytes that are not UTF-8") as caught:
        retriever.search(b"asma\xff".decode(errors="surrogateescape"))
    assert str(caught.value).isascii()


@pytest.mark.parametrize("top", [0, -1, 101])
def test_top(retriever: Retriever, top: int) -> None:
    """How many codes may be asked for is limited, and the message says to what."""
    with pytest.raises(InputError, match=f"must be between 1 and 100, came {top}"):
        retriever.search("asma", top=top)


@pytest.mark.parametrize("language", ["xx", "", "ES"])
def test_unknown_language(retriever: Retriever, language: str) -> None:
    """A language that is none of the six is refused with those that are."""
    with pytest.raises(InputError, match="allowed are en, es, ca, it, pt, fr"):
        retriever.search("asma", language=language)


def test_load(bundle_folder: Path, tmp_path: Path) -> None:
    """A retriever opens a path or a string, tells what it searches, and refuses what is no bundle."""
    assert Retriever.load(str(bundle_folder)).manifest.release == "tiny"
    with pytest.raises(BundleError, match="No bundle at"):
        Retriever.load(tmp_path)


@pytest.fixture
def bilingual(tiny_bundle: Bundle) -> Retriever:
    """Return a retriever whose codes have aliases of two or three languages, some of them alike."""
    aliases = pd.DataFrame(
        [
            ("chest pain", "R07.9", "en", "official_title"),
            ("Chest Pain", "R07.9", "it", "query"),
            ("diabetes", "E11.9", "en", "official_title"),
            ("asthma", "J45.9", "en", "official_title"),
            ("asthma unspecified", "J45.9", "fr", "query"),
        ],
        columns=["alias", "code", "language", "source"],
        dtype="str",
    )
    index = build_faiss(encode(tiny_bundle.encoder.model, aliases["alias"].tolist()), "SQfp16")
    return Retriever(replace(tiny_bundle, aliases=aliases, index=index))


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (None, "chest pain"),
        ("en", "chest pain"),
        ("it", "Chest Pain"),
        ("pt", "chest pain"),
    ],
)
def test_alias_in_the_language_of_the_query(bilingual: Retriever, language: str | None, shown: str) -> None:
    """Of aliases that match equally well, the one in the query's language is shown."""
    hit = bilingual.search("chest pain", language=language)[0]
    assert (hit.code, hit.alias, hit.score) == ("R07.9", shown, pytest.approx(1.0, abs=1e-3))


def test_alias_that_matches_less_is_not_shown(bilingual: Retriever) -> None:
    """An alias in the query's language that matches clearly less than the best does not take its place."""
    hit = next(hit for hit in bilingual.search("asthma", language="fr") if hit.code == "J45.9")
    assert (hit.alias, hit.alias_language) == ("asthma", "en")


def test_language_does_not_change_the_ranking(retriever: Retriever) -> None:
    """Codes and scores are the same whichever language is given."""
    plain = [(hit.code, hit.score) for hit in retriever.search("diabete", top=13)]
    for language in ("en", "es", "ca", "it", "pt", "fr"):
        assert [(hit.code, hit.score) for hit in retriever.search("diabete", language, 13)] == plain


def test_import_from_the_package() -> None:
    """The package gives the retriever and the hit by name, and nothing else."""
    import codisearch.retrieval as package

    assert package.Retriever is Retriever
    assert package.Hit is Hit
    with pytest.raises(AttributeError, match="no attribute 'Searcher'"):
        _ = package.Searcher
