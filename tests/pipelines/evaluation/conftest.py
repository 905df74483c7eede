"""A small evaluation whose numbers can be worked out by hand."""

import pandas as pd
import pytest

from codisearch.pipelines.evaluation import confidence_nodes
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.calibration import measure_calibration
from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.measures.facets import summarise_facets
from codisearch.pipelines.evaluation.measures.metrics import score_queries
from codisearch.pipelines.evaluation.measures.pairs import compare_pairs
from codisearch.pipelines.evaluation.measures.summary import summarise
from codisearch.pipelines.evaluation.measures.transitions import count_transitions
from codisearch.pipelines.evaluation.params import EvaluationParams

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
    return BootstrapParams(resamples=200, seed=1, permutations=200, telling_codes=1)


@pytest.fixture(scope="module")
def metrics(per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams) -> pd.DataFrame:
    """Return the summary of all systems."""
    return summarise(per_query, queries, SYSTEMS, bootstrap)


@pytest.fixture(scope="module")
def code_set() -> pd.DataFrame:
    """Return the codes of the queries, each of a chapter of its own, and codes that no query asks for."""
    rows = [
        ("I10", "Essential (primary) hypertension", "09"),
        ("E11.9", "Type 2 diabetes mellitus without complications", "04"),
        ("E10.9", "Type 1 diabetes mellitus without complications", "04"),
        ("J45", "Asthma", "10"),
        ("R50.9", "Fever, unspecified", "18"),
    ]
    frame = pd.DataFrame(rows, columns=["code", "title", "chapter"], dtype="str")
    return frame.assign(category=frame["code"].str[:3], release="tiny")


@pytest.fixture(scope="module")
def systems() -> pd.DataFrame:
    """Return the table of systems: the five that ran, and one whose model was not there."""
    rows = [(name, "encoder", 1.5, 4, 2.0**place, 0, "") for place, name in enumerate(SYSTEMS)]
    rows.append(("biolord", "encoder", float("nan"), 0, float("nan"), 0, "its model is not on this computer"))
    names = ["system", "kind", "seconds", "queries", "ms_per_query", "encoded", "skipped"]
    return pd.DataFrame(rows, columns=names).astype({"system": "str", "skipped": "str"})


@pytest.fixture(scope="module")
def facets(
    per_query: pd.DataFrame, queries: pd.DataFrame, code_set: pd.DataFrame, bootstrap: BootstrapParams
) -> pd.DataFrame:
    """Return the measures by chapter, code length and query length."""
    return summarise_facets(per_query, queries, code_set, list(SYSTEMS), bootstrap)


@pytest.fixture(scope="module")
def pairs(per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams) -> pd.DataFrame:
    """Return every pair of systems."""
    return compare_pairs(per_query, queries, SYSTEMS, bootstrap)


@pytest.fixture(scope="module")
def transitions(per_query: pd.DataFrame, queries: pd.DataFrame) -> pd.DataFrame:
    """Return the moves between ranks."""
    return count_transitions(per_query, queries)


@pytest.fixture(scope="module")
def calibration(
    per_query: pd.DataFrame, queries: pd.DataFrame, rankings: pd.DataFrame, bootstrap: BootstrapParams
) -> pd.DataFrame:
    """Return the share of right first answers over their score."""
    return measure_calibration(per_query, queries, rankings, SYSTEMS, bootstrap)


@pytest.fixture(scope="module")
def confidence() -> ConfidenceTables:
    """Return tables of forty test queries and twenty real mentions, each for a code of its own.

    Of the queries with .2 eight in twenty are right, of those with .9 fifteen; of the mentions, all with .5,
    three. The thresholds of the precisions .5 and .8 are .2 and .9.
    """
    columns = {"language": "es", "cluster": range(40)}
    rights = [True] * 8 + [False] * 12 + [True] * 15 + [False] * 5
    test = pd.DataFrame({"probability": [0.2] * 20 + [0.9] * 20, "right": rights, "seen": True, **columns})
    mentions = test.head(20).assign(probability=0.5, right=[True] * 3 + [False] * 17, seen=False)
    thresholds = pd.DataFrame({"asked": [0.5, 0.8], "threshold": [0.2, 0.9]})
    params = EvaluationParams(systems=("bm25",), bootstrap=BootstrapParams(resamples=400, telling_codes=2))
    tables = confidence_nodes.examine_confidence(test, mentions, thresholds, params)
    return confidence_nodes.bring_confidence_together(*tables)
