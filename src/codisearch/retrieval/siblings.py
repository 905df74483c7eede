"""Codes that differ by one qualifier: left or right, initial or subsequent, mild or severe."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from codisearch.codes import Qualifier, category_of
from codisearch.retrieval.answers import Choice, Group, Hit
from codisearch.retrieval.codebook import Codebook

_PHRASES: Final[tuple[tuple[Qualifier, str], ...]] = (
    ("encounter", r"(?:initial|subsequent) encounter(?: for .*)?$|sequela$"),
    ("aetiology", r"\btype (?:[1-9][a-z]?|i{1,3}|iv|v)\b"),
    (
        "severity",
        r"\bstage (?:[0-9]\w*|[ivx]+|unspecified)\b(?: through stage \w+)?"
        r"|\b(?:mild|moderate|severe|profound)\b",
    ),
    ("temporality", r"\b(?:acute|chronic|subacute|recurrent|single episode)\b"),
    ("complication", r"\b(?:with|without)\b"),
    ("laterality", r"\b(?:right|left|bilateral|unilateral|unspecified)\b"),
)
"""In this order; `unspecified` stands where a side, a severity or a time could stand."""
_PATTERN: Final = re.compile(
    "|".join(f"(?P<{name}>{phrase})" for name, phrase in _PHRASES), flags=re.IGNORECASE
)
_HOLE: Final = "\0"
_UNSPECIFIED: Final = "unspecified"
_SIDES: Final = frozenset({"right", "left", "bilateral", "unilateral"})


class Siblings:
    """Groups hits by what only one qualifier tells apart.

    Args:
        codebook: The codes.
    """

    def __init__(self, codebook: Codebook) -> None:
        self._codebook = codebook
        self._categories = lru_cache(maxsize=256)(self._category_of)

    def group(self, hits: Sequence[Hit], language: str | None) -> tuple[Group, ...]:
        """Return hits as groups, best first.

        A hit belongs to the group of the first hit that it differs from by a single qualifier.
        """
        groups = []
        left = list(hits)
        while left:
            choices = self.choices(left[0].code, language)
            members = {choice.code for choice in choices}
            inside = tuple(hit for hit in left if hit.code in members)
            likely = round(min(1.0, sum(hit.probability for hit in inside)), 4)
            groups.append(Group(likely, left[0], inside, choices))
            left = [hit for hit in left if hit.code not in members]
        return tuple(groups)

    def choices(self, code: str, language: str | None) -> tuple[Choice, ...]:
        """Return a code and those of its category that differ from it by one qualifier, in code order.

        Only codes that can be billed stand beside one that can, and headings beside a heading.
        """
        category = self._categories(category_of(code))
        own = category.frames[code]
        found = []
        for other in category.families[own.family]:
            its = category.frames[other]
            pairs = enumerate(zip(own.values, its.values, strict=True))
            different = [place for place, (one, two) in pairs if one.lower() != two.lower()]
            name = self._codebook.name(other, language)
            if other == code:
                found.append(Choice(other, name.title, name.billable, None, ", ".join(own.values)))
            elif len(different) == 1:
                place = different[0]
                names, values = (own.names[place], its.names[place]), (own.values[place], its.values[place])
                qualifier = _name_of(names, values)
                found.append(Choice(other, name.title, name.billable, qualifier, its.values[place]))
        return tuple(found)

    def _category_of(self, category: str) -> "_Category":
        """Return the titles of a category with holes for their qualifiers, and what the holes held."""
        book = self._codebook
        frames = {}
        families: dict[_Family, list[str]] = {}
        for code in book.completions(category, len(book.codes)):
            place = book.positions[code]
            frames[code] = _frame(book.titles[place], billable=book.billable[place])
            families.setdefault(frames[code].family, []).append(code)
        return _Category(frames, families)


_Family = tuple[str, bool]
"""Codes whose titles are the same but for their qualifiers, and whether they can be billed."""


@dataclass(frozen=True)
class _Frame:
    """A title with holes for its qualifiers.

    Attributes:
        family: The title with its holes, and whether the code can be billed.
        values: What the holes held.
        names: What kind of qualifier each is.
    """

    family: _Family
    values: tuple[str, ...]
    names: tuple[Qualifier, ...]


@dataclass(frozen=True)
class _Category:
    """The frames of a category's codes, and the codes of each family in code order."""

    frames: Mapping[str, _Frame]
    families: Mapping[_Family, Sequence[str]]


def _frame(title: str, *, billable: bool) -> _Frame:
    values, names = [], []
    for found in _PATTERN.finditer(title):
        values.append(found[0])
        names.append(found.lastgroup)
    text = _PATTERN.sub(_HOLE, title).lower()
    return _Frame((text, billable), tuple(values), tuple(names))  # type: ignore[arg-type]


def _name_of(names: tuple[Qualifier, Qualifier], values: tuple[str, str]) -> Qualifier:
    """Return by what two values of one hole differ: what the one that is not `unspecified` says."""
    told = [name for name, value in zip(names, values, strict=True) if value.lower() != _UNSPECIFIED]
    if told and (told[0] != "laterality" or {value.lower() for value in values} & _SIDES):
        return told[0]
    return "specificity"
