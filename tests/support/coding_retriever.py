"""A retriever that answers by the letters of titles, at once and always the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel
from rapidfuzz.fuzz import ratio

from codisearch.codes import normalise_code
from codisearch.errors import InputError, UnknownCodeError
from codisearch.retrieval.answers import Answer, CodeCard, CodeName, Hit

CODES = {
    "E11": ("", "Type 2 diabetes mellitus", False),
    "E11.2": ("E11", "Type 2 diabetes mellitus with kidney complications", False),
    "E11.21": ("E11.2", "Type 2 diabetes mellitus with diabetic nephropathy", True),
    "E11.9": ("E11", "Type 2 diabetes mellitus without complications", True),
    "I10": ("", "Essential (primary) hypertension", True),
    "J45.9": ("", "Other and unspecified asthma", True),
    "R07.9": ("", "Chest pain, unspecified", True),
}
KNOWN_FROM = 0.5


class FakeManifest(BaseModel):
    """What tells one bundle from another."""

    release: str


@dataclass
class FakeRetriever:
    """Answers like `Retriever`; a phrase is sure of a title that shares half of its letters."""

    codes: dict[str, tuple[str, str, bool]] = field(default_factory=lambda: dict(CODES))
    release: str = "2026"
    searched: list[tuple[tuple[str, ...], str | None, int]] = field(default_factory=list)

    @property
    def manifest(self) -> FakeManifest:
        return FakeManifest(release=self.release)

    def search_many(
        self,
        queries: Sequence[str],
        language: str | None = None,
        top: int = 10,
        *,
        billable_only: bool = False,
        chapter: str | None = None,
        under: str | None = None,
        precision: float | None = None,
    ) -> list[Answer]:
        if chapter == "99":
            raise InputError("Unknown chapter '99': allowed are 1 to 22.")
        self.searched.append((tuple(queries), language, top))
        allowed = [code for code in self.codes if code.startswith(under or "")]
        return [self._answer(query, language, top, allowed, precision or KNOWN_FROM) for query in queries]

    def _answer(
        self, query: str, language: str | None, top: int, allowed: list[str], precision: float
    ) -> Answer:
        scored = sorted((-ratio(query.lower(), self.codes[code][1].lower()) / 100, code) for code in allowed)
        hits = tuple(
            self._hit(code, -score, rank) for rank, (score, code) in enumerate(scored[:top], start=1)
        )
        known = bool(hits) and hits[0].probability >= precision
        return Answer(query, hits, language, language is None, known, precision, precision, self.release)

    def _hit(self, code: str, score: float, rank: int) -> Hit:
        _, title, billable = self.codes[code]
        return Hit(
            code=code,
            title=title,
            title_language="en",
            official_title=title,
            billable=billable,
            chapter="04",
            path=tuple(reversed(self._above(code))),
            probability=score,
            score=score,
            rank=rank,
            first_rank=rank,
            second_rank=None,
            alias=title,
            alias_language="en",
            alias_source="official_title",
        )

    def _above(self, code: str) -> list[str]:
        above = []
        while parent := self.codes[code][0]:
            above.append(parent)
            code = parent
        return above

    def lookup(self, code: str, language: str | None = None) -> CodeCard:
        wanted = normalise_code(code)
        if wanted not in self.codes:
            near = tuple(self._name(one) for one in self.codes if one.startswith(wanted[:3]))
            raise UnknownCodeError(f"No code {wanted}.", wanted, near)
        _, title, billable = self.codes[wanted]
        children = tuple(self._name(one) for one, (parent, _, _) in self.codes.items() if parent == wanted)
        return CodeCard(
            code=wanted,
            title=title,
            title_language="en",
            official_title=title,
            titles={"en": title, "es": f"{title} (es)"},
            billable=billable,
            chapter="04",
            chapter_title="",
            path=tuple(self._name(one) for one in reversed(self._above(wanted))),
            children=children,
            siblings=(),
            inclusion_terms=(),
            excludes=(),
            confusables=(),
            release=self.release,
        )

    def _name(self, code: str) -> CodeName:
        return CodeName(code, self.codes[code][1], self.codes[code][2])
