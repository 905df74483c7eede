"""What search answers: hits, groups of siblings, code cards, suggestions; frozen, and ready for JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

from codisearch.codes import Qualifier


@dataclass(frozen=True)
class Hit:
    """One code that answers a query.

    Attributes:
        code: Dotted ICD-10-CM code.
        title: Its title in the display language where there is one, else the official English title.
        title_language: Language of `title`.
        official_title: The official English title.
        billable: Whether the code can be billed (a leaf of the tree).
        chapter: Number of its chapter in two digits.
        path: The codes above it, from the category down; empty for a category.
        probability: How likely it is that this is the code that was meant, 0 to 1, calibrated on validation
            queries. Where a code was typed it is 1 for that code and 0 for those that are shown with it.
        score: Cosine of the best alias, less what the second stage holds against it; higher is better.
        rank: Its place in the answer, from 1.
        first_rank: Its place after the first stage; None where the code itself was typed.
        second_rank: Its place in the second stage's own order; None where that did not read it.
        alias: The text that matched.
        alias_language: Language of that text.
        alias_source: Where it comes from; `code` where the code itself was typed.
    """

    code: str
    title: str
    title_language: str
    official_title: str
    billable: bool
    chapter: str
    path: tuple[str, ...]
    probability: float
    score: float
    rank: int
    first_rank: int | None
    second_rank: int | None
    alias: str
    alias_language: str
    alias_source: str


@dataclass(frozen=True)
class Choice:
    """One member of a group of siblings.

    Attributes:
        code: Dotted code.
        title: Its title, as in `Hit`.
        billable: Whether it can be billed.
        qualifier: By what it differs from the group's first hit; None for that hit.
        value: What the qualifier is in this code, such as `left`; empty where the title says nothing.
    """

    code: str
    title: str
    billable: bool
    qualifier: Qualifier | None
    value: str


@dataclass(frozen=True)
class Group:
    """Codes that differ from a hit by a single qualifier, to be offered as one answer with choices.

    Attributes:
        probability: That the code that was meant is one of `hits`.
        hit: The best hit of the group.
        hits: All hits of the answer that belong to it, best first.
        choices: Every code of the group, hits or not, in code order; the first hit is among them.
    """

    probability: float
    hit: Hit
    hits: tuple[Hit, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Answer(Sequence[Hit]):
    """The codes for one query, best first; a sequence of hits.

    Attributes:
        query: The query as it was read, white space squeezed.
        hits: The codes.
        language: The language that was asked for, or detected where none was asked for; None where that is
            not sure, and for a typed code.
        detected: Whether the language was detected.
        known: Whether the first hit reaches the threshold; if not, the honest answer is "I do not know" and
            the hits are guesses.
        precision: The share of first hits that should be right among answers that are `known`.
        threshold: The least probability of a first hit with which that precision is reached on validation
            queries; above 1 where it is out of reach.
        release: Release of the code set.
        groups: The hits as groups of siblings, where that was asked for.
    """

    query: str
    hits: tuple[Hit, ...]
    language: str | None
    detected: bool
    known: bool
    precision: float
    threshold: float
    release: str
    groups: tuple[Group, ...] = ()

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Hit]: ...
    def __getitem__(self, place: int | slice) -> Hit | Sequence[Hit]:
        """Return the hit at a place, from 0."""
        return self.hits[place]

    def __len__(self) -> int:
        """Return the number of hits."""
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        """Go through the hits, best first."""
        return iter(self.hits)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class CodeName:
    """A code with its title: a place in the tree.

    Attributes:
        code: Dotted code.
        title: Its title in the asked language where there is one, else the official English title.
        billable: Whether it can be billed.
    """

    code: str
    title: str
    billable: bool


@dataclass(frozen=True)
class Confusable:
    """A code that is easily taken for another one.

    Attributes:
        code: Dotted code of the neighbour.
        title: Its title, as in `CodeName`.
        billable: Whether it can be billed.
        qualifier: By what the two differ.
        difference: The difference in a sentence, in English; empty where nobody wrote one.
        only_here: Words of the official title of the code itself that the neighbour's lacks.
        only_there: Words of the neighbour's official title that the code's own lacks.
    """

    code: str
    title: str
    billable: bool
    qualifier: Qualifier
    difference: str
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]


@dataclass(frozen=True)
class CodeCard:
    """All that the bundle knows of one code.

    Attributes:
        code: Dotted code.
        title: Its title in the asked language where there is one, else the official English title.
        title_language: Language of `title`.
        official_title: The official English title.
        titles: Titles by language, as far as there are any; English always.
        billable: Whether it can be billed.
        chapter: Number of its chapter in two digits.
        chapter_title: Title of the chapter, in English.
        path: The codes above it, from the category down.
        children: The codes right below it, in code order.
        siblings: The other codes below the same parent, in code order; a category's are not listed.
        inclusion_terms: English terms that the tabular list files under it.
        excludes: What the tabular list says it does not include.
        confusables: Codes that are easily taken for it.
        release: Release of the code set.
    """

    code: str
    title: str
    title_language: str
    official_title: str
    titles: dict[str, str]
    billable: bool
    chapter: str
    chapter_title: str
    path: tuple[CodeName, ...]
    children: tuple[CodeName, ...]
    siblings: tuple[CodeName, ...]
    inclusion_terms: tuple[str, ...]
    excludes: tuple[str, ...]
    confusables: tuple[Confusable, ...]
    release: str

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class Suggestion:
    """A completion of what is being typed.

    Attributes:
        text: The completed text: an alias, or a code where a code is being typed.
        code: The code that it stands for.
        title: That code's title, as in `CodeName`.
        billable: Whether it can be billed.
        language: Language of `text`; empty for a code.
    """

    text: str
    code: str
    title: str
    billable: bool
    language: str
