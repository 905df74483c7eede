"""Two tracked systems compared on the queries that both ranked."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from codisearch.errors import InputError
from codisearch.languages import LANGUAGES
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams, Floats, cluster_queries
from codisearch.pipelines.evaluation.measures.metrics import CUTOFFS, DEPTH, score_queries
from codisearch.pipelines.evaluation.measures.significance import (
    ALPHA,
    PairedTest,
    adjust_holm,
    compare_paired,
    describe_difference,
)
from codisearch.pipelines.evaluation.measures.summary import ALL, column_of

METRICS: Final = (*(f"recall@{k}" for k in CUTOFFS), "mrr", "map@10")
"""nDCG is not among them: what there is to gain depends on the code set, which may differ."""
_KEY: Final = ["language", "query", "key"]


@dataclass(frozen=True)
class Ranked:
    """What a system ranked.

    Attributes:
        name: What it is called in sentences.
        queries: Frame of `schemas.QUERIES`.
        rankings: Frame of `schemas.RANKINGS`, of this system alone.
        depth: How many codes it was asked for; None where nobody noted it.
    """

    name: str
    queries: pd.DataFrame
    rankings: pd.DataFrame
    depth: int | None = None

    def deepest(self) -> int | None:
        """Return `depth`, or else the deepest rank; None where neither is known."""
        if self.depth is not None or self.rankings.empty:
            return self.depth
        return int(self.rankings["rank"].max())


@dataclass(frozen=True)
class Row:
    """The comparison in one language, or in `all`.

    Attributes:
        language: Which.
        test: The paired test.
        p_value: Its p-value after Holm's correction for all tests of the family.
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
        family: For how many tests the p-values are corrected.
    """

    metric: str
    before: str
    after: str
    rows: tuple[Row, ...]
    shared: int
    only_before: int
    only_after: int
    depth: int
    family: int

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
            "tests": self.family,
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


def compare_ranked(before: Ranked, after: Ranked, metric: str, params: BootstrapParams) -> Comparison:
    """Return how `after` differs from `before`, corrected for the rows of this comparison.

    Queries are the same where language, text and relevant codes are; their ids may differ. Ranks count down
    to the shallower depth of the two.

    Args:
        before: The first system.
        after: The second.
        metric: One of `METRICS`.
        params: How intervals and tests are drawn.

    Raises:
        InputError: If the metric is unknown or looks below that depth, or the systems share no query.
    """
    check_metric(metric)
    depth = _shared_depth(before, after, metric)
    keyed = [_keyed(one.queries) for one in (before, after)]
    shared = keyed[0].merge(keyed[1], on=_KEY, suffixes=("", "_after"))
    if shared.empty:
        raise InputError(
            f"{before.name} and {after.name} share no query ({len(keyed[0])} and {len(keyed[1])}): only runs "
            "that were evaluated on the same test queries can be compared."
        )
    scores = [
        _scores(shared.assign(query_id=shared[ids]), one.rankings, metric, depth)
        for one, ids in ((before, "query_id"), (after, "query_id_after"))
    ]
    rows = _compare_languages(shared, scores[0], scores[1], params)
    compared = Comparison(
        metric,
        before.name,
        after.name,
        tuple(Row(name, test, test.p_value) for name, test in rows.items()),
        shared=len(shared),
        only_before=len(keyed[0]) - len(shared),
        only_after=len(keyed[1]) - len(shared),
        depth=depth,
        family=len(rows),
    )
    return correct_together([compared])[0]


def correct_together(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons with p-values corrected for all of their rows together, as one family.

    A language that has all the queries is the same test as `all` and counts once.
    """
    rows = [(place, one, row) for place, one in enumerate(comparisons) for row in one.rows]
    tests = {(place, _tested(one, row)): row.test.p_value for place, one, row in rows}
    adjusted = dict(zip(tests, adjust_holm(list(tests.values())).tolist(), strict=True))
    return [
        replace(
            one,
            rows=tuple(replace(row, p_value=adjusted[place, _tested(one, row)]) for row in one.rows),
            family=len(tests),
        )
        for place, one in enumerate(comparisons)
    ]


def _tested(compared: Comparison, row: Row) -> str:
    """Return the first name of a row's queries: `all` where the row has all of them."""
    return ALL if row.test.queries == compared.shared else row.language


def _shared_depth(before: Ranked, after: Ranked, metric: str) -> int:
    """Return the shallower depth of the two, where the metric looks no further; unknown depths set none."""
    depths = [one.deepest() for one in (before, after)]
    shared = min((depth for depth in depths if depth is not None), default=DEPTH)
    if _cutoff(metric) > shared:
        told = [shared if depth is None else depth for depth in depths]
        raise InputError(
            f"{metric} needs {_cutoff(metric)} ranks of both, but {before.name} ranked down to {told[0]} and "
            f"{after.name} to {told[1]}: they can be compared by "
            f"{', '.join(one for one in METRICS if _cutoff(one) <= shared)}."
        )
    return shared


def _cutoff(metric: str) -> int:
    """Return the last rank that a metric looks at, 1 where it takes all that count."""
    return int(metric.partition("@")[2] or 1)


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


def _scores(queries: pd.DataFrame, rankings: pd.DataFrame, metric: str, depth: int) -> Floats:
    """Return the scores in the order of the queries."""
    scored = score_queries(
        queries, rankings.assign(system="system"), levels=("code",), systems=("system",), depth=depth
    )
    return scored.set_index("query_id")[column_of(metric)].reindex(queries["query_id"]).to_numpy(dtype=float)


def _finite(value: Any) -> Any:  # noqa: ANN401
    return None if isinstance(value, float) and not math.isfinite(value) else value
