"""Completions of what is being typed: codes by their beginning, texts by the beginnings of their words."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from codisearch.retrieval.answers import Suggestion
from codisearch.retrieval.codebook import Codebook
from codisearch.retrieval.ranking import Ids
from codisearch.retrieval.static import fold

_WORD: Final = re.compile(r"\w+")
_CODE_BEGINNING: Final = re.compile(r"(?=\D*[0-9])[A-Za-z][0-9A-Za-z]{1,2}[0-9A-Za-z.-]{0,6}")
_LAST: Final = "\uffff"
_SHORTEST_MISSPELT: Final = 4  # letters
_MOST_EDITS: Final = 2
_ALTERNATIVES: Final = 8
_MOST_WORDS: Final = 12
_READ: Final = 500
"""How many texts of the asked language, and of the others, are looked at."""


class Text(NamedTuple):
    """A text that can be suggested.

    Attributes:
        text: The text.
        code: Position of its code.
        language: Its language.
        is_example: Whether it is a phrase of the corpus and no title or term.
    """

    text: str
    code: int
    language: str
    is_example: bool = False


class Suggester:
    """Completes phrases and codes.

    A text completes a phrase if each word of the phrase begins a word of the text; order, case and accents do
    not matter. A word that begins none stands for the words that differ from it by the fewest typing errors.

    Args:
        codebook: The codes.
        texts: What can be suggested.
    """

    def __init__(self, codebook: Codebook, texts: Sequence[Text]) -> None:
        self._codebook = codebook
        # In the order in which they are suggested: titles and terms before examples of what people write,
        # what can be billed before what cannot, short before long.
        self._texts = sorted(
            texts, key=lambda one: (one.is_example, not codebook.billable[one.code], len(one.text), one)
        )
        self._folded = [fold(one.text) for one in self._texts]
        holders: dict[str, list[int]] = {}
        for number, text in enumerate(self._folded):
            for word in set(_WORD.findall(text)):
                holders.setdefault(word, []).append(number)
        self._words = sorted(holders)
        self._holders = [np.array(holders[word], dtype=np.int64) for word in self._words]
        self._languages = np.array([one.language for one in self._texts], dtype=object)

    def suggest(self, typed: str, language: str | None, top: int) -> list[Suggestion]:
        """Return completions: first those in the asked language, and of these those that begin so."""
        book = self._codebook
        if _CODE_BEGINNING.fullmatch(typed.strip()) and (codes := book.completions(typed, top)):
            names = [book.name(code, language) for code in codes]
            return [Suggestion(one.code, one.code, one.title, one.billable, "") for one in names]
        words = _WORD.findall(fold(typed))
        if not words:
            return []
        found = self._matching(words)
        is_asked = self._languages[found] == language
        begins = " ".join(words)
        suggestions: dict[tuple[str, int], Suggestion] = {}
        for part in (found[is_asked], found[~is_asked]):
            some = part[:_READ].tolist()
            begun = [number for number in some if self._folded[number].startswith(begins)]
            for number in dict.fromkeys([*begun, *some]):
                if len(suggestions) == top:
                    break
                what = (self._folded[number], self._texts[number].code)
                suggestions.setdefault(what, self._read(number, language))
        return list(suggestions.values())

    def _read(self, number: int, language: str | None) -> Suggestion:
        one = self._texts[number]
        name = self._codebook.name(self._codebook.codes[one.code], language)
        return Suggestion(one.text, name.code, name.title, name.billable, one.language)

    def _matching(self, words: Sequence[str]) -> Ids:
        """Return the numbers of the texts that hold a word for each of these, in their order."""
        found: Ids | None = None
        for word in words[:_MOST_WORDS]:
            if found is not None and not len(found):
                break
            holders = self._begun(word)
            if not len(holders):
                holders = self._union([bisect_left(self._words, one) for one in self._most_alike(word)])
            found = holders if found is None else np.intersect1d(found, holders, assume_unique=True)
        return self._union([]) if found is None else found

    def _begun(self, word: str) -> Ids:
        return self._union(range(bisect_left(self._words, word), bisect_left(self._words, word + _LAST)))

    def _union(self, words: Iterable[int]) -> Ids:
        """Return the numbers of the texts that hold any of these words."""
        held = [self._holders[word] for word in words]
        is_held = np.zeros(len(self._texts), dtype=bool)
        is_held[np.concatenate(held) if held else []] = True
        return np.flatnonzero(is_held)

    def _most_alike(self, word: str) -> list[str]:
        """Return the known words with the fewest typing errors, none where that would be too many."""
        if len(word) < _SHORTEST_MISSPELT:
            return []
        edits = 1 if len(word) < 2 * _SHORTEST_MISSPELT else _MOST_EDITS
        found = process.extract(
            word, self._words, scorer=OSA.distance, score_cutoff=edits, limit=_ALTERNATIVES
        )
        return [one for one, distance, _place in found if distance == found[0][1]]
