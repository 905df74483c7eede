"""Two tracked systems compared on the queries that both ranked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from codisearch.errors import InputError
from codisearch.languages import LANGUAGES
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams, Floats, cluster_queries
from codisearch.pipelines.evaluation.measures.metrics import CUTOFFS, score_queries
from codisearch.pipelines.evaluation.measures.significance import (
    ALPHA,
    PairedTest,
    adjust_holm,
    compare_paired,
    describe_difference,
)
from codisearch.pipelines.evaluation.measures.summary import ALL

_COLUMNS: Final = {"mrr": "rr", "map@10": "ap@10"}
METRICS: Final = (*(f"recall@{k}" for k in CUTOFFS), *_COLUMNS)
"""nDCG is not among them: what there is to gain depends on the code set, which may differ."""
_KEY: Final = ["language", "query", "key"]


@dataclass(frozen=True)
class Ranked:
    """What a system ranked.

    Attributes:
        name: What it is called in sentences.
        queries: Frame of `schemas.QUERIES`.
        rankings: Frame of `schemas.RANKINGS`, of this system alone.
    """

    name: str
    queries: pd.DataFrame
    rankings: pd.DataFrame


@dataclass(frozen=True)
class Row:
    """The comparison in one language, or in `all`.

    Attributes:
        language: Which.
        test: The paired test.
        p_value: Its p-value after Holm's correction for all rows.
    """

    language: str
    test: PairedTest
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """Two systems on the queries that both ranked.

    Attributes:
        metric: What is compared.
        before: Name of the first system.
        after: Name of the second.
        rows: One for each language, then `all`.
        shared: How many queries both ranked.
        only_before: How many only the first did.
        only_after: How many only the second did.
        depth: The last rank that counts: the shallower of the two.
    """

    metric: str
    before: str
    after: str
    rows: tuple[Row, ...]
    shared: int
    only_before: int
    only_after: int
    depth: int

    def sentences(self) -> list[str]:
        """Return what the rows say: `all`, then the languages with a significant difference."""
        told = [row for row in self.rows if row.language == ALL or row.p_value < ALPHA]
        told.sort(key=lambda row: row.language != ALL)
        return [
            describe_difference(row.test, row.language, self.metric, self.before, self.after, row.p_value)
            for row in told
        ]

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values; what is not a finite number is null."""
        rows = [
            {"language": row.language, **asdict(row.test), "p_value_holm": row.p_value} for row in self.rows
        ]
        plain = [{name: _finite(value) for name, value in row.items()} for row in rows]
        counts = {"shared": self.shared, "only_a": self.only_before, "only_b": self.only_after}
        return {
            "metric": self.metric,
            "a": self.before,
            "b": self.after,
            "depth": self.depth,
            "queries": counts,
            "rows": plain,
            "sentences": self.sentences(),
        }


def check_metric(metric: str) -> str:
    """Return `metric`.

    Raises:
        InputError: If it is none that runs are compared by.
    """
    if metric not in METRICS:
        raise InputError(f"Unknown metric {metric!r}: allowed are {', '.join(METRICS)}.")
    return metric


def compare_ranked(
    before: Ranked, after: Ranked, metric: str, params: BootstrapParams, depth: int
) -> Comparison:
    """Return how `after` differs from `before`.

    Queries are the same where language, text and relevant codes are; their ids may differ.

    Args:
        before: The first system.
        after: The second.
        metric: One of `METRICS`.
        params: How intervals and tests are drawn.
        depth: The last rank that counts; a shallower one holds where a system ranked fewer.

    Raises:
        InputError: If the metric is unknown, or the systems share no query.
    """
    check_metric(metric)
    keyed = [_keyed(one.queries) for one in (before, after)]
    shared = keyed[0].merge(keyed[1], on=_KEY, suffixes=("", "_after"))
    if shared.empty:
        raise InputError(
            f"{before.name} and {after.name} share no query ({len(keyed[0])} and {len(keyed[1])}): only runs "
            "that were evaluated on the same test queries can be compared."
        )
    depth = min([depth, *(_deepest(one.rankings) for one in (before, after))])
    scores = [
        _scores(shared.assign(query_id=shared[ids]), one.rankings, metric, depth)
        for one, ids in ((before, "query_id"), (after, "query_id_after"))
    ]
    rows = _compare_languages(shared, scores[0], scores[1], params)
    adjusted = adjust_holm([test.p_value for test in rows.values()])
    return Comparison(
        metric,
        before.name,
        after.name,
        tuple(Row(name, test, float(p)) for (name, test), p in zip(rows.items(), adjusted, strict=True)),
        len(shared),
        len(keyed[0]) - len(shared),
        len(keyed[1]) - len(shared),
        depth,
    )


def _compare_languages(
    queries: pd.DataFrame, before: Floats, after: Floats, params: BootstrapParams
) -> dict[str, PairedTest]:
    clusters = cluster_queries(queries)
    parts = {str(tag): (queries["language"] == tag).to_numpy() for tag in LANGUAGES}
    parts[ALL] = np.ones(len(queries), dtype=bool)
    return {
        name: compare_paired(before[inside], after[inside], clusters[inside], params)
        for name, inside in parts.items()
        if inside.any()
    }


def _keyed(queries: pd.DataFrame) -> pd.DataFrame:
    """Return the queries with their codes as a text that can be matched, each query once."""
    codes = queries["codes"].map(lambda codes: sorted(map(str, codes)))
    keyed = queries.assign(codes=codes, key=codes.map(" ".join))
    return keyed.drop_duplicates(_KEY)[["query_id", *_KEY, "codes"]]


def _deepest(rankings: pd.DataFrame) -> int:
    return int(rankings["rank"].max()) if len(rankings) else 1


def _scores(queries: pd.DataFrame, rankings: pd.DataFrame, metric: str, depth: int) -> Floats:
    """Return the scores in the order of the queries."""
    _, _, cutoff = metric.partition("recall@")
    cutoffs = (int(cutoff),) if cutoff else ()
    scored = score_queries(
        queries,
        rankings.assign(system="system"),
        cutoffs,
        levels=("code",),
        systems=("system",),
        depth=max(depth, *cutoffs) if cutoffs else depth,  # a cut-off beyond the last rank is a measure too
    )
    column = _COLUMNS.get(metric, metric)
    return scored.set_index("query_id")[column].reindex(queries["query_id"]).to_numpy(dtype=float)


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the parameters that differ: name and both values, empty where one side has none."""
    names = sorted({*before, *after})
    return [
        (name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name) != after.get(name)
    ]


def pair_systems(before: Sequence[str], after: Sequence[str], system: str | None) -> list[tuple[str, str]]:
    """Return which systems are compared: the one asked for, those that both have, or the only two there are.

    Raises:
        InputError: If a side lacks the system asked for, or both have none in common.
    """
    if system is not None:
        for side, names in (("first", before), ("second", after)):
            if system not in names:
                raise InputError(f"The {side} run has no system {system!r}: it has {', '.join(names)}.")
        return [(system, system)]
    if len(before) == len(after) == 1:
        return [(before[0], after[0])]
    common = [(name, name) for name in before if name in after]
    if not common:
        raise InputError(
            f"The runs have no system in common: the first has {', '.join(before)}; the second "
            f"{', '.join(after)}. Give the ids of two systems' runs."
        )
    return common


def _finite(value: Any) -> Any:  # noqa: ANN401
    return None if isinstance(value, float) and not math.isfinite(value) else value
