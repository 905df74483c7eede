"""Search in Python."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from codisearch.errors import BundleError, InputError, UnknownCodeError
from codisearch.retrieval.answers import Answer, CodeName, Hit
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.encoder import encode
from codisearch.retrieval.index import build_faiss
from codisearch.retrieval.retriever import Retriever

QUERIES = ["high blood pressure", "diabete", "dolor en el pecho", "asthma"]


def test_search(retriever: Retriever, tiny_code_set: pd.DataFrame) -> None:
    """A hit has its code, title, place in the tree, ranks, and the alias that matched, with a cosine of 1."""
    answer = retriever.search("high blood pressure", language="en", top=1)
    assert answer[0] == Hit(
        code="I10",
        title="Essential (primary) hypertension",
        title_language="en",
        official_title="Essential (primary) hypertension",
        billable=True,
        chapter="I",
        path=(),
        probability=answer[0].probability,
        score=pytest.approx(1.0, abs=1e-3),
        rank=1,
        first_rank=1,
        second_rank=answer[0].second_rank,
        alias="High blood pressure",
        alias_language="en",
        alias_source="inclusion_term",
    )
    assert 1 <= answer[0].second_rank <= 5
    assert (answer.query, answer.language, answer.detected) == ("high blood pressure", "en", False)
    assert (answer.release, answer.precision) == ("tiny", 0.8)
    billable = dict(zip(tiny_code_set["code"], tiny_code_set["billable"], strict=True))
    hits = retriever.search("diabetes", top=13)
    assert {hit.code: hit.billable for hit in hits} == billable
    assert {type(hit.billable) for hit in hits} == {bool}


def test_hits_are_sorted(retriever: Retriever) -> None:
    """Probabilities fall, codes are distinct, and `top` of them come, numbered."""
    for top in (1, 4, 13):
        hits = retriever.search("dolor en el pecho", top=top)
        assert len({hit.code for hit in hits}) == len(hits) == top
        chances = [hit.probability for hit in hits]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) <= 1.001
        assert [hit.rank for hit in hits] == list(range(1, top + 1))


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


@pytest.mark.parametrize("query", ["", "   ", "¿?", "\n", "250.00"])
def test_empty_query(retriever: Retriever, query: str) -> None:
    """A query without a letter is refused, and its place in the batch named."""
    with pytest.raises(InputError, match="Query 2 is empty: expected a clinical phrase with letters"):
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


def codes_of(answer: Answer) -> list[str]:
    """Return the codes of an answer."""
    return [hit.code for hit in answer]


def test_top_does_not_change_the_order(retriever: Retriever) -> None:
    """The first three of thirteen are the first three of three, with the same numbers."""
    for query in QUERIES:
        assert retriever.search(query, top=13).hits[:3] == retriever.search(query, top=3).hits


def test_billable_only(retriever: Retriever, tiny_code_set: pd.DataFrame) -> None:
    """Only leaves are found, and all of them where all are asked for."""
    leaves = set(tiny_code_set.loc[tiny_code_set["billable"], "code"])
    assert set(codes_of(retriever.search("diabetes", top=100, billable_only=True))) == leaves


def test_under(retriever: Retriever) -> None:
    """A code and all below it are found, however they are typed; codes elsewhere are not."""
    for typed in ("E11", "e11", "E11.-"):
        found = codes_of(retriever.search("asthma", top=100, under=typed))
        assert sorted(found) == ["E11", "E11.2", "E11.21", "E11.22", "E11.9"]
    assert codes_of(retriever.search("asthma", under="I10")) == ["I10"]
    with pytest.raises(UnknownCodeError, match="There is no code E12 in tiny"):
        retriever.search("asthma", under="E12")


def test_filters_together(retriever: Retriever) -> None:
    """Below E11.2 there are two leaves; in another chapter nothing is left, which is no error."""
    found = retriever.search("diabetes", top=100, under="E11.2", billable_only=True)
    assert sorted(codes_of(found)) == ["E11.21", "E11.22"]
    nothing = retriever.search("diabetes", chapter="9")
    assert (len(nothing), nothing.known) == (0, False)


@pytest.mark.parametrize("chapter", ["0", "23", "IX", ""])
def test_unknown_chapter(retriever: Retriever, chapter: str) -> None:
    """A chapter that there is not is refused with those that there are."""
    with pytest.raises(InputError, match="allowed are the numbers 1 to 22"):
        retriever.search("asthma", chapter=chapter)


def test_without_the_second_stage(retriever: Retriever) -> None:
    """Without reranking no hit has a place in the second stage, and the order is the first stage's."""
    hits = retriever.search("asthma", top=5, rerank=False)
    assert [hit.second_rank for hit in hits] == [None] * 5
    assert [hit.first_rank for hit in hits] == [1, 2, 3, 4, 5]
    # It reads five codes; those beyond have no place either.
    assert sum(hit.second_rank is not None for hit in retriever.search("asthma", top=13)) == 5


