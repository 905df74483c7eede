"""Search in Python: phrases in, codes out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from codisearch.errors import InputError
from codisearch.languages import check_language
from codisearch.retrieval.bundle import Bundle, Manifest
from codisearch.retrieval.encoder import encode
from codisearch.retrieval.ranking import NO_CODE, Ids, Rankings
from codisearch.retrieval.two_stage import TwoStageRanker

MAX_TOP: Final = 100
MAX_CHARACTERS: Final = 2_000
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # what Python makes of arguments that are not UTF-8
ABOUT_EQUAL: Final = 0.02
"""Difference of two cosines that makes no difference to which alias is shown."""


@dataclass(frozen=True)
class Hit:
    """One code that answers a query.

    Attributes:
        code: Dotted ICD-10-CM code.
        title: Its official title.
        score: Cosine of the best alias, less what the second stage holds against it; higher is better.
        alias: The text that matched.
        alias_language: Language of that text.
        alias_source: Where it comes from.
        billable: Whether the code can be billed (a leaf of the tree).
    """

    code: str
    title: str
    score: float
    alias: str
    alias_language: str
    alias_source: str
    billable: bool


class Retriever:
    """Finds codes for clinical phrases with a bundle.

    Example:
        >>> retriever = Retriever.load("data/06_models/bundle")
        >>> retriever.search("dolor torácico opresivo", language="es", top=3)[0].code
    """

    def __init__(self, bundle: Bundle) -> None:
        self._manifest = bundle.manifest
        self._ranker: TwoStageRanker = bundle.two_stage()
        self._codes = list(bundle.codes[["code", "title", "billable"]].itertuples(index=False, name=None))
        self._aliases = list(
            bundle.aliases[["alias", "language", "source"]].itertuples(index=False, name=None)
        )
        self._languages = bundle.aliases["language"].to_numpy(dtype=object)
        self._by_code = np.argsort(self._ranker.first.code_of_alias, kind="stable")

    @classmethod
    def load(cls, path: str | Path) -> "Retriever":
        """Open a bundle.

        Raises:
            BundleError: If it is missing, incomplete, corrupted or of another format.
        """
        return cls(Bundle.load(Path(path)))

    @property
    def manifest(self) -> Manifest:
        """What the bundle is made of."""
        return self._manifest

    def search(self, query: str, language: str | None = None, top: int = 10) -> list[Hit]:
        """Return the first `top` codes for a phrase, best first.

        Args:
            query: A clinical phrase in one of the six languages.
            language: Its language tag. One index serves all languages and the ranking is the same with and
                without it; of a code's aliases that match about equally well, one in this language is shown.
            top: How many codes, 1 to 100.

        Raises:
            InputError: If the query is empty or too long, or language or `top` are not allowed.
        """
        return self.search_many([query], language, top)[0]

    def search_many(
        self, queries: Sequence[str], language: str | None = None, top: int = 10
    ) -> list[list[Hit]]:
        """Return the first `top` codes for each phrase; much faster than one by one. See `search`."""
        if language is not None:
            check_language(language)
        if not 1 <= top <= MAX_TOP:
            raise InputError(f"`top` must be between 1 and {MAX_TOP}, came {top}.")
        cleaned = [_clean(query, number) for number, query in enumerate(queries, start=1)]
        rankings = self._ranker.rank(cleaned, top)
        if language is not None:
            rankings = self._in_language(cleaned, rankings, language)
        return [self._hits(rankings, row) for row in range(len(cleaned))]

    def _in_language(self, queries: Sequence[str], rankings: Rankings, language: str) -> Rankings:
        """Return the same codes, with an alias in `language` where one matches about as well as the best."""
        first = self._ranker.first
        vectors = encode(first.model, queries, role="query")
        shown = rankings.aliases.copy()
        for row, column in np.argwhere(rankings.codes != NO_CODE):
            best = shown[row, column]
            family = self._aliases_of(rankings.codes[row, column])
            family = family[self._languages[family] == language]
            if self._languages[best] == language or not len(family):
                continue
            similar = first.similarities(vectors[row], np.append(family, best))
            if similar[:-1].max() >= similar[-1] - ABOUT_EQUAL:
                shown[row, column] = family[similar[:-1].argmax()]
        return replace(rankings, aliases=shown)

    def _aliases_of(self, code: int) -> Ids:
        sorted_codes = self._ranker.first.code_of_alias
        start, end = np.searchsorted(sorted_codes, [code, code + 1], sorter=self._by_code)
        return self._by_code[start:end]

    def _hits(self, rankings: Rankings, row: int) -> list[Hit]:
        places = zip(
            rankings.codes[row].tolist(),
            rankings.aliases[row].tolist(),
            rankings.scores[row].tolist(),
            strict=True,
        )
        return [self._hit(code, alias, score) for code, alias, score in places if code != NO_CODE]

    def _hit(self, position: int, alias_position: int, score: float) -> Hit:
        code, title, billable = self._codes[position]
        alias, language, source = self._aliases[alias_position]
        return Hit(
            code=code,
            title=title,
            score=round(score, 4),
            alias=alias,
            alias_language=language,
            alias_source=source,
            billable=billable,
        )


def _clean(query: str, number: int) -> str:
    text = " ".join(query.split())
    if _SURROGATE.search(text):
        raise InputError(f"Query {number} holds bytes that are not UTF-8: {query!a}; expected UTF-8 text.")
    if not any(letter.isalnum() for letter in text):
        raise InputError(
            f"Query {number} is empty: expected a clinical phrase with letters or digits, came {query!r}."
        )
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"Query {number} has {len(text)} characters; at most {MAX_CHARACTERS} are allowed. "
            "Search one diagnosis at a time."
        )
    return text
