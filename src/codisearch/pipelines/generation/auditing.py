"""The second pass: a model codes accepted queries blind, and says where the words lead elsewhere."""

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pandas as pd

from codisearch.codes import category_of, four_characters_of, normalise_code
from codisearch.errors import InputError
from codisearch.generators.contract import Request
from codisearch.generators.ledger import Recorded
from codisearch.languages import Language
from codisearch.pipelines.generation.answers import BlindCodes, read_blind_codes, schema_of
from codisearch.pipelines.generation.params import GenerationParams, Level
from codisearch.pipelines.generation.prompts import Prompt

TASK: Final = "audit"
_NO_TITLES: Final = "title"


@dataclass(frozen=True)
class Question:
    """A query that is to be coded blind.

    Attributes:
        pair_id: Which row it is.
        query: Its words.
    """

    pair_id: str
    query: str


@dataclass(frozen=True)
class Coded:
    """The code that a reader gave a query, and in which attempt."""

    code: str
    attempt: int


@dataclass(frozen=True)
class Sheet:
    """The queries of one request, all in one language."""

    language: Language
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Auditing:
    """Everything that decides what is asked.

    Attributes:
        prompt: The prompt file.
        params: The pipeline's parameters.
    """

    prompt: Prompt
    params: GenerationParams

    @property
    def settings(self) -> str:
        """Return the digest of the reader's settings."""
        return self.params.models[self.params.auditor].digest(self.params.auditor)

    def sheets(self, rows: pd.DataFrame) -> list[Sheet]:
        """Return the accepted queries on sheets.

        The order is that of a hash, so that the queries of one code do not stand together, and the sheets of
        the same rows are the same in every run.

        Args:
            rows: `schemas.GENERATED_ROWS`; titles are no queries and are not audited.
        """
        accepted = rows[(rows["status"] == "accepted") & (rows["style"] != _NO_TITLES)]
        sheets = []
        for language in self.params.languages:
            own = accepted[accepted["language"] == language]
            asked = sorted(
                (Question(*row) for row in zip(own["pair_id"], own["query"], strict=True)), key=_shuffled
            )
            size = self.params.audit.queries_per_request
            starts = range(0, len(asked), size)
            sheets += [Sheet(language, tuple(asked[start : start + size])) for start in starts]
        return sheets

    def open_sheets(
        self, sheets: Iterable[Sheet], coded: Mapping[Question, Coded], attempt: int, settled: Container[str]
    ) -> list[Sheet]:
        """Return what an attempt has to ask: the sheets, less what is coded.

        A resumed run asks what a run left alone would: for each sheet, what no earlier attempt coded, unless
        that request has its answer; and of it only queries that no other sheet brought a code for.

        Args:
            sheets: The sheets of all rows.
            coded: The codes so far.
            attempt: Which attempt.
            settled: Keys of the requests that are answered.
        """
        left = []
        for sheet in sheets:
            due = [q for q in sheet.questions if q not in coded or coded[q].attempt >= attempt]
            if not due or self.request(Sheet(sheet.language, tuple(due)), attempt).key in settled:
                continue
            fresh = tuple(question for question in due if question not in coded)
            if fresh:
                left.append(Sheet(sheet.language, fresh))
        return left

    def request(self, sheet: Sheet, attempt: int) -> Request:
        """Return the request for a sheet."""
        return Request(
            task=TASK,
            subject=f"{len(sheet.questions)} queries {sheet.language}",
            system=self._instructions[sheet.language],
            user=self.prompt.request(
                **self.params.wording(sheet.language), queries=[one.query for one in sheet.questions]
            ),
            schema=self._schema,
            attempt=attempt,
            settings=self.settings,
            prompt=self.prompt.hash,
            meta={
                "rows": [[one.pair_id, one.query] for one in sheet.questions],
                "prompt": self.prompt.hash,
            },
        )

    @cached_property
    def _instructions(self) -> dict[Language, str]:
        tongues = self.params.languages
        return {tongue: self.prompt.instructions(**self.params.wording(tongue)) for tongue in tongues}

    @cached_property
    def _schema(self) -> dict[str, object]:
        return schema_of(BlindCodes)


