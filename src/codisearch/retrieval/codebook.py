"""The codes of a bundle: titles in every language, the tree, typed codes, what is easily confused."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from rapidfuzz import process
from rapidfuzz.distance import OSA

from codisearch.chapters import CHAPTERS
from codisearch.codes import CATEGORY_LENGTH, CodeTree, category_of, normalise_code
from codisearch.errors import InputError, UnknownCodeError
from codisearch.languages import LANGUAGES
from codisearch.retrieval.answers import CodeCard, CodeName, Confusable
from codisearch.retrieval.ranking import Mask

_TYPED: Final = re.compile(r"(?=\D*[0-9])[A-Za-z][0-9A-Za-z]{2}(?:[.,\-]?[0-9A-Za-z]{1,4})?[.,]?-?")
_LOOKALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_NEAREST: Final = 8
_WORD: Final = re.compile(r"[\w'-]+")


@dataclass(frozen=True)
class TypedCode:
    """A code that was typed as a query.

    Attributes:
        code: The code; None if the code set does not have it.
        shown: What may be shown for it: the code and all below it, or else the nearest codes.
    """

    code: str | None
    shown: tuple[str, ...]


class Codebook:
    """Everything about codes that is not search.

    Args:
        codes: `code`, `title`, `billable`, `parent`, `chapter`, `inclusion_terms`, `excludes`, in code order.
        titles: `code`, `language`, `title` for languages other than English.
        confusables: `code`, `confusable`, `qualifier`, `difference`.
        release: Release of the code set.
    """

    def __init__(
        self, codes: pd.DataFrame, titles: pd.DataFrame, confusables: pd.DataFrame, release: str
    ) -> None:
        self.release = release
        self.codes: list[str] = codes["code"].tolist()
        self.titles: list[str] = codes["title"].tolist()
        self.billable: list[bool] = codes["billable"].tolist()
        self.chapters: list[str] = codes["chapter"].tolist()
        self.tree = CodeTree.from_frame(codes)
        self.positions = {code: place for place, code in enumerate(self.codes)}
        self._inclusion_terms = codes["inclusion_terms"].tolist()
        self._excludes = codes["excludes"].tolist()
        self._bare = [code.replace(".", "") for code in self.codes]
        self._is_billable = codes["billable"].to_numpy(dtype=np.bool_)
        self._chapters = codes["chapter"].to_numpy(dtype=object)
        self._categories = sorted({category_of(code) for code in self.codes} & self.positions.keys())
        names = titles[["code", "language", "title"]].itertuples(index=False, name=None)
        self._translations = {(code, language): title for code, language, title in names}
        self._confusables = {
            str(code): list(zip(rows["confusable"], rows["qualifier"], rows["difference"], strict=True))
            for code, rows in confusables.groupby("code", sort=False)
        }

    def title(self, code: str, language: str | None) -> tuple[str, str]:
        """Return a code's title in a language, or else in English, and the language that it is in."""
        found = self._translations.get((code, language)) if language else None
        return (found, language) if found and language else (self.titles[self.positions[code]], "en")

    def name(self, code: str, language: str | None = None) -> CodeName:
        """Return a code with its title."""
        return CodeName(code, self.title(code, language)[0], self.billable[self.positions[code]])

    def path(self, code: str) -> tuple[str, ...]:
        """Return the codes above a code, from the category down."""
        return self.tree.ancestors(code)[::-1]

    def below(self, code: str) -> Iterator[str]:
        """Yield the codes below a code, in code order, each before those below it."""
        for child in self.tree.children.get(code, ()):
            yield child
            yield from self.below(child)

    def exact(self, typed: str) -> str | None:
        """Return the code that was typed, with or without its dot, in any case, and nothing else missing."""
        try:
            code = normalise_code(typed)
        except InputError:
            return None
        return code if code in self.positions else None

    def find(self, typed: str) -> str | None:
        """Return the code that was typed, with or without its dot, whatever its case; None if there is none.

        `E11.-` and `E11.` stand for `E11`; a letter O or I where only a digit can be stands for 0 or 1.
        """
        bare = re.sub(r"[.,\-\s]", "", typed).upper()
        return self.exact(bare) or self.exact(bare[:1] + bare[1:].translate(_LOOKALIKES))

    def typed_code(self, query: str, allowed: Mask | None) -> TypedCode | None:
        """Return the code that a query consists of; None for a phrase.

        What looks like a code of a category that there is not is a phrase, such as `B12`.
        """
        if not _TYPED.fullmatch(query):
            return None
        code = self.find(query)
        if code is not None:
            shown = [code, *self.below(code)]
        elif self.find(query[:CATEGORY_LENGTH]):
            shown = self.nearest(normalise_code(re.sub(r"[.,\-]", "", query)))
        else:
            return None
        may_be_shown = (one for one in shown if allowed is None or allowed[self.positions[one]])
        return TypedCode(code, tuple(may_be_shown))

    def require(self, typed: str, language: str | None = None, *, exact: bool = False) -> str:
        """Return the code that was typed.

        Args:
            typed: The code.
            language: Language of the titles in the error.
            exact: Whether only dot and case are forgiven (see `exact`), or more (see `find`).

        Raises:
            InputError: If it does not have the form of a code.
            UnknownCodeError: If the code set does not have it.
        """
        if found := self.exact(typed) if exact else self.find(typed):
            return found
        code = normalise_code(typed.strip().rstrip(".-"))
        similar = self.find(typed) if exact else None
        nearest = tuple(self.name(one, language) for one in ([similar] if similar else self.nearest(code)))
        shown = ", ".join(one.code for one in nearest[:4])
        asked = typed.strip() if exact else code
        raise UnknownCodeError(
            f"There is no code {asked} in {self.release}; the nearest are {shown}.",
            code,
            nearest,
        )

    def nearest(self, code: str) -> list[str]:
        """Return the codes nearest to one that does not exist: the closest above it, and what that has."""
        bare = code.replace(".", "")
        for length in range(len(bare) - 1, 2, -1):
            if above := self.find(bare[:length]):
                return [above, *self.tree.children.get(above, ())][:_NEAREST]
        similar = process.extract(category_of(code), self._categories, scorer=OSA.distance, limit=None)
        similar.sort(key=lambda one: (one[1], one[0][0] != code[0], one[0]))
        return [category for category, _distance, _place in similar[:_NEAREST]]

    def completions(self, typed: str, limit: int) -> list[str]:
        """Return the codes that begin with what was typed, in code order."""
        bare = re.sub(r"[.,\-\s]", "", typed).upper()
        start = bisect_left(self._bare, bare)
        found = []
        for place in range(start, min(start + limit, len(self._bare))):
            if not self._bare[place].startswith(bare):
                break
            found.append(self.codes[place])
        return found

    def mask(self, *, billable_only: bool, chapter: str | None, under: str | None) -> Mask | None:
        """Return which codes may be found; None: all.

        Raises:
            UnknownCodeError: If `under` is not in the code set.
        """
        if not billable_only and chapter is None and under is None:
            return None
        allowed = np.ones(len(self.codes), dtype=np.bool_)
        if billable_only:
            allowed &= self._is_billable
        if chapter is not None:
            allowed &= self._chapters == chapter
        if under is not None:
            root = self.require(under)
            family = np.zeros(len(self.codes), dtype=np.bool_)
            family[[self.positions[code] for code in (root, *self.below(root))]] = True
            allowed &= family
        return allowed

    def card(self, typed: str, language: str | None = None, *, exact: bool = False) -> CodeCard:
        """Return all that is known of a code; see `require`.

        Raises:
            InputError: If it does not have the form of a code.
            UnknownCodeError: If the code set does not have it.
        """
        code = self.require(typed, language, exact=exact)
        place = self.positions[code]
        title, title_language = self.title(code, language)
        titles = {"en": self.titles[place]}
        titles |= {tag: text for tag in LANGUAGES if (text := self._translations.get((code, tag)))}
        return CodeCard(
            code=code,
            title=title,
            title_language=title_language,
            official_title=self.titles[place],
            titles=titles,
            billable=self.billable[place],
            chapter=self.chapters[place],
            chapter_title=CHAPTERS.get(self.chapters[place], ""),
            path=tuple(self.name(one, language) for one in self.path(code)),
            children=tuple(self.name(one, language) for one in self.tree.children.get(code, ())),
            siblings=tuple(self.name(one, language) for one in self.tree.siblings(code)),
            inclusion_terms=tuple(self._inclusion_terms[place]),
            excludes=tuple(self._excludes[place]),
            confusables=tuple(self._confusables_of(code, language)),
            release=self.release,
        )

    def _confusables_of(self, code: str, language: str | None) -> Iterator[Confusable]:
        own = _WORD.findall(self.titles[self.positions[code]])
        for other, qualifier, difference in self._confusables.get(code, ()):
            theirs = _WORD.findall(self.titles[self.positions[other]])
            name = self.name(other, language)
            yield Confusable(
                code=name.code,
                title=name.title,
                billable=name.billable,
                qualifier=qualifier,
                difference=difference,
                only_here=_missing(own, theirs),
                only_there=_missing(theirs, own),
            )


def _missing(words: list[str], others: list[str]) -> tuple[str, ...]:
    """Return the words that are not among the others, whatever their case."""
    known = {word.lower() for word in others}
    return tuple(word for word in words if word.lower() not in known)
