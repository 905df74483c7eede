"""What each rule refuses and what it lets pass."""

from collections.abc import Callable

import pandas as pd
import pytest

from codisearch.pipelines.curation.params import CurationParams
from codisearch.rules import pair_rules as rules
from codisearch.rules.identification import is_identifiable, language_confidences

Make = Callable[..., pd.DataFrame]


@pytest.fixture
def context(code_set: pd.DataFrame, params: CurationParams) -> rules.RuleContext:
    """Return the small code set with the shipped parameters."""
    return rules.RuleContext.from_code_set(code_set, params)


def refused(rule: rules.Rule, pairs: pd.DataFrame, context: rules.RuleContext) -> list[str]:
    """Return the queries that a rule has something to say about."""
    return pairs.loc[rule(pairs, context) != "", "query"].tolist()


def test_unknown_code(make_pairs: Make, context: rules.RuleContext) -> None:
    """A code must be in the code set as it is written there."""
    pairs = make_pairs(
        ("dolor", "R07.9", "es", "lay"), ("dolor", "R07", "es", "lay"), ("tos", "r079", "es", "lay")
    )
    assert rules.unknown_code(pairs, context).tolist() == [
        "",
        "Code 'R07' is not in the test release.",
        "Code 'r079' is not in the test release.",
    ]


def test_no_code_set(make_pairs: Make, code_set: pd.DataFrame, params: CurationParams) -> None:
    """Without codes every code is unknown."""
    context = rules.RuleContext.from_code_set(code_set.iloc[:0], params)
    found = rules.unknown_code(make_pairs(("tos", "R07.9", "es", "lay")), context)
    assert found.tolist() == ["Code 'R07.9' is not in an empty code set."]


def test_length(make_pairs: Make, context: rules.RuleContext) -> None:
    """Two characters are enough, one is not, and 41 words or nothing but punctuation are refused."""
    queries = ["FA", " x ", "a " * 41, "b" * 251, "...", "dolor torácico"]
    pairs = make_pairs(*((query, "R07.9", "es", "lay") for query in queries))
    assert rules.length(pairs, context).tolist() == [
        "",
        "1 characters; allowed are 2 to 250.",
        "41 words; allowed are 1 to 40.",
        "251 characters; allowed are 2 to 250.",
        "0 words; allowed are 1 to 40.",
        "",
    ]


@pytest.mark.parametrize(
    ("query", "code", "found"),
    [
        ("IAM I21.9", "I21.9", True),
        ("iam (i219)", "I21.9", True),
        ("codigo I21-9 IAM", "I21.9", True),
        ("hta i10", "I10", True),
        ("IAM XI219", "I21.9", False),
        ("tomó 3i100 ml", "I10", False),
        ("IAM I21.90", "I21.9", False),
        ("vértebra T12 y R07", "R07.9", False),
    ],
)
def test_code_in_query(
    query: str, code: str, found: bool, make_pairs: Make, context: rules.RuleContext
) -> None:
    """The code is found dotted or not and in any case, but not inside a longer word."""
    said = rules.code_in_query(make_pairs((query, code, "es", "lay")), context).iloc[0]
    assert said == (f"The query names its code {code}." if found else "")


def test_official_title(make_pairs: Make, context: rules.RuleContext) -> None:
    """The title of the row's own code is refused whatever its case and commas, unless the row is a title."""
    title = "CHEST PAIN unspecified"
    pairs = make_pairs(
        (title, "R07.9", "en", "formal"),
        (title, "R07.9", "en", "title"),
        (title, "I10", "en", "formal"),
        ("chest pain", "R07.9", "en", "formal"),
        ("nothing", "Z99", "en", "formal"),
    )
    assert rules.official_title(pairs, context).tolist() == [
        "The query is the official title of R07.9.",
        *[""] * 4,
    ]


LEFTOVERS = [
    "dolor en {lugar}",
    "[nombre] con fiebre",
    "<b>dolor</b> torácico",
    "`I21` infarto",
    "**infarto** agudo",
    "dolor &amp; fiebre",
    "fractura de ____",
    "TODO",
    "TODO write this one",
    "tos, TODO: revisar",
    "Lorem ipsum dolor",
    "N/A",
    "none",
    "ver https://example.org",
    "infarto agudo de miocÃ¡rdio",
    "dolor\ttorácico",
]
CLEAN = [
    "Hb <7 y plaquetas >20",
    "K+ > 6 mmol/L",
    "PA < 90, FC > 120",
    "# NOF left",
    "me duele todo el cuerpo",
    "DOLOR EN TODO EL ABDOMEN",
    "TODO EL CUERPO CON RONCHAS",
    "NÃO CONSIGO RESPIRAR",
    "trisomía X, 47,XXX",
    "s/ complic. (dcha.)",
    "ruptura d'aneurisma",
]