def faults_of(recorded: Iterable[Recorded], prompt_hash: str) -> dict[str, int]:
    """Return why readers' answers under a prompt were of no use, and how many."""
    read = (read_blind_codes(one.answer)[0] for one in recorded if one.meta.get("prompt") == prompt_hash)
    return dict(Counter(fault for fault in read if fault))


def harvest(recorded: Iterable[Recorded], prompt_hash: str) -> dict[Question, Coded]:
    """Return the code that each query was given in the answers under a prompt; the first one counts."""
    codes: dict[Question, Coded] = {}
    for one in recorded:
        if one.meta.get("prompt") != prompt_hash:
            continue
        _, given = read_blind_codes(one.answer)
        for number, (pair_id, query) in enumerate(one.meta["rows"], start=1):
            if number in given:
                codes.setdefault(Question(pair_id, query), Coded(given[number], one.attempt))
    return codes


def mark_agreement(
    rows: pd.DataFrame, codes: Mapping[Question, Coded], known: frozenset[str], params: GenerationParams
) -> pd.DataFrame:
    """Return the rows with the reader's answer, and those that it disagrees with rejected.

    Args:
        rows: Rows as the first pass leaves them.
        codes: What the reader answered.
        known: The codes of the code set.
        params: From which level on an answer agrees, and what becomes of the others.

    Returns:
        The rows with `answer` (dotted; as it came if it is no code; empty without one) and `agreement`
        (`code`, `four_characters`, `category`, `none`, `invented_code`, or empty).
    """
    answers, agreements, ends = [], [], []
    allowed = _from_level(params.audit.agree_at)
    for row in rows[["pair_id", "query", "code", "status"]].itertuples(index=False):
        coded = codes.get(Question(str(row.pair_id), str(row.query))) if row.status == "accepted" else None
        answer, agreement = _compare(coded.code if coded else "", str(row.code), known)
        answers.append(answer)
        agreements.append(agreement)
        ends.append(bool(agreement) and agreement not in allowed and not params.audit.keep_disagreements)
    marked = rows.assign(answer=pd.Series(answers, index=rows.index, dtype="str"))
    marked = marked.assign(agreement=pd.Series(agreements, index=rows.index, dtype="str"))
    left_out = pd.Series(ends, index=rows.index, dtype=bool)
    marked.loc[left_out, "status"] = "rejected"
    marked.loc[left_out, "reason"] = "audit_disagrees"
    marked.loc[left_out, "detail"] = "A blind reader codes it " + marked.loc[left_out, "answer"] + "."
    if not params.audit.keep_unread:
        unread = is_unread(marked)
        marked.loc[unread, ["status", "reason", "detail"]] = [
            "rejected",
            "audit_unread",
            "No reader coded it.",
        ]
    return marked


def is_unread(rows: pd.DataFrame) -> pd.Series:
    """Tell of each row whether it is an accepted query that no reader has coded; titles are not read."""
    return (rows["status"] == "accepted") & (rows["style"] != _NO_TITLES) & (rows["agreement"] == "")


def _compare(given: str, code: str, known: frozenset[str]) -> tuple[str, str]:
    if not given:
        return "", ""
    try:
        answer = normalise_code(given)
    except InputError:
        return given, "invented_code"
    if answer not in known:
        return given, "invented_code"
    if answer == code:
        return answer, "code"
    if four_characters_of(answer) == four_characters_of(code):
        return answer, "four_characters"
    return answer, "category" if category_of(answer) == category_of(code) else "none"


def _from_level(level: Level) -> frozenset[str]:
    levels = ("code", "four_characters", "category")
    return frozenset(levels[: levels.index(level) + 1])


def _shuffled(question: Question) -> str:
    return hashlib.sha256(question.pair_id.encode()).hexdigest()
