"""How right a ranked code is: the code itself, a sibling, a code of the same category, or none of these.

The result is what `pytrec_eval` reads: judgements by query, and a run by system.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import pandas as pd

from codisearch.codes import CATEGORY_LENGTH, FOUR_CHARACTER_LENGTH

EXACT: Final = 3
SAME_FOUR_CHARACTERS: Final = 2
SAME_CATEGORY: Final = 1
"""Grades of relevance, which are also the gains of nDCG."""

GAIN_DEPTH: Final = 10
"""How far down nDCG looks; what stands or is missing beyond needs no grade."""

Ranked = tuple[str, str, list[str]]


@dataclass(frozen=True)
class Judged:
    """Rankings of one level with the relevance of what they hold.

    Attributes:
        judgements: Query -> key -> grade. A key is a code cut to the level, or a made-up name for a relative
            that no system has among its first.
        runs: System -> query -> key -> score; only the order of the scores means something.
    """

    judgements: dict[str, dict[str, int]]
    runs: dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class _Wanted:
    """The relevant codes of a query, cut to the level."""

    codes: tuple[str, ...]
    fours: frozenset[str]
    categories: frozenset[str]

    @classmethod
    def of(cls, codes: Iterable[str], width: int | None) -> "_Wanted":
        cut = tuple(dict.fromkeys(code[:width] for code in codes))
        fours = frozenset(code[:FOUR_CHARACTER_LENGTH] for code in cut)
        return cls(cut, fours, frozenset(code[:CATEGORY_LENGTH] for code in cut))

    def grade(self, key: str) -> int:
        """Return how close a code that is not right comes to one that is."""
        if key[:CATEGORY_LENGTH] not in self.categories:
            return 0
        return SAME_FOUR_CHARACTERS if key[:FOUR_CHARACTER_LENGTH] in self.fours else SAME_CATEGORY

    def merged(self, key: str) -> str:
        """Return the longest relevant code that `key` is or begins with, else the key itself."""
        if key[:CATEGORY_LENGTH] not in self.categories:
            return key
        return max((code for code in self.codes if key.startswith(code)), key=len, default=key)


def lists_of(rankings: pd.DataFrame, queries: pd.DataFrame) -> list[Ranked]:
    """Return system, query and codes, best first, of every ranking that answers one of the queries."""
    ordered = rankings.loc[rankings["query_id"].isin(queries["query_id"])]
    systems, system_names = pd.factorize(ordered["system"])
    answered, query_names = pd.factorize(ordered["query_id"])
    order = np.lexsort((ordered["rank"].to_numpy(), answered, systems))
    systems, answered = systems[order], answered[order]
    codes = ordered["code"].to_numpy(dtype=object)[order].tolist()
    starts = np.flatnonzero((np.diff(systems) != 0) | (np.diff(answered) != 0)) + 1
    bounds = [0, *starts.tolist(), len(codes)] if codes else []
    return [
        (str(system_names[systems[start]]), str(query_names[answered[start]]), codes[start:end])
        for start, end in pairwise(bounds)
    ]


def judge(
    queries: pd.DataFrame,
    lists: Sequence[Ranked],
    systems: Sequence[str],
    codes: Sequence[str],
    width: int | None,
    match: Literal["exact", "prefix"],
) -> Judged:
    """Return rankings and judgements with codes cut to `width`, repeats dropped.

    Args:
        queries: Frame of `schemas.QUERIES`.
        lists: Of `lists_of`, at most as deep as counts.
        systems: The systems, in order.
        codes: All codes of the code set; those of `queries` and `lists` are added.
        width: Characters of a code that count; None for all.
        match: With `prefix` a code that begins with a relevant one stands for it.
    """
    wanted = {
        str(name): _Wanted.of(relevant, width)
        for name, relevant in zip(queries["query_id"], queries["codes"], strict=True)
    }
    runs: dict[str, dict[str, dict[str, float]]] = {system: {} for system in systems}
    judgements = {name: dict.fromkeys(query.codes, EXACT) for name, query in wanted.items()}
    for system, name, ranked in lists:
        query, known = wanted[name], judgements[name]
        keys = (code[:width] for code in ranked)
        distinct = list(dict.fromkeys(map(query.merged, keys) if match == "prefix" else keys))
        runs[system][name] = {key: -float(place) for place, key in enumerate(distinct)}
        for key in distinct[:GAIN_DEPTH]:
            if key not in known and (grade := query.grade(key)):
                known[key] = grade
    _add_missing(judgements, wanted, _vocabulary(codes, queries, lists, width), match)
    return Judged(judgements, runs)


def _vocabulary(
    codes: Sequence[str], queries: pd.DataFrame, lists: Sequence[Ranked], width: int | None
) -> Iterator[str]:
    """Yield all codes there are, cut to `width`, once each."""
    ranked = {code for _, _, found in lists for code in found}
    yield from {code[:width] for code in {*codes, *ranked, *queries["codes"].explode()}}


def _add_missing(
    judgements: dict[str, dict[str, int]],
    wanted: Mapping[str, _Wanted],
    vocabulary: Iterable[str],
    match: Literal["exact", "prefix"],
) -> None:
    """Give every query as many relatives as the code set has, up to what nDCG looks at.

    Without them a system would be measured against an ideal made of what the systems happened to find.
    """
    by_category: dict[str, list[str]] = defaultdict(list)
    for key in vocabulary:
        by_category[key[:CATEGORY_LENGTH]].append(key)
    totals: dict[tuple[str, ...], dict[int, int]] = {}
    for name, query in wanted.items():
        if query.codes not in totals:
            totals[query.codes] = _count_relatives(query, by_category, match)
        grades = list(judgements[name].values())
        for grade, total in totals[query.codes].items():
            missing = min(total, GAIN_DEPTH) - grades.count(grade)
            judgements[name] |= {f"missing {grade} {number}": grade for number in range(missing)}


def _count_relatives(
    query: _Wanted, by_category: Mapping[str, Sequence[str]], match: Literal["exact", "prefix"]
) -> dict[int, int]:
    """Return how many codes of the code set have each lower grade."""
    counts = {SAME_FOUR_CHARACTERS: 0, SAME_CATEGORY: 0}
    for category in query.categories:
        for key in by_category[category]:
            if key not in query.codes and (match == "exact" or query.merged(key) == key):
                counts[query.grade(key)] += 1
    return counts
