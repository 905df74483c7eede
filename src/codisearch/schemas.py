"""The tables that flow between pipelines, as pandera schemas; a failing frame names its column and check."""

from typing import Final

import pandera.pandas as pa

from codisearch.codes import CODE_PATTERN, QUALIFIERS
from codisearch.languages import LANGUAGES, NOISES, SPLITS, STYLES

_code = pa.Column(str, pa.Check.str_matches(CODE_PATTERN))
_language = pa.Column(str, pa.Check.isin(LANGUAGES))
_style = pa.Column(str, pa.Check.isin(STYLES))
_text = pa.Column(str, pa.Check.str_length(min_value=1))
_any_text = pa.Column(str)

CODE_SET: Final = pa.DataFrameSchema(
    {
        "code": pa.Column(str, pa.Check.str_matches(CODE_PATTERN), unique=True),
        "title": _text,
        "category": _code,
        "chapter": _text,
        "parent": _any_text,  # empty for a category
        "billable": pa.Column(bool),
        "inclusion_terms": pa.Column(object),  # list of str
        "release": _text,
    },
    strict=True,
    name="code_set",
)

CODE_NOTES: Final = pa.DataFrameSchema(
    {
        "code": pa.Column(str, pa.Check.str_matches(CODE_PATTERN), unique=True),
        "excludes": pa.Column(object),  # list of str
    },
    strict=True,
    name="code_notes",
)
"""What the tabular list says a code does not include, without what the codes above it say."""

TITLES: Final = pa.DataFrameSchema(
    {"code": _code, "title": _text, "language": _language}, strict=True, name="titles"
)
"""Titles of codes in further languages; `inclusion_terms`-like aliases of other sources use ALIASES."""

_PAIR_COLUMNS: Final = {
    "pair_id": pa.Column(str, unique=True),
    "query": _text,
    "code": _text,
    "language": _language,
    "style": _style,
    "noise": pa.Column(str, pa.Check.isin(NOISES)),
    "source": _text,
    "prompt_hash": _any_text,
    "created": _any_text,
}
RAW_PAIRS: Final = pa.DataFrameSchema(_PAIR_COLUMNS, strict=True, name="raw_pairs")
ENDS: Final = ("accepted", "rejected", "failed", "pending")
"""How a query that a language model was asked for ends; `pending` ones were not sent, or are not back yet."""
AGREEMENTS: Final = ("", "code", "four_characters", "category", "none", "invented_code")
GENERATED_ROWS: Final = pa.DataFrameSchema(
    {
        **_PAIR_COLUMNS,
        "query": _any_text,
        "code": _code,
        "status": pa.Column(str, pa.Check.isin(ENDS)),
        "reason": _any_text,
        "detail": _any_text,
        "answer": _any_text,
        "agreement": pa.Column(str, pa.Check.isin(AGREEMENTS)),
    },
    strict=True,
    name="generated_rows",
)
"""Every query that a language model was asked for, how it ended and what a blind reader made of it."""
VALID_PAIRS: Final = pa.DataFrameSchema({**_PAIR_COLUMNS, "code": _code}, strict=True, name="valid_pairs")
REJECTED_PAIRS: Final = pa.DataFrameSchema(
    {**_PAIR_COLUMNS, "rule": _text, "detail": _any_text}, strict=True, name="rejected_pairs"
)
PAIRS: Final = pa.DataFrameSchema(
    {
        **_PAIR_COLUMNS,
        "code": _code,
        "duplicate_of": _any_text,  # pair_id of the row that it repeats in another language, or empty
        "cluster": pa.Column(int),
        "split": pa.Column(str, pa.Check.isin(SPLITS)),
        "seen": pa.Column(bool),
    },
    strict=True,
    name="pairs",
)
FREQUENCIES: Final = ("common", "rare")
LISTED_CODES: Final = pa.DataFrameSchema(
    {
        "code": pa.Column(str, pa.Check.str_matches(CODE_PATTERN), unique=True),
        "chapter": _text,
        "frequency": pa.Column(str, pa.Check.isin(FREQUENCIES)),
        "why": _text,
    },
    strict=True,
    name="listed_codes",
)
"""The codes that the corpus has queries for, and why each is among them."""

CONFUSABLES: Final = pa.DataFrameSchema(
    {
        "code": _code,
        "confusable": _code,
        "qualifier": pa.Column(str, pa.Check.isin(QUALIFIERS)),
        "difference": _text,
    },
    unique=["code", "confusable"],
    strict=True,
    name="confusables",
)
"""Plausible wrong codes of a code, and by what each differs."""

ALIASES: Final = pa.DataFrameSchema(
    {"alias": _text, "code": _code, "language": _language, "source": _text}, strict=True, name="aliases"
)
RANKINGS: Final = pa.DataFrameSchema(
    {
        "system": _text,
        "query_id": _text,
        "rank": pa.Column(int, pa.Check.ge(1)),
        "code": _code,
        "score": pa.Column(float),
    },
    strict=True,
    name="rankings",
)
QUERIES: Final = pa.DataFrameSchema(
    {
        "query_id": pa.Column(str, unique=True),
        "query": _text,
        "language": _language,
        "style": _any_text,
        "seen": pa.Column(bool),
        "codes": pa.Column(object),  # list of relevant codes
    },
    strict=True,
    name="queries",
)
