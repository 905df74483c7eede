"""Codes a batch of rows."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from codisearch.coding.entries import check_phrase
from codisearch.coding.params import SearchParams
from codisearch.coding.review import check_approved
from codisearch.coding.rows import Candidate, CodedRow, Entry, Status, remembered
from codisearch.errors import InputError
from codisearch.languages import Language, language_of_tag
from codisearch.retrieval.answers import Answer

if TYPE_CHECKING:
    from codisearch.retrieval.retriever import Retriever

# Language and number of rejected codes: the rows that one search answers.
_Kind = tuple[Language | None, int]


class Coder:
    """Codes rows with a retriever."""

    def __init__(self, retriever: "Retriever", params: SearchParams) -> None:
        self._retriever = retriever
        self._params = params

    def code(self, entries: Sequence[Entry]) -> list[CodedRow]:
        """Return the rows with their codes, in their order.

        An approved row keeps its code; one whose phrase or language cannot be used says why.

        Raises:
            InputError: If an option of the search is not allowed.
        """
        coded: dict[int, CodedRow] = {}
        kinds: dict[_Kind, list[tuple[Entry, str]]] = defaultdict(list)
        for entry in entries:
            if entry.earlier is not None and entry.earlier.review == "approved":
                coded[entry.number] = check_approved(entry, entry.earlier, self._retriever)
                continue
            if entry.empty:
                coded[entry.number] = self._without(entry, "empty", f"{entry.place}: the row is empty.")
                continue
            try:
                kind = self._language(entry), len(_rejected(entry))
                kinds[kind].append((entry, check_phrase(entry)))
            except InputError as error:
                coded[entry.number] = self._without(entry, "invalid", str(error))
        for (language, rejected), members in kinds.items():
            phrases = list(dict.fromkeys(phrase for _, phrase in members))  # each once: files repeat them
            answers = dict(zip(phrases, self._search(phrases, language, rejected), strict=True))
            for entry, phrase in members:
                coded[entry.number] = self._coded(entry, answers[phrase])
        return [coded[entry.number] for entry in entries]

    def _language(self, entry: Entry) -> Language | None:
        """Return the language of a row."""
        if not entry.language:
            return self._params.language
        try:
            return language_of_tag(entry.language)
        except InputError as error:
            raise InputError(f"{entry.place}: {error}") from error

    def _search(self, phrases: Sequence[str], language: Language | None, rejected: int) -> list[Answer]:
        params = self._params
        return self._retriever.search_many(
            phrases,
            language,
            params.top + rejected,
            billable_only=params.billable_only,
            chapter=params.chapter,
            under=params.under,
            precision=params.precision,
        )

    def _coded(self, entry: Entry, answer: Answer) -> CodedRow:
        rejected = _rejected(entry)
        left = [hit for hit in answer if hit.code not in rejected][: self._params.top]
        known = answer.known and bool(left) and left[0] is answer[0]  # the sureness is the first hit's
        return CodedRow(
            entry=entry,
            status="coded" if known else "unknown",
            candidates=tuple(Candidate.from_hit(hit) for hit in left),
            known=known,
            release=answer.release,
            note=remembered(rejected, "" if left else "no code fits the filters"),
        )

    def _without(self, entry: Entry, status: Status, reason: str) -> CodedRow:
        return CodedRow(
            entry, status, (), None, self._retriever.release, remembered(_rejected(entry), reason)
        )


def _rejected(entry: Entry) -> tuple[str, ...]:
    return entry.earlier.rejected if entry.earlier is not None else ()
