"""From answers to rows: every query that was planned ends as accepted, rejected, failed or pending."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import pandas as pd

from codisearch.generators.ledger import Recorded
from codisearch.pipelines.generation.answers import (
    RETRIED,
    ContentFault,
    Malformed,
    ReadQueries,
    WrittenQuery,
    WrongCode,
    read_queries,
)
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.writing import Unit
from codisearch.rules.pair_rules import RuleContext, apply_rules
from codisearch.rules.text import keys_of

_CHUNK: Final = 2_000  # answers judged at a time; bounds the memory
_DRAFT_COLUMNS: Final = (
    "unit", "attempt", "place", "query", "code", "language", "style", "noise", "created", "rule", "detail",
)  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A confusable code as an answer names it."""

    unit: Unit
    item: WrongCode | Malformed


@dataclass(frozen=True)
class Judged:
    """What the answers of one attempt came to.

    Attributes:
        numbers: Numbers of the units that were asked for.
        drafts: Every query that was written, with the rule that refuses it or an empty string.
        confusables: Every confusable code that was named.
        faults: Number of a unit -> why its answer was of no use, and that in words.
        unanswered: Numbers of the units without an answer.
    """

    numbers: frozenset[int]
    drafts: pd.DataFrame
    confusables: tuple[Named, ...]
    faults: dict[int, tuple[ContentFault, str]]
    unanswered: frozenset[int]


def judge_answers(
    numbers: Sequence[int],
    units: Sequence[Unit],
    answers: Iterable[Recorded | None],
    attempt: int,
    context: RuleContext,
) -> Judged:
    """Return what the answers to the requests for some units hold.

    Args:
        numbers: Numbers of the units that were asked for, in the order of `answers`.
        units: All units.
        answers: The answer of each, or None.
        attempt: Which attempt it was.
        context: What the rules need.
    """
    frames: list[pd.DataFrame] = []
    confusables: list[Named] = []
    faults: dict[int, tuple[ContentFault, str]] = {}
    unanswered: set[int] = set()
    asked = zip(numbers, answers, strict=True)
    while chunk := list(islice(asked, _CHUNK)):
        rows: list[tuple[object, ...]] = []
        for number, recorded in chunk:
            if recorded is None:
                unanswered.add(number)
                continue
            read = read_queries(recorded.answer)
            if read.fault:
                faults[number] = (read.fault, read.detail)
            confusables += [Named(units[number], item) for item in read.confusables]
            rows += [(number, attempt, *row) for row in _drafts(read, units[number], recorded.day)]
        frames.append(_judged(pd.DataFrame(rows, columns=list(_DRAFT_COLUMNS)), context))
    drafts = pd.concat(frames, ignore_index=True) if frames else _judged(_no_drafts(), context)
    return Judged(frozenset(numbers), drafts, tuple(confusables), faults, frozenset(unanswered))


def _no_drafts() -> pd.DataFrame:
    return pd.DataFrame(columns=list(_DRAFT_COLUMNS))


def _drafts(read: ReadQueries, unit: Unit, day: str) -> Iterator[tuple[object, ...]]:
    for place, item in enumerate(read.queries):
        if isinstance(item, WrittenQuery):
            noise = "" if item.noise == "none" else item.noise
            yield (place, item.query, unit.code, unit.language, item.style, noise, day, "", "")
        else:
            yield (place, item.text, unit.code, unit.language, item.style, "", day, "malformed", item.problem)


def _judged(drafts: pd.DataFrame, context: RuleContext) -> pd.DataFrame:
    """Return the drafts with the verdict of the rules on those that have their form."""
    text = [name for name in _DRAFT_COLUMNS if name not in {"unit", "attempt", "place"}]
    typed = drafts.astype(dict.fromkeys(text, "str") | dict.fromkeys(("unit", "attempt", "place"), "int64"))
    formed = typed[typed["rule"] == ""]
    if len(formed):
        typed.loc[formed.index, ["rule", "detail"]] = apply_rules(formed, context)
    return typed