def test_known(retriever: Retriever) -> None:
    """An answer is known from the probability that its precision needs: .5 for .8; .9 cannot be reached."""
    sure, unsure = retriever.search("high blood pressure"), retriever.search("xylophone quartet")
    assert (sure.known, sure[0].probability >= 0.5) == (True, True)
    assert (unsure.known, unsure[0].probability < 0.5) == (False, True)
    assert not retriever.search("high blood pressure", precision=0.9).known


@pytest.mark.parametrize("precision", [0.0, 0.49, 1.0, float("nan")])
def test_precision_that_is_not_allowed(retriever: Retriever, precision: float) -> None:
    """A precision that nobody can promise is refused."""
    with pytest.raises(InputError, match=r"`precision` must be between 0.5 and 0.99"):
        retriever.search("asthma", precision=precision)


@pytest.mark.parametrize("typed", ["E11.9", "e119", "E119", " e11.9 "])
def test_typed_code(retriever: Retriever, typed: str) -> None:
    """A code that is typed is looked up."""
    answer = retriever.search(typed, language="es")
    assert (answer.known, codes_of(answer), answer[0].probability) == (True, ["E11.9"], 1.0)
    assert (answer[0].alias, answer[0].alias_source, answer[0].first_rank) == ("E11.9", "code", None)


def test_typed_heading(retriever: Retriever) -> None:
    """A heading comes with the codes below it; where only leaves are wanted it is left out."""
    answer = retriever.search("E11.2")
    assert codes_of(answer) == ["E11.2", "E11.21", "E11.22"]
    assert [hit.probability for hit in answer] == [1.0, 0.0, 0.0]
    assert answer.language is None
    leaves = retriever.search("E11.2", billable_only=True)
    assert (codes_of(leaves), leaves.known) == (["E11.21", "E11.22"], False)


def test_typed_code_that_does_not_exist(retriever: Retriever) -> None:
    """The nearest codes come, and the answer is not known; what only looks like a code is a phrase."""
    answer = retriever.search("E11.25")
    assert (codes_of(answer), answer.known) == (["E11.2", "E11.21", "E11.22"], False)
    assert retriever.search("B12")[0].alias_source != "code"


def test_typed_code_that_is_filtered_out(retriever: Retriever) -> None:
    """A code is not searched as a phrase because a filter leaves nothing of it."""
    for options in ({"under": "R07"}, {"chapter": "9"}):
        answer = retriever.search("E11.9", **options)
        assert (len(answer), answer.known) == (0, False)


def test_language_is_detected(retriever: Retriever) -> None:
    """Where no language is given it is detected, and titles stay English unless they are asked for."""
    answer = retriever.search("hipertensión arterial de larga evolución")
    assert (answer.language, answer.detected) == ("es", True)
    assert {hit.title_language for hit in answer} == {"en"}


