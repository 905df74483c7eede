"""Codes that differ by one qualifier: left or right, initial or subsequent, mild or severe."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from codisearch.codes import Qualifier, category_of
from codisearch.retrieval.answers import Choice, Group, Hit
from codisearch.retrieval.codebook import Codebook

_PHRASES: Final[tuple[tuple[Qualifier, str], ...]] = (
    ("encounter", r"(?:initial|subsequent) encounter(?: for .*)?$|sequela$"),
    ("aetiology", r"\btype (?:[1-9]|i{1,3}|iv|v)\b"),
    ("severity", r"\bstage [\w]+(?: through stage \w+)?|\b\w+ stage$|\b(?:mild|moderate|severe|profound)\b"),
    ("temporality", r"\b(?:acute|chronic|subacute|recurrent|single episode)\b"),
    ("complication", r"\b(?:with|without)\b"),
    ("laterality", r"\b(?:right|left|bilateral|unilateral|unspecified)\b"),
)
"""In this order; `unspecified` stands where a side, a severity or a time could stand."""
_PATTERN: Final = re.compile(
    "|".join(f"(?P<{name}>{phrase})" for name, phrase in _PHRASES), flags=re.IGNORECASE
)
_HOLE: Final = "\0"
_SIDES: Final = frozenset({"right", "left", "bilateral", "unilateral"})


class Siblings:
    """Groups hits by what only one qualifier tells apart.

    Args:
        codebook: The codes.
    """

    def __init__(self, codebook: Codebook) -> None:
        self._codebook = codebook
        self._frames = lru_cache(maxsize=256)(self._frames_of)

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
        frames = self._frames(category_of(code))
        frame, values, names = frames[code]
        billable = self._codebook.name(code).billable
        found = []
        for other, (its_frame, its_values, _names) in frames.items():
            name = self._codebook.name(other, language)
            if its_frame != frame or name.billable != billable:
                continue
            pairs = enumerate(zip(values, its_values, strict=True))
            different = [place for place, (one, two) in pairs if one.lower() != two.lower()]
            if other == code:
                found.append(Choice(other, name.title, billable, None, ", ".join(values)))
            elif len(different) == 1:
                place = different[0]
                qualifier = _name_of(names[place], values[place], its_values[place])
                found.append(Choice(other, name.title, billable, qualifier, its_values[place]))
        return tuple(found)

    def _frames_of(self, category: str) -> dict[str, tuple[str, tuple[str, ...], tuple[Qualifier, ...]]]:
        """Return the titles of a category with holes for their qualifiers, and what the holes held."""
        book = self._codebook
        return {code: _frame(book.titles[book.positions[code]]) for code in (category, *book.below(category))}


def _frame(title: str) -> tuple[str, tuple[str, ...], tuple[Qualifier, ...]]:
    values, names = [], []
    for found in _PATTERN.finditer(title):
        values.append(found[0])
        names.append(found.lastgroup)
    return _PATTERN.sub(_HOLE, title).lower(), tuple(values), tuple(names)  # type: ignore[arg-type]


def _name_of(name: Qualifier, value: str, other: str) -> Qualifier:
    """Return what two values of one hole are: `unspecified` is a side only where the other is one."""
    if name == "laterality" and not {value.lower(), other.lower()} & _SIDES:
        return "specificity"
    return name
