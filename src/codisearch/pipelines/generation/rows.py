"""From answers to rows: every query that was planned ends as accepted, rejected, failed or pending."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import pandas as pd

from codisearch.generators.ledger import Recorded
from codisearch.pipelines.generation.answers import (
    RETRIED,
    ContentFault,
    ReadQueries,
    WrittenQuery,
    read_queries,
)
from codisearch.pipelines.generation.confusables import Confusables
from codisearch.pipelines.generation.params import GenerationParams
from codisearch.pipelines.generation.writing import Unit
from codisearch.rules.pair_rules import RuleContext, apply_rules
from codisearch.rules.text import normalise_query

_CHUNK: Final = 2_000  # answers judged at a time; bounds the memory
_TEXT: Final = ("query", "code", "language", "style", "noise", "created", "rule", "detail")
_NUMBERS: Final = ("unit", "attempt", "place")
_PLACE: Final = [*_NUMBERS, "style", "rule"]
_KEPT: Final = [*_NUMBERS, "query", "style", "noise", "created", "rule", "detail"]


IN_A_JOB: Final = "in_batch_job"


@dataclass(frozen=True)
class Attempt:
    """How the requests of one attempt ended.

    Attributes:
        numbers: Numbers of the units that were asked for.
        faults: Number of a unit -> why its answer was of no use, and that in words.
        unanswered: Numbers of the units without an answer.
    """

    numbers: frozenset[int]
    faults: dict[int, tuple[ContentFault, str]]
    unanswered: frozenset[int]


@dataclass(frozen=True)
class Judged:
    """What the answers of one attempt came to.

    Attributes:
        attempt: How the requests ended.
        drafts: Every query that was written, with the rule that refuses it or an empty string.
    """

    attempt: Attempt
    drafts: pd.DataFrame


@dataclass(frozen=True)
class Judge:
    """What answers are held to.

    Attributes:
        units: All units.
        params: Which queries are asked for.
        context: What the rules need.
        confusables: Counts the confusable codes that the answers name.
    """

    units: Sequence[Unit]
    params: GenerationParams
    context: RuleContext
    confusables: Confusables

    def judge(self, numbers: Sequence[int], answers: Iterable[Recorded | None], attempt: int) -> Judged:
        """Return what the answers to the requests for some units hold.

        Args:
            numbers: Numbers of the units that were asked for, in the order of `answers`.
            answers: The answer of each, or None.
            attempt: Which attempt it was.
        """
        frames: list[pd.DataFrame] = []
        faults: dict[int, tuple[ContentFault, str]] = {}
        unanswered: set[int] = set()
        asked = zip(numbers, answers, strict=True)
        while chunk := list(islice(asked, _CHUNK)):
            rows: list[tuple[object, ...]] = []
            for number, recorded in chunk:
                if recorded is None:
                    unanswered.add(number)
                    continue
                unit, read = self.units[number], read_queries(recorded.answer)
                if read.fault:
                    faults[number] = (read.fault, read.detail)
                self.confusables.add(unit.code, unit.language, read.confusables)
                rows += [(number, attempt, *row) for row in self._drafts(read, unit, recorded.day)]
            frames.append(self._judged(rows))
        drafts = pd.concat(frames or [self._judged([])], ignore_index=True)
        return Judged(Attempt(frozenset(numbers), faults, frozenset(unanswered)), drafts)

    def _drafts(self, read: ReadQueries, unit: Unit, day: str) -> Iterator[tuple[object, ...]]:
        styles = {style for style, _ in self.params.slots(unit.language)}
        for place, item in enumerate(read.queries):
            if isinstance(item, WrittenQuery):
                noise = "" if item.noise == "none" else item.noise
                rule = "" if item.style in styles else "unasked_style"
                yield (place, item.query, unit.code, unit.language, item.style, noise, day, rule, "")
            else:
                bad = ("malformed", item.problem)
                yield (place, item.text, unit.code, unit.language, item.style, "", day, *bad)

    def _judged(self, rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
        """Return the drafts with the verdict of the rules on those that have their form."""
        drafts = pd.DataFrame(rows, columns=[*_NUMBERS, *_TEXT])
        drafts = drafts.astype(dict.fromkeys(_TEXT, "str") | dict.fromkeys(_NUMBERS, "int64"))
        formed = drafts[drafts["rule"] == ""]
        if len(formed):
            drafts.loc[formed.index, ["rule", "detail"]] = apply_rules(formed, self.context)
        return drafts[_KEPT]


class Rows:
    """The rows of all units, as the attempts bring them.

    Args:
        units: What is asked for.
        params: How many queries of each style.

    Attributes:
        units: What is asked for.
        drafts: Every query that was written so far, with the rule that refuses it or an empty string.
    """

    def __init__(self, units: Sequence[Unit], params: GenerationParams) -> None:
        self.units = units
        self._params = params
        self._attempts: list[Attempt] = []
        self.drafts = pd.DataFrame(columns=_KEPT)

    def add(self, judged: Judged) -> None:
        """Add what an attempt brought; words that a unit has already are refused as repeated."""
        earlier = self.drafts[self.drafts["unit"].isin(judged.attempt.numbers)]
        names = ["unit", "query", "rule"]
        said = pd.concat([earlier[names], judged.drafts[names]], ignore_index=True)
        said = said[said["rule"] == ""]
        keys = said[["unit"]].assign(key=[hash(normalise_query(query)) for query in said["query"]])
        # Repeats are among the new drafts: those of earlier attempts are marked already, and come first here.
        repeats = keys.index[keys.duplicated()] - len(earlier)
        drafts = judged.drafts
        drafts.loc[repeats, "rule"] = "repeated"
        self.drafts = pd.concat([self.drafts, drafts], ignore_index=True) if self._attempts else drafts
        self._attempts.append(judged.attempt)

    @property
    def faults(self) -> dict[str, int]:
        """Return why answers were of no use as a whole, and how many."""
        return dict(Counter(fault for one in self._attempts for fault, _ in one.faults.values()))

    def wanting(self) -> list[int]:
        """Return the numbers of the units that lack queries and that a further attempt may help."""
        if not self._attempts:
            return list(range(len(self.units)))
        last = self._attempts[-1]
        hopeless = {n for n, (fault, _) in last.faults.items() if fault not in RETRIED} | last.unanswered
        filled = self._filled().groupby("unit").size()
        return [
            number
            for number in sorted(last.numbers)
            if number not in hopeless and filled.get(number, 0) < self._asked(self.units[number])
        ]

    def _asked(self, unit: Unit) -> int:
        return sum(count for _, count in self._params.slots(unit.language))

    def _filled(self) -> pd.DataFrame:
        """Return the accepted drafts that have a slot, with its number `n`; those beyond it are left."""
        drafts = self.drafts[_PLACE]
        good = drafts[drafts["rule"] == ""].sort_values(["unit", "attempt", "place"], kind="stable")
        good = good.assign(n=good.groupby(["unit", "style"]).cumcount() + 1)
        return good[good["n"] <= good["style"].map(self._params.queries).astype("int64")]

    def finish(
        self, faults: dict[int, tuple[str, str]], source: str, prompt_hash: str, *, stopped: bool = False
    ) -> pd.DataFrame:
        """Return a row for every planned query (`schemas.GENERATED_ROWS`, without what the audit adds).

        Args:
            faults: Number of a unit without an answer -> kind and message of its last fault, or `IN_A_JOB`;
                without an entry it was never sent.
            source: The generator.
            prompt_hash: Hash of the prompt file.
            stopped: Whether the run ended early, so that what has no answer may still get one.
        """
        rows = self._slots().merge(self._ended(), on=["unit", "style", "n"], how="left")
        open_rows = rows["status"].isna()
        ends = [self._end_of_unit(int(number), faults, stopped) for number in rows.loc[open_rows, "unit"]]
        for column, values in zip(("status", "reason", "detail"), zip(*ends, strict=True), strict=False):
            rows.loc[open_rows, column] = list(values)
        slot = rows["language"] + "-" + rows["code"] + "-" + rows["style"]
        identified = slot + f"-{source}-" + rows["n"].astype("str")
        rows = rows.assign(source=source, prompt_hash=prompt_hash, pair_id=identified).fillna("")
        return rows[list(ROW_COLUMNS)].astype("str")

    def _slots(self) -> pd.DataFrame:
        """Return a row for each planned query: its unit, and which of a style's queries it is."""
        languages = dict.fromkeys(unit.language for unit in self.units)
        asked = [
            (language, style, n + 1)
            for language in languages
            for style, count in self._params.slots(language)
            for n in range(count)
        ]
        units = pd.DataFrame(
            {
                "unit": range(len(self.units)),
                "code": [unit.code for unit in self.units],
                "language": [unit.language for unit in self.units],
            }
        ).astype({"code": "str", "language": "str"})
        styles = pd.DataFrame(asked, columns=["language", "style", "n"])
        return units.merge(styles.astype({"language": "str", "style": "str"}), on="language", how="left")

    def _ended(self) -> pd.DataFrame:
        """Return the slots that a draft ends, accepted or rejected: the last refused one of an open slot."""
        filled = self._filled().assign(status="accepted")
        taken = filled.groupby(["unit", "style"]).size().rename("taken")
        drafts = self.drafts[_PLACE]
        refused = drafts[drafts["rule"] != ""].sort_values(
            ["unit", "style", "attempt", "place"], ascending=[True, True, False, True], kind="stable"
        )
        before = refused.join(taken, on=["unit", "style"])["taken"].fillna(0).astype("int64")
        order = refused.groupby(["unit", "style"]).cumcount() + 1
        ended = pd.concat([filled, refused.assign(n=order + before, status="rejected")])
        ended = ended.join(self.drafts[["query", "noise", "created", "detail"]])
        return ended.drop(columns=["attempt", "place"]).rename(columns={"rule": "reason"})

    def _end_of_unit(
        self, number: int, faults: dict[int, tuple[str, str]], stopped: bool
    ) -> tuple[str, str, str]:
        """Return how a slot without a draft ended: status, reason, detail."""
        answered = [a for a in self._attempts if number in a.numbers and number not in a.unanswered]
        if not answered:
            kind, message = faults.get(number, ("not_sent", ""))
            later = stopped or kind in {"not_sent", IN_A_JOB}
            return "pending" if later else "failed", kind, message
        if number in answered[-1].faults:
            return "failed", *answered[-1].faults[number]
        return "rejected", "missing", "The model wrote fewer queries than it was asked for."


ROW_COLUMNS: Final = (
    "pair_id", "query", "code", "language", "style", "noise", "source", "prompt_hash", "created",
    "status", "reason", "detail",
)  # fmt: skip
