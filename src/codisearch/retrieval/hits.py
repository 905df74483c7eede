"""Hits out of rankings: which alias is shown, in which language, with what each stage said."""

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from codisearch.retrieval.answers import Hit
from codisearch.retrieval.codebook import Codebook, TypedCode
from codisearch.retrieval.confident import ConfidentRankings
from codisearch.retrieval.index import DenseRanker
from codisearch.retrieval.queries import SearchOptions
from codisearch.retrieval.ranking import NO_CODE, Ids, Scores
from codisearch.retrieval.two_stage import NOT_READ

ABOUT_EQUAL: Final = 0.02
"""Difference of two cosines that makes no difference to which alias is shown."""
_TYPED: Final = "code"
_DIGITS: Final = 4


class HitBuilder:
    """Makes hits.

    Args:
        codebook: The codes.
        first: The first stage, whose index holds the aliases' vectors.
        aliases: `alias`, `language`, `source`.
    """

    def __init__(self, codebook: Codebook, first: DenseRanker, aliases: pd.DataFrame) -> None:
        self._codebook = codebook
        self._first = first
        self.aliases: list[tuple[str, str, str]] = list(
            aliases[["alias", "language", "source"]].itertuples(index=False, name=None)
        )
        self._languages = aliases["language"].to_numpy(dtype=object)
        self._by_code = np.argsort(first.code_of_alias, kind="stable")

    def of_typed_code(self, typed: TypedCode, options: SearchOptions) -> list[Hit]:
        """Return the hits for a code that was typed."""
        return [
            self._hit(
                place=self._codebook.positions[one],
                alias=(one, "", _TYPED),
                rank=rank,
                language=options.display_language,
                probability=float(one == typed.code),
                score=float(one == typed.code),
            )
            for rank, one in enumerate(typed.shown[: options.top], start=1)
        ]

    def of_ranking(
        self, rankings: ConfidentRankings, row: int, vector: Scores, options: SearchOptions
    ) -> list[Hit]:
        """Return the first hits of a row of rankings; `vector` is the query's."""
        hits = []
        for column in range(min(options.top, rankings.rankings.codes.shape[1])):
            code = int(rankings.rankings.codes[row, column])
            if code == NO_CODE:
                break
            alias = int(rankings.rankings.aliases[row, column])
            if options.language is not None:
                alias = self._alias_in(options.language, code, alias, vector)
            second = int(rankings.second_ranks[row, column])
            hit = self._hit(
                place=code,
                alias=self.aliases[alias],
                rank=column + 1,
                language=options.display_language,
                probability=float(rankings.probabilities[row, column]),
                score=float(rankings.rankings.scores[row, column]),
            )
            first = int(rankings.first_ranks[row, column])
            hits.append(replace(hit, first_rank=first, second_rank=None if second == NOT_READ else second))
        return hits

    def _alias_in(self, language: str, code: int, best: int, vector: Scores) -> int:
        """Return an alias of a code in a language if it matches about as well as the best, else the best."""
        family = self._aliases_of(code)
        family = family[self._languages[family] == language]
        if self._languages[best] == language or not len(family):
            return best
        similar = self._first.similarities(vector, np.append(family, best))
        return int(family[similar[:-1].argmax()]) if similar[:-1].max() >= similar[-1] - ABOUT_EQUAL else best

    def _aliases_of(self, code: int) -> Ids:
        sorted_codes = self._first.code_of_alias
        start, end = np.searchsorted(sorted_codes, [code, code + 1], sorter=self._by_code)
        return self._by_code[start:end]

    def _hit(
        self,
        *,
        place: int,
        alias: tuple[str, str, str],
        rank: int,
        language: str | None,
        probability: float,
        score: float,
    ) -> Hit:
        book = self._codebook
        code = book.codes[place]
        title, title_language = book.title(code, language)
        text, alias_language, alias_source = alias
        return Hit(
            code=code,
            title=title,
            title_language=title_language,
            official_title=book.titles[place],
            billable=book.billable[place],
            chapter=book.chapters[place],
            path=book.path(code),
            probability=round(probability, _DIGITS),
            score=round(score, _DIGITS),
            rank=rank,
            first_rank=None,
            second_rank=None,
            alias=text,
            alias_language=alias_language,
            alias_source=alias_source,
        )