class Rows:
    """The rows of all units, as the attempts bring them.

    Args:
        units: What is asked for.
        params: How many queries of each style.
    """

    def __init__(self, units: Sequence[Unit], params: GenerationParams) -> None:
        self.units = units
        self._params = params
        self._attempts: list[Judged] = []

    def add(self, judged: Judged) -> None:
        """Add what an attempt brought."""
        self._attempts.append(judged)

    @property
    def drafts(self) -> pd.DataFrame:
        """Return all queries that were written, those of no asked style and repeats marked as well."""
        drafts = pd.concat([judged.drafts for judged in self._attempts], ignore_index=True)
        asked = {
            (unit.language, style) for unit in self.units for style, _ in self._params.slots(unit.language)
        }
        good = drafts["rule"] == ""
        pairs = zip(drafts["language"], drafts["style"], strict=True)
        unasked = good & ~pd.Series([pair in asked for pair in pairs], index=drafts.index, dtype=bool)
        drafts.loc[unasked, "rule"] = "unasked_style"
        good &= ~unasked
        keyed = drafts.loc[good, ["unit"]].assign(key=keys_of(drafts[good]))
        repeats = keyed.index[keyed.duplicated()]
        drafts.loc[repeats, "rule"] = "repeated"
        return drafts

    @property
    def confusables(self) -> list[Named]:
        """Return every confusable code that was named."""
        return [named for judged in self._attempts for named in judged.confusables]

    def wanting(self) -> list[int]:
        """Return the numbers of the units that lack queries and that a further attempt may help."""
        if not self._attempts:
            return list(range(len(self.units)))
        last = self._attempts[-1]
        hopeless = {n for n, (fault, _) in last.faults.items() if fault not in RETRIED} | last.unanswered
        filled = self._filled(self.drafts).groupby("unit").size()
        return [
            number
            for number in sorted(last.numbers)
            if number not in hopeless and filled.get(number, 0) < self._asked(self.units[number])
        ]

    def _asked(self, unit: Unit) -> int:
        return sum(count for _, count in self._params.slots(unit.language))

    def _filled(self, drafts: pd.DataFrame) -> pd.DataFrame:
        """Return the accepted drafts that have a slot, with its number `n`; those beyond it are left."""
        good = drafts[drafts["rule"] == ""].sort_values(["unit", "attempt", "place"], kind="stable")
        good = good.assign(n=good.groupby(["unit", "style"]).cumcount() + 1)
        return good[good["n"] <= good["style"].map(self._params.queries).astype("int64")]

    def finish(self, faults: dict[int, tuple[str, str]], source: str, prompt_hash: str) -> pd.DataFrame:
        """Return a row for every planned query (`schemas.GENERATED_ROWS`, without what the audit adds).

        Args:
            faults: Number of a unit without an answer -> kind and message of its last fault, or empty
                strings if it was never sent.
            source: The generator.
            prompt_hash: Hash of the prompt file.
        """
        drafts = self.drafts
        slots = self._slots()
        rows = slots.merge(self._ended(drafts), on=["unit", "style", "n"], how="left")
        open_rows = rows["status"].isna()
        ends = [self._end_of_unit(int(number), faults) for number in rows.loc[open_rows, "unit"]]
        for column, values in zip(("status", "reason", "detail"), zip(*ends, strict=True), strict=False):
            rows.loc[open_rows, column] = list(values)
        identified = [
            f"{language}-{code}-{style}-{source}-{n}"
            for language, code, style, n in zip(
                rows["language"], rows["code"], rows["style"], rows["n"], strict=True
            )
        ]
        rows = rows.assign(pair_id=identified, source=source, prompt_hash=prompt_hash).fillna("")
        return rows[list(ROW_COLUMNS)].astype("str")

    def _slots(self) -> pd.DataFrame:
        rows = [
            (number, unit.code, unit.language, style, n + 1)
            for number, unit in enumerate(self.units)
            for style, count in self._params.slots(unit.language)
            for n in range(count)
        ]
        return pd.DataFrame(rows, columns=["unit", "code", "language", "style", "n"])

    def _ended(self, drafts: pd.DataFrame) -> pd.DataFrame:
        """Return the slots that a draft ends, accepted or rejected: the last refused one of an open slot."""
        filled = self._filled(drafts).assign(status="accepted")
        taken = filled.groupby(["unit", "style"]).size().rename("taken").reset_index()
        refused = drafts[drafts["rule"] != ""].sort_values(
            ["unit", "style", "attempt", "place"], ascending=[True, True, False, True], kind="stable"
        )
        refused = refused.merge(taken, on=["unit", "style"], how="left").fillna({"taken": 0})
        order = refused.groupby(["unit", "style"]).cumcount() + 1
        refused = refused.assign(n=(order + refused["taken"]).astype("int64"), status="rejected")
        ended = pd.concat([filled, refused], ignore_index=True).rename(columns={"rule": "reason"})
        columns = ["unit", "style", "n", "query", "noise", "created", "status", "reason", "detail"]
        return ended[columns]

    def _end_of_unit(self, number: int, faults: dict[int, tuple[str, str]]) -> tuple[str, str, str]:
        """Return how a slot without a draft ended: status, reason, detail."""
        for judged in reversed(self._attempts):
            if number in judged.faults:
                fault, detail = judged.faults[number]
                return "failed", fault, detail
            if number in judged.unanswered and judged is self._attempts[0]:
                kind, message = faults.get(number, ("", ""))
                return ("failed", kind, message) if kind else ("pending", "not_sent", "")
        return "rejected", "missing", "The model wrote fewer queries than it was asked for."


ROW_COLUMNS: Final = (
    "pair_id", "query", "code", "language", "style", "noise", "source", "prompt_hash", "created",
    "status", "reason", "detail",
)  # fmt: skip
