"""Every system over the same aliases, for the same queries: in which order, how long it takes, the tables."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from tqdm import tqdm

from codisearch.errors import ConfigurationError, ModelError
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.pipelines.evaluation.systems import System, SystemOpener
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.ranking import Ids, Rankings

logger = logging.getLogger(__name__)

_QUERIES_AT_ONCE: Final = 1024


@dataclass(frozen=True)
class _Cost:
    """What a system took by itself, without its components.

    Attributes:
        seconds: Of ranking all queries, with loading and indexing.
        milliseconds: Of one query alone, median.
        encoded: Aliases that had to be encoded.
    """

    seconds: float
    milliseconds: float
    encoded: int


@dataclass
class _Run:
    """What is known so far of the systems of one run.

    Attributes:
        rankings: Of systems that others still read.
        costs: Of systems that ran.
        reasons: Why systems were left out, in one line.
        frames: Rankings of the systems that were asked for, as tables.
    """

    rankings: dict[str, Rankings] = field(default_factory=dict)
    costs: dict[str, _Cost] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class SystemRanker:
    """Ranks queries with all of the configured systems.

    Attributes:
        bundle: The bundle, whose aliases and codes all systems share.
        cache: Embedding cache.
        params: The pipeline's parameters.
    """

    bundle: Bundle
    cache: EmbeddingCache
    params: EvaluationParams

    def rank_all(self, queries: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rankings of every system, and a table of the systems.

        Each system ranks once, also one that several others read. One that cannot be opened is left out with
        a warning, and so are those that read it.

        Args:
            queries: Columns `query_id` and `query`.

        Returns:
            Rankings (`schemas.RANKINGS`), and a row per system: `system`, `kind`, `seconds` of ranking all
            queries, with loading and indexing, `queries`, `ms_per_query` as the median of queries ranked one
            at a time, `encoded` aliases that were not in the cache, and `skipped`, the reason why it did not
            run, or "". Seconds and milliseconds hold those of all systems that it reads; of one that did
            not run they are NaN.

        Raises:
            ModelError: If no system is left.
        """
        opener = SystemOpener(self.bundle, self.cache, self.params)
        order = self.params.with_components(self.params.systems)
        readers = Counter(part for name in order for part in self.params.components_of(name))
        run = _Run()
        for name in order:
            self._run_system(name, queries, opener, run)
            for part in self.params.components_of(name):
                readers[part] -= 1
            run.rankings = {kept: found for kept, found in run.rankings.items() if readers[kept]}
        if not run.frames:
            reasons = "; ".join(f"{name}: {run.reasons[name]}" for name in self.params.systems)
            raise ModelError(f"None of the systems can be evaluated. {reasons}")
        frames = [run.frames[name] for name in self.params.systems if name in run.frames]
        table = pd.DataFrame([self._describe(name, len(queries), run) for name in self.params.systems])
        return pd.concat(frames, ignore_index=True), table.astype({"system": "str", "skipped": "str"})

    def _run_system(self, name: str, queries: pd.DataFrame, opener: SystemOpener, run: _Run) -> None:
        """Open a system and let it rank, or note why it cannot."""
        parts = self.params.components_of(name)
        started = time.perf_counter()
        try:
            for part in parts:
                if part in run.reasons:
                    raise ModelError(f"it needs {part}, which was left out: {run.reasons[part]}")
            system = opener.open(name)
        except (ModelError, ConfigurationError) as error:
            run.reasons[name] = " ".join(str(error).split())
            logger.warning("%s is left out: %s", name, run.reasons[name])
            return
        texts = queries["query"].tolist()
        components = [run.rankings[part] for part in parts]
        rankings = _rank_in_chunks(name, system, texts, components, opener.depth)
        seconds = time.perf_counter() - started
        vocabulary = self.bundle.codes["code"].tolist()
        logger.info("%s ranked %d codes for %d queries in %.1f s", name, len(vocabulary), len(texts), seconds)
        median = _median_milliseconds(system, texts, components, self.params.latency_queries)
        run.costs[name] = _Cost(seconds, median, system.encoded)
        run.rankings[name] = rankings
        if name in self.params.systems:
            head = rankings.head(self.params.depth)
            run.frames[name] = head.to_frame(name, queries["query_id"].tolist(), vocabulary)

    def _describe(self, name: str, queries: int, run: _Run) -> dict[str, Any]:
        """Return the row of a system in the table of systems."""
        skipped = run.reasons.get(name, "")
        costs = [] if skipped else [run.costs[part] for part in self.params.with_components((name,))]
        return {
            "system": name,
            "kind": self.params.kind_of(name),
            "seconds": round(sum(cost.seconds for cost in costs), 2) if costs else np.nan,
            "queries": 0 if skipped else queries,
            "ms_per_query": round(sum(cost.milliseconds for cost in costs), 3) if costs else np.nan,
            "encoded": 0 if skipped else run.costs[name].encoded,
            "skipped": skipped,
        }


def _rank_in_chunks(
    name: str, system: System, texts: Sequence[str], components: Sequence[Rankings], depth: int
) -> Rankings:
    """Return a system's rankings of all queries, made of so many at a time that memory stays flat."""
    result = Rankings.empty(len(texts), depth)
    with tqdm(total=len(texts), desc=name, unit=" queries") as progress:
        for start in range(0, len(texts), _QUERIES_AT_ONCE):
            rows = np.arange(start, min(start + _QUERIES_AT_ONCE, len(texts)))
            found = _rank_rows(system, texts, components, rows)
            result.codes[rows], result.scores[rows] = found.codes, found.scores
            result.aliases[rows] = found.aliases
            progress.update(len(rows))
    return result


def _median_milliseconds(
    system: System, texts: Sequence[str], components: Sequence[Rankings], count: int
) -> float:
    """Return how long one query takes by itself: the median of some, spread evenly over all."""
    taken = []
    for row in np.linspace(0, len(texts) - 1, min(count, len(texts))).astype(np.int64):
        started = time.perf_counter()
        _rank_rows(system, texts, components, row[None])
        taken.append(1000.0 * (time.perf_counter() - started))
    return float(np.median(taken)) if taken else np.nan


def _rank_rows(system: System, texts: Sequence[str], components: Sequence[Rankings], rows: Ids) -> Rankings:
    """Let a system rank some of the queries."""
    parts = [Rankings(part.codes[rows], part.scores[rows], part.aliases[rows]) for part in components]
    return system.rank([texts[row] for row in rows], parts)
