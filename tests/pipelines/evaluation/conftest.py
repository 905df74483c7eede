"""A small evaluation whose numbers can be worked out by hand."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.metrics import score_queries
from codisearch.pipelines.evaluation.summary import summarise

SYSTEMS = ("bm25", "base_encoder", "generalist", "bi_encoder", "two_stage")
RIGHT_RANKS = {  # of the queries q0 to q3 in each system, 0 for a miss
    "bm25": (0, 0, 0, 1),
    "base_encoder": (2, 0, 0, 2),
    "generalist": (1, 0, 4, 0),
    "bi_encoder": (1, 2, 0, 2),
    "two_stage": (1, 1, 8, 1),
}


@pytest.fixture(scope="module")
def queries() -> pd.DataFrame:
    """Return two English and two Spanish queries for three codes, one of them unseen."""
    return pd.DataFrame(
        {
            "query_id": ["q0", "q1", "q2", "q3"],
            "query": ["high blood pressure", "sugar | diabetes", "tensión alta", "<b>fiebre</b>"],
            "language": ["en", "en", "es", "es"],
            "style": ["lay", "formal", "lay", "lay"],
            "seen": [True, True, True, False],
            "codes": [["I10"], ["E11.9"], ["I10"], ["R50.9"]],
        }
    )


@pytest.fixture(scope="module")
def rankings(queries: pd.DataFrame) -> pd.DataFrame:
    """Return ten codes per query and system, the right one where `RIGHT_RANKS` says."""
    rows = []
    for system, ranks in RIGHT_RANKS.items():
        for query, codes, right in zip(queries["query_id"], queries["codes"], ranks, strict=True):
            for rank in range(1, 11):
                code = codes[0] if rank == right else f"Z{rank:02d}.0"
                rows.append((system, query, rank, code, 1.0 / rank))
    return pd.DataFrame(rows, columns=["system", "query_id", "rank", "code", "score"])


@pytest.fixture(scope="module")
def per_query(queries: pd.DataFrame, rankings: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of every query."""
    return score_queries(queries, rankings)


@pytest.fixture(scope="module")
def bootstrap() -> BootstrapParams:
    """Return a short bootstrap."""
    return BootstrapParams(resamples=200, seed=1)


@pytest.fixture(scope="module")
def metrics(per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams) -> pd.DataFrame:
    """Return the summary of all systems."""
    return summarise(per_query, queries, SYSTEMS, bootstrap)