@pytest.mark.parametrize("query", LEFTOVERS)
def test_leftovers(query: str, make_pairs: Make, context: rules.RuleContext) -> None:
    """Placeholders, markup and broken text are refused."""
    assert "leftover" in rules.leftover(make_pairs((query, "R07.9", "es", "lay")), context).iloc[0]


@pytest.mark.parametrize("query", CLEAN)
def test_clinical_signs_are_no_leftovers(query: str, make_pairs: Make, context: rules.RuleContext) -> None:
    """Comparison signs, fracture marks, capitals and ordinary words that look like leftovers pass."""
    assert rules.leftover(make_pairs((query, "R07.9", "es", "lay")), context).iloc[0] == ""


RIGHT = [
    ("me duele el pecho cuando subo las escaleras", "es", "lay"),
    ("úlceras de decúbito sacro", "es", "formal"),
    ("hemangioma cavernoso intraóseo", "es", "formal"),
    ("IAM con ↑ST", "es", "shorthand"),
    ("Insuficiència respiratòria aguda, sense precisar hipoxèmia o hipercàpnia", "ca", "formal"),
    ("Anèmia ferropènica per pèrdues hemàtiques cròniques", "ca", "formal"),
    ("em fa mal el pit quan pujo escales", "ca", "lay"),
    ("il petto mi fa male quando salgo le scale", "it", "lay"),
    ("ED L5-S1, radicolop. L5, Lasègue +", "it", "shorthand"),
    ("dói-me o peito quando subo escadas", "pt", "lay"),
    ("Vulvovaginite aguda por Candida", "pt", "formal"),
    ("j'ai mal à la poitrine quand je monte les escaliers", "fr", "lay"),
    ("zona thoracique D5 s/ complic., valaciclovir 7 j", "fr", "shorthand"),
    ("my chest hurts when I climb the stairs", "en", "lay"),
    ("Tiroïditis de Hashimoto", "ca", "formal"),
]
WRONG = [
    ("my chest hurts when I climb the stairs every morning", "es", "lay"),
    ("me duele mucho el pecho cuando subo las escaleras", "fr", "lay"),
    ("j'ai très mal à la poitrine quand je monte les escaliers, depuis hier", "it", "lay"),
    ("mi fanno male le gambe e sono gonfie da qualche giorno", "pt", "lay"),
    ("não consigo respirar quando me deito na cama à noite", "ca", "lay"),
]


def test_right_language(make_pairs: Make, context: rules.RuleContext) -> None:
    """Natural queries of six languages, shorthand and close relatives among them, all pass."""
    pairs = make_pairs(*((query, "R07.9", language, style) for query, language, style in RIGHT))
    assert refused(rules.wrong_language, pairs, context) == []


def test_wrong_language(make_pairs: Make, context: rules.RuleContext) -> None:
    """A plain sentence filed under another language is refused, and the sentence names both languages."""
    pairs = make_pairs(*((query, "R07.9", language, style) for query, language, style in WRONG))
    assert refused(rules.wrong_language, pairs, context) == [query for query, _, _ in WRONG]
    assert rules.wrong_language(pairs, context).iloc[0].startswith("Reads as English (")


def test_language_off(make_pairs: Make, code_set: pd.DataFrame, params: CurationParams) -> None:
    """Switched off, identification refuses nothing."""
    off = params.model_copy(update={"language": params.language.model_copy(update={"enabled": False})})
    pairs = make_pairs(*((query, "R07.9", language, style) for query, language, style in WRONG))
    assert refused(rules.wrong_language, pairs, rules.RuleContext.from_code_set(code_set, off)) == []


def test_abstention(params: CurationParams) -> None:
    """Under 20 letters or 3 words of two letters there is no judgement."""
    prose = params.language.prose
    assert not is_identifiable("IAM con ↑ST", prose)
    assert not is_identifiable("colangiocarcinoma intrahepático", prose)
    assert is_identifiable("colangiocarcinoma del hígado", prose)


def test_confidences() -> None:
    """Confidences are a row per text that sums to about 1, and none at all for no texts."""
    found = language_confidences(
        ["my chest hurts when I breathe", "he tingut molta febre i em fan mal tots els ossos"]
    )
    assert found.idxmax(axis=1).tolist() == ["en", "ca"]
    assert found.sum(axis=1).round(2).tolist() == [1.0, 1.0]
    assert language_confidences([]).empty


def test_first_rule_named_and_all_told(make_pairs: Make, context: rules.RuleContext) -> None:
    """A row that fails several rules carries the first, and the detail tells every one."""
    pairs = make_pairs(("{I10}", "I10", "es", "lay"), ("tensión alta", "I10", "es", "lay"))
    found = rules.apply_rules(pairs, context)
    assert found["rule"].tolist() == ["leftover", ""]
    assert found["detail"].tolist() == [
        "The query holds a leftover (placeholder): '{'. Also code_in_query: The query names its code I10.",
        "",
    ]
