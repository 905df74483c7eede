"""The alias table: every text that stands for a code in the index."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from codisearch.errors import ConfigurationError

AliasSource = Literal[
    "official_title", "inclusion_term", "alphabetic_index", "national_title", "title", "query"
]
QUERY_SOURCE: Final[AliasSource] = "query"
SOURCES: Final[tuple[AliasSource, ...]] = (
    "official_title",
    "inclusion_term",
    "alphabetic_index",
    "national_title",
    "title",
    "query",
)
"""`title`: titles written for the corpus; `query`: its training queries."""


def build_aliases(
    code_set: pd.DataFrame,
    pairs: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
    sources: tuple[AliasSource, ...],
) -> pd.DataFrame:
    """Return the alias table (`schemas.ALIASES`), distinct by alias and code; the first source stays.

    Args:
        code_set: Codes, titles, inclusion terms.
        pairs: The split corpus; only rows of the training split become aliases.
        index_aliases: Entries of an Alphabetic Index, possibly none.
        national_titles: Titles in other languages, possibly none.
        sources: Which sources enter; `official_title` alone is the setting of the reference recipe.

    Raises:
        ConfigurationError: If the sources hold no alias at all.
    """
    terms = code_set[["code", "inclusion_terms"]].explode("inclusion_terms").dropna()
    train = pairs[pairs["split"] == "train"]
    is_title = train["style"] == "title"
    tables = {
        "official_title": code_set.assign(alias=code_set["title"], language="en"),
        "inclusion_term": terms.assign(alias=terms["inclusion_terms"], language="en"),
        "alphabetic_index": index_aliases,
        "national_title": national_titles.rename(columns={"title": "alias"}),
        "title": train[is_title].rename(columns={"query": "alias"}),
        "query": train[~is_title].rename(columns={"query": "alias"}),
    }
    chosen = [
        tables[source][["alias", "code", "language"]].assign(source=source)
        for source in SOURCES
        if source in sources
    ]
    filled = [table for table in chosen if len(table)]
    if not filled:
        raise ConfigurationError(
            f"The alias sources {', '.join(sources) or '(none)'} hold no text; all are {', '.join(SOURCES)}."
        )
    aliases = pd.concat(filled, ignore_index=True)
    aliases = aliases[aliases["code"].isin(code_set["code"])]
    aliases = aliases.drop_duplicates(["alias", "code"]).reset_index(drop=True)
    return aliases.astype({"alias": "str", "code": "str", "language": "str", "source": "str"})


def positions_of(codes: "pd.Series[str]", vocabulary: "pd.Series[str]") -> npt.NDArray[np.int64]:
    """Return the position of each code in the vocabulary, which is in code order.

    Raises:
        KeyError: If a code is not in the vocabulary.
    """
    found = pd.Index(vocabulary).get_indexer(pd.Index(codes))
    if (found < 0).any():
        raise KeyError(f"Not in the vocabulary: {', '.join(codes[found < 0].unique()[:5])}")
    return found.astype(np.int64)
