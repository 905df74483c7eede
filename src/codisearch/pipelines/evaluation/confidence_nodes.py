"""The nodes that measure the probabilities of the bundle, and when it says "I do not know"."""

from collections.abc import Callable
from typing import Final

import pandas as pd

from codisearch.pipelines.evaluation.measures import confidence as measures
from codisearch.pipelines.evaluation.measures.bootstrap import cluster_queries
from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables, QuerySet
from codisearch.pipelines.evaluation.measures.metrics import Match, score_queries
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.retrieval.bundle import Bundle

_SYSTEM: Final = "bundle"


def answer_queries(
    queries: pd.DataFrame, gold_queries: pd.DataFrame, bundle: Bundle, params: EvaluationParams
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the first answers to test queries and to real mentions, and the thresholds of the bundle.

    The language of a query is told to the bundle, as by a user who chooses one. A first answer to a mention
    is right as `gold_match` says, to a test query where it is one of its very codes.

    Returns:
        Twice the columns `ANSWER_COLUMNS`, a row per query, with the probability 0 where it has no answer;
        and `asked` precision with its `threshold`, a probability.
    """
    precisions = measures.ASKED_PRECISIONS
    thresholds = [float(bundle.confidence.threshold(precision)) for precision in precisions]
    return (
        _first_answers(queries, bundle, "exact"),
        _first_answers(gold_queries, bundle, params.gold_match),
        pd.DataFrame({"asked": precisions, "threshold": thresholds}),
    )


def _first_answers(queries: pd.DataFrame, bundle: Bundle, match: Match) -> pd.DataFrame:
    """Return the first answer of the bundle to each query, and whether it is right."""
    if queries.empty:
        return pd.DataFrame(columns=list(measures.ANSWER_COLUMNS), dtype="str")
    found = bundle.answer(queries["query"].tolist(), queries["language"].tolist())
    first = found.rankings.head(1)
    ids = queries["query_id"].tolist()
    scores = score_queries(
        queries,
        first.to_frame(_SYSTEM, ids, bundle.codes["code"].tolist()),
        cutoffs=(1,),
        match=match,
        levels=("code",),
        systems=(_SYSTEM,),
    )
    return pd.DataFrame(
        {
            "query_id": ids,
            "language": queries["language"].tolist(),
            "seen": queries["seen"].to_numpy(dtype=bool),
            "probability": found.probabilities[:, 0].astype(float),
            "right": scores["recall@1"].to_numpy() > 0,
            "cluster": cluster_queries(queries),
        }
    )


def examine_confidence(
    first_answers: pd.DataFrame,
    gold_first_answers: pd.DataFrame,
    thresholds: pd.DataFrame,
    params: EvaluationParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the tables of `ConfidenceTables` in order, each of the test queries and of the real mentions."""
    sets: dict[QuerySet, pd.DataFrame] = {"test": first_answers, "mentions": gold_first_answers}
    asked = dict(zip(thresholds["asked"], thresholds["threshold"], strict=True))
    bootstrap = params.bootstrap
    return (
        _of_each(sets, lambda answers: measures.measure_quality(answers, bootstrap)),
        _of_each(sets, lambda answers: measures.measure_reliability(answers, bootstrap)),
        _of_each(sets, measures.measure_coverage),
        _of_each(sets, lambda answers: measures.measure_promises(answers, asked, bootstrap)),
    )


def _of_each(
    sets: dict[QuerySet, pd.DataFrame], measure: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Return a measure of every set of queries in one table; without queries only its columns."""
    tables = [measure(answers).assign(query_set=name) for name, answers in sets.items()]
    table = pd.concat([one for one in tables if len(one)] or tables[:1], ignore_index=True)
    return table[["query_set", *table.columns.drop("query_set")]]


def bring_confidence_together(
    quality: pd.DataFrame, reliability: pd.DataFrame, coverage: pd.DataFrame, promises: pd.DataFrame
) -> ConfidenceTables:
    """Return all that is known of the probabilities under one name."""
    return ConfidenceTables(quality, reliability, coverage, promises)
