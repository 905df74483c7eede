"""Search in Python: phrases in, codes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codisearch.errors import InputError
from codisearch.languages import check_language
from codisearch.retrieval.bundle import Bundle, Manifest
from codisearch.retrieval.ranking import NO_CODE, Rankings
from codisearch.retrieval.two_stage import TwoStageRanker

MAX_TOP: Final = 100
MAX_CHARACTERS: Final = 2_000


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
        self._bundle = bundle
        self._ranker: TwoStageRanker = bundle.two_stage()

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
        return self._bundle.manifest

    def search(self, query: str, language: str | None = None, top: int = 10) -> list[Hit]:
        """Return the first `top` codes for a phrase, best first.

        Args:
            query: A clinical phrase in one of the six languages.
            language: Its language tag; only checked for now, as one index serves all languages.
            top: How many codes, 1 to 100.

        Raises:
            InputError: If the query is empty or too long, or language or `top` are not allowed.
        """
        return self.search_many([query], language, top)[0]

    def search_many(self, queries: Sequence[str], language: str | None = None, top: int = 10) -> list[list[Hit]]:
        """Return the first `top` codes for each phrase; much faster than one by one. See `search`."""
        if language is not None:
            check_language(language)
        if not 1 <= top <= MAX_TOP:
            raise InputError(f"`top` must be between 1 and {MAX_TOP}, came {top}.")
        cleaned = [_clean(query, number) for number, query in enumerate(queries, start=1)]
        if not cleaned:
            return []
        rankings = self._ranker.rank(cleaned, top)
        return [self._hits(rankings, row) for row in range(len(cleaned))]

    def _hits(self, rankings: Rankings, row: int) -> list[Hit]:
        codes, aliases = self._bundle.codes, self._bundle.aliases
        hits = []
        for code, alias, score in zip(rankings.codes[row], rankings.aliases[row], rankings.scores[row], strict=True):
            if code == NO_CODE:
                break
            entry, matched = codes.iloc[int(code)], aliases.iloc[int(alias)]
            hits.append(
                Hit(
                    code=str(entry["code"]),
                    title=str(entry["title"]),
                    score=round(float(score), 4),
                    alias=str(matched["alias"]),
                    alias_language=str(matched["language"]),
                    alias_source=str(matched["source"]),
                    billable=bool(entry["billable"]),
                )
            )
        return hits


def _clean(query: str, number: int) -> str:
    text = " ".join(query.split())
    if not any(letter.isalnum() for letter in text):
        raise InputError(f"Query {number} is empty: expected a clinical phrase with letters or digits, came {query!r}.")
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"Query {number} has {len(text)} characters; at most {MAX_CHARACTERS} are allowed. Search one diagnosis at a time."
        )
    return text
