"""Checks approved codes against the code set of the bundle."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from codisearch.coding.rows import Candidate, CodedRow, Earlier, Entry, Status, remembered, squeeze
from codisearch.errors import UnknownCodeError
from codisearch.retrieval.answers import CodeCard, CodeName

if TYPE_CHECKING:
    from codisearch.retrieval.retriever import Retriever


def check_approved(entry: Entry, earlier: Earlier, retriever: "Retriever") -> CodedRow:
    """Return an approved row as it is, flagged where the code set has changed under it."""
    earlier = _of_the_choice(earlier, retriever)
    try:
        card = retriever.lookup(earlier.code)
    except UnknownCodeError as error:
        return _retired(entry, earlier, error.suggestions, retriever)
    if card.code != earlier.code:  # a letter that looks like a digit was read as one
        return _retired(entry, earlier, [CodeName(card.code, card.title, card.billable)], retriever)
    notes: list[str] = []
    status: Status = "kept"
    if earlier.title and earlier.title not in _titles(card):
        status = "changed"
        notes.append(f"approved as: {earlier.title}; now: {card.official_title}")
    if not card.billable and earlier.billable is not False:  # who approved a heading knew it
        status = "heading"
        below = "; ".join(f"{one.code} {one.title}" for one in card.children)
        notes.insert(0, f"not billable; below it: {below}" if below else "not billable")
    return _row(entry, earlier, status, "; ".join(notes), _candidate(earlier, card), retriever)


def _retired(entry: Entry, earlier: Earlier, near: Sequence[CodeName], retriever: "Retriever") -> CodedRow:
    note = f"not in {retriever.release}"
    if near:
        note += "; near: " + "; ".join(f"{one.code} {one.title}" for one in near)
    return _row(entry, earlier, "retired", note, _candidate(earlier, None), retriever)


def _of_the_choice(earlier: Earlier, retriever: "Retriever") -> Earlier:
    """Return what holds of the code that was chosen: what was said of a suggested one does not."""
    if earlier.suggested in {"", earlier.code}:
        return earlier
    try:
        titles = _titles(retriever.lookup(earlier.suggested))
    except UnknownCodeError:
        titles = set()
    return replace(
        earlier,
        title="" if earlier.title in titles else earlier.title,
        probability=None,
        known=None,
        alias="",
        alias_language="",
        alias_source="",
    )


def _titles(card: CodeCard) -> set[str]:
    return {squeeze(title) for title in (card.title, card.official_title, *card.titles.values())}


def _candidate(earlier: Earlier, card: CodeCard | None) -> Candidate:
    return Candidate(
        code=earlier.code,
        title=earlier.title or (card.title if card else ""),
        official_title=card.official_title if card else "",
        probability=earlier.probability,
        billable=card.billable if card else None,
        alias=earlier.alias,
        alias_language=earlier.alias_language,
        alias_source=earlier.alias_source,
        path=tuple(one.code for one in card.path) if card else (),
    )


def _row(
    entry: Entry, earlier: Earlier, status: Status, note: str, candidate: Candidate, retriever: "Retriever"
) -> CodedRow:
    return CodedRow(
        entry=entry,
        status=status,
        candidates=(candidate,),
        known=earlier.known,
        release=retriever.release,
        note=remembered(earlier.rejected, note),
        review="approved",
    )