def test_titles_in_a_language(retriever: Retriever) -> None:
    """Titles are in the asked language, or the display language, where there is one, else English."""
    hit = retriever.search("high blood pressure", language="en", display_language="es", top=1)[0]
    assert (hit.title, hit.title_language) == ("Hipertensión esencial (primaria)", "es")
    assert hit.official_title == "Essential (primary) hypertension"
    assert retriever.search("high blood pressure", language="fr", top=1)[0].title_language == "fr"
    assert retriever.search("high blood pressure", language="it", top=1)[0].title_language == "en"


def test_groups(retriever: Retriever) -> None:
    """Every hit is in one group, and there are groups only where they were asked for."""
    answer = retriever.search("diabetes", top=13, grouped=True)
    assert sorted(hit.code for group in answer.groups for hit in group.hits) == sorted(codes_of(answer))
    assert retriever.search("diabetes", top=13).groups == ()


def test_threads(retriever: Retriever) -> None:
    """Sixteen threads get what one gets."""
    alone = {query: retriever.search(query, top=5) for query in QUERIES}
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda query: (query, retriever.search(query, top=5)), QUERIES * 25))
    assert all(answer == alone[query] for query, answer in found)


def test_lookup(retriever: Retriever) -> None:
    """A card has the tree, the terms, the titles and what is easily confused, with the words that differ."""
    card = retriever.lookup("r079", "fr")
    french = "Douleur thoracique, sans précision"
    assert (card.code, card.title, card.title_language) == ("R07.9", french, "fr")
    assert card.titles == {"en": "Chest pain, unspecified", "fr": french}
    assert card.path == (CodeName("R07", "Pain in throat and chest", False),)
    assert [one.code for one in card.siblings] == ["R07.0"]
    (confusable,) = card.confusables
    assert (confusable.code, confusable.qualifier) == ("R07.0", "site")
    assert (confusable.only_here, confusable.only_there) == (("Chest", "unspecified"), ("in", "throat"))
    above = retriever.lookup("E11")
    assert [one.code for one in above.children] == ["E11.2", "E11.9"]
    assert above.excludes == ("type 1 diabetes (E10.-)",)
    assert above.inclusion_terms == ("Diabetes due to insulin resistance",)


def test_lookup_of_no_code(retriever: Retriever) -> None:
    """A code that does not exist comes with the nearest, and what is no code is told what one looks like."""
    with pytest.raises(UnknownCodeError, match=r"no code E11\.99 in tiny; the nearest are E11\.9") as caught:
        retriever.lookup("e1199")
    assert (caught.value.code, caught.value.suggestions[0].code) == ("E11.99", "E11.9")
    with pytest.raises(InputError, match="Not an ICD-10-CM code: '12 asthma'"):
        retriever.lookup("12 asthma")
    with pytest.raises(InputError, match="Unknown language"):
        retriever.lookup("E11", "xx")


def test_suggest(retriever: Retriever) -> None:
    """Beginnings of words are completed, codes by their beginning, and nothing has no completion."""
    assert [one.code for one in retriever.suggest("E11.2")] == ["E11.2", "E11.21", "E11.22"]
    found = [one.text for one in retriever.suggest("hipert", "es", top=2)]
    assert found == ["Hipertensión esencial (primaria)", "hipertensión arterial"]
    assert [one.code for one in retriever.suggest("E11.2-")] == ["E11.2", "E11.21", "E11.22"]
    assert retriever.suggest("DM2")[0].code == "E11.9"
    assert retriever.suggest(" ¿ ") == []
    with pytest.raises(InputError, match="`top` must be between"):
        retriever.suggest("asma", top=0)


def test_warm_up(bundle_folder: Path) -> None:
    """What is built at the first search can be built before it."""
    fresh = Retriever.load(bundle_folder)
    fresh.warm_up()
    assert fresh.release == "tiny"
    assert fresh.codebook.find("e119") == "E11.9"


def test_import_from_the_package() -> None:
    """The package gives retriever, answer and hit by name, and nothing else."""
    import codisearch.retrieval as package

    assert package.Retriever is Retriever
    assert package.Hit is Hit
    assert package.Answer is Answer
    with pytest.raises(AttributeError, match="no attribute 'Searcher'"):
        _ = package.Searcher
