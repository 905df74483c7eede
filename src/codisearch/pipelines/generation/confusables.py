"""The confusable codes that the model named, as the reranker's hard negatives."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from codisearch.codes import CodeTree, Qualifier, normalise_code
from codisearch.errors import InputError
from codisearch.languages import Language
from codisearch.pipelines.generation.answers import Malformed, WrongCode

MOST: Final = 6
_COLUMNS: Final = ("code", "confusable", "qualifier", "difference")


@dataclass
class _Vote:
    languages: set[Language]
    qualifier: Qualifier
    difference: str


@dataclass
class Confusables:
    """Counts the confusable codes of many answers, so that none of them has to be kept.

    Attributes:
        codes: The codes that there are.
        tree: Their tree.
        refused: Why some were not counted -> how many.
    """

    codes: frozenset[str]
    tree: CodeTree
    refused: Counter[str] = field(default_factory=Counter)
    _votes: defaultdict[str, dict[str, _Vote]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, code_set: pd.DataFrame) -> "Confusables":
        """Begin for a code set (`schemas.CODE_SET`)."""
        return cls(frozenset(code_set["code"]), CodeTree.from_frame(code_set))

    def add(self, code: str, language: Language, named: Iterable[WrongCode | Malformed]) -> None:
        """Count what an answer names as confusable with a code.

        Codes that do not exist, and those above or below the code, are refused.
        """
        for item in named:
            if isinstance(item, Malformed):
                self.refused["malformed"] += 1
                continue
            confusable, reason = self._checked(code, item.code)
            if reason:
                self.refused[reason] += 1
                continue
            new = _Vote(set(), item.qualifier, item.difference)
            self._votes[code].setdefault(confusable, new).languages.add(language)

    @property
    def kept(self) -> pd.DataFrame:
        """Return, for each code, the six that were named in most languages (`schemas.CONFUSABLES`)."""
        rows = [
            (code, confusable, vote.qualifier, vote.difference)
            for code, votes in sorted(self._votes.items())
            for confusable, vote in sorted(votes.items(), key=lambda item: -len(item[1].languages))[:MOST]
        ]
        return pd.DataFrame(rows, columns=list(_COLUMNS), dtype="str")

    def _checked(self, right: str, named: str) -> tuple[str, str]:
        """Return the dotted code, or why it is refused."""
        try:
            confusable = normalise_code(named)
        except InputError:
            return "", "invented_code"
        if confusable not in self.codes:
            return "", "invented_code"
        line = {right, *self.tree.ancestors(right)}
        if confusable in line or right in self.tree.ancestors(confusable):
            return "", "in_its_own_line"
        return confusable, ""
