"""The nodes of the evaluation pipeline."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from codisearch.pipelines.evaluation.gold import read_gold
from codisearch.pipelines.evaluation.measures import facets, gain, metrics, summary, transitions
from codisearch.pipelines.evaluation.measures import pairs as pairs_of_systems
from codisearch.pipelines.evaluation.measures.calibration import measure_calibration
from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.pipelines.evaluation.ranking import SystemRanker
from codisearch.pipelines.evaluation.reporting.behaviour_figures import (
    draw_calibration,
    draw_latency,
    draw_rank_transitions,
)
from codisearch.pipelines.evaluation.reporting.confidence_figures import draw_confidence
from codisearch.pipelines.evaluation.reporting.examples import select_changes, select_examples
from codisearch.pipelines.evaluation.reporting.figures import draw_figures, draw_nothing
from codisearch.pipelines.evaluation.reporting.report import build_report
from codisearch.pipelines.evaluation.reporting.report_inputs import ReportInputs
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.trained import fingerprint_of_training

logger = logging.getLogger(__name__)

SHOWN: Final = (
    "recall_by_language",
    "recall_curve",
    "seen_unseen",
    "rank_transitions",
    "calibration",
    "latency",
    "reliability",
    "coverage",
)
"""Figures that stand in the catalog, each as `<name>_figure`."""

_QUERY_COLUMNS: Final = ["query_id", "query", "language", "style", "seen", "codes"]


def collect_queries(
    pairs: pd.DataFrame, code_set: pd.DataFrame, params: EvaluationParams
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Return the test queries and the real mentions (`schemas.QUERIES`), and how the mentions were read.

    A test query with several codes is one query with several relevant codes; it is `seen` if any of them is.
    """
    test = pairs[(pairs["split"] == "test") & (pairs["style"] != "title")].sort_values("pair_id")
    grouped = test.groupby(["language", "query"], sort=True).agg(
        query_id=("pair_id", "first"),
        style=("style", "first"),
        seen=("seen", "any"),
        codes=("code", lambda codes: sorted(set(codes))),
    )
    queries = grouped.reset_index()[_QUERY_COLUMNS].sort_values("query_id")
    if params.queries is not None and len(queries) > params.queries:
        turn = queries.sample(frac=1.0, random_state=params.bootstrap.seed).groupby("language").cumcount()
        queries = queries.loc[turn.sort_values(kind="stable").index[: params.queries]].sort_values("query_id")
    queries = queries.reset_index(drop=True)
    if params.gold is None:
        return queries, queries.head(0), {}
    training = set(pairs.loc[pairs["split"] == "train", "code"])
    gold = read_gold(
        params.gold,
        set(code_set["code"]),
        training,
        params.gold_language,
        encoding=params.gold_encoding,
        documents=params.gold_documents,
    )
    logger.info("Real mentions: %d queries; left out: %s", len(gold.queries), gold.skipped or "none")
    return queries, gold.queries, {"matching": params.gold_match, **gold.facts}


def rank_queries(
    queries: pd.DataFrame,
    gold_queries: pd.DataFrame,
    bundle: Bundle,
    embedding_cache: EmbeddingCache,
    params: EvaluationParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return every system's rankings of test queries, those of real mentions, and a table of the systems."""
    together = pd.concat([queries, gold_queries], ignore_index=True) if len(gold_queries) else queries
    rankings, systems = SystemRanker(bundle, embedding_cache, params).rank_all(together)
    is_gold = rankings["query_id"].isin(gold_queries["query_id"])
    return rankings[~is_gold].reset_index(drop=True), rankings[is_gold].reset_index(drop=True), systems


def systems_that_ran(systems: pd.DataFrame) -> list[str]:
    """Return the systems that were not skipped, in order."""
    return [str(name) for name in systems.loc[systems["skipped"].fillna("") == "", "system"]]


def score(
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    code_set: pd.DataFrame,
    systems: pd.DataFrame,
    params: EvaluationParams,
    match: metrics.Match = "exact",
) -> pd.DataFrame:
    """Return the scores of every query and system; a test query has its very code as its answer."""
    return metrics.score_queries(
        queries,
        rankings,
        codes=code_set["code"].tolist(),
        match=match,
        systems=systems_that_ran(systems),
        depth=params.depth,
    )


def score_gold(
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    code_set: pd.DataFrame,
    systems: pd.DataFrame,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Return the scores of every real mention and system, matched as the parameters say."""
    return score(queries, rankings, code_set, systems, params, match=params.gold_match)


def measure(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    code_set: pd.DataFrame,
    systems: pd.DataFrame,
    params: EvaluationParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return means with intervals of every slice and of every facet, and every pair of systems.

    Without queries, as where there is no file of real mentions, all three are tables without rows.
    """
    if queries.empty:
        columns = (summary.METRIC_COLUMNS, facets.FACET_COLUMNS, pairs_of_systems.PAIR_COLUMNS)
        means, parts, compared = (pd.DataFrame(columns=list(names), dtype="str") for names in columns)
        return means, parts, compared
    ran = systems_that_ran(systems)
    return (
        summary.summarise(per_query, queries, ran, params.bootstrap),
        facets.summarise_facets(per_query, queries, code_set, ran, params.bootstrap),
        pairs_of_systems.compare_pairs(per_query, queries, ran, params.bootstrap),
    )


def examine(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    systems: pd.DataFrame,
    params: EvaluationParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return what training and reranking add, the moves between ranks, and what scores mean."""
    return (
        gain.compare_systems(per_query, queries, params.bootstrap),
        transitions.count_transitions(per_query, queries),
        measure_calibration(per_query, queries, rankings, systems_that_ran(systems), params.bootstrap),
    )


def choose_examples(
    per_query: pd.DataFrame,
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    means: pd.DataFrame,
    code_set: pd.DataFrame,
    params: EvaluationParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return test queries with the best system's answers, and what reranking fixed and broke."""
    titles = dict(zip(code_set["code"], code_set["title"], strict=True))
    shared = {"count": params.examples, "seed": params.bootstrap.seed, "depth": params.depth}
    best = summary.best_system(means)
    return (
        select_examples(queries, rankings, per_query, titles, system=best, **shared),
        select_changes(queries, rankings, per_query, titles, gain.RERANKING, **shared),
    )


def collect_facts(
    pairs: pd.DataFrame,
    queries: pd.DataFrame,
    code_set: pd.DataFrame,
    bundle: Bundle,
    params: EvaluationParams,
) -> dict[str, Any]:
    """Return what the evaluation rests on: release, counts, and digests of data, prompts and models.

    Equal digests of the test queries mean that two runs can be compared query by query.
    """
    is_training = pairs["split"] == "train"
    written = pairs.loc[pairs["prompt_hash"] != "", ["source", "prompt_hash"]].drop_duplicates()
    return {
        "release": str(code_set["release"].iloc[0]),
        "codes": len(code_set),
        "aliases": bundle.manifest.aliases,
        "alias sources": dict(bundle.manifest.alias_sources),
        "training pairs": int(is_training.sum()),
        "training pairs by source": {
            str(name): int(count) for name, count in pairs.loc[is_training, "source"].value_counts().items()
        },
        "test queries": len(queries),
        "codes ranked for a query": params.depth,
        "digest of the pairs": fingerprint_of_training(pairs),
        "digest of the test queries": fingerprint_of_training(queries),
        "prompts": sorted(f"{source}: {prompt}" for source, prompt in written.itertuples(index=False)),
        "encoder": bundle.manifest.encoder,
        "reranker": bundle.manifest.reranker,
    }


def tabulate(means: pd.DataFrame) -> pd.DataFrame:
    """Return recall@5 as a table of systems by language, for a person to open."""
    return summary.metrics_table(means)


def draw(
    means: pd.DataFrame,
    bi_encoder_history: pd.DataFrame,
    cross_encoder_history: pd.DataFrame,
    encoder_candidates: pd.DataFrame,
    rank_transitions: pd.DataFrame,
    calibration: pd.DataFrame,
    systems: pd.DataFrame,
    confidence: ConfidenceTables,
) -> dict[str, go.Figure]:
    """Return all figures by name."""
    history = pd.concat([bi_encoder_history, cross_encoder_history], ignore_index=True)
    figures = draw_figures(means, history.rename(columns={"candidate": "model"}), encoder_candidates)
    if len(rank_transitions):
        figures["rank_transitions"] = draw_rank_transitions(rank_transitions)
    figures |= {"calibration": draw_calibration(calibration), "latency": draw_latency(means, systems)}
    return figures | draw_confidence(confidence)


def show_figures(figures: Mapping[str, go.Figure]) -> tuple[go.Figure, ...]:
    """Return the figures that stand in the catalog one by one, for Kedro-Viz; `SHOWN` names them.

    One that there was nothing to draw for is an empty figure that says so.
    """
    return tuple(figures.get(name) or draw_nothing(name) for name in SHOWN)


def write_report(
    means: pd.DataFrame,
    slice_metrics: pd.DataFrame,
    system_pairs: pd.DataFrame,
    comparisons: pd.DataFrame,
    rank_transitions: pd.DataFrame,
    figures: Mapping[str, go.Figure],
    examples: pd.DataFrame,
    reranking_changes: pd.DataFrame,
    systems: pd.DataFrame,
    encoder_candidates: pd.DataFrame,
    fusion_choice: pd.DataFrame,
    leakage_report: dict[str, Any],
    gold: dict[str, Any],
    confidence: ConfidenceTables,
    learning_curve: pd.DataFrame,
    facts: dict[str, Any],
) -> tuple[str, str]:
    """Return the report as HTML and as Markdown; `gold` is of `bring_gold_together`."""
    chosen = fusion_choice[fusion_choice["chosen"]]
    report = build_report(
        ReportInputs(
            metrics=means,
            facets=slice_metrics,
            pairs=system_pairs,
            comparisons=comparisons,
            transitions=rank_transitions,
            figures=figures,
            examples=examples,
            changes=reranking_changes,
            systems=systems,
            candidates=encoder_candidates,
            fusion={"depth": int(chosen["depth"].iloc[0]), "weight": float(chosen["weight"].iloc[0])},
            fusion_validation=chosen.drop(columns=["depth", "weight", "allowed", "chosen"]),
            leakage=leakage_report,
            gold_metrics=gold["metrics"],
            gold_facets=gold["slices"],
            gold_pairs=gold["pairs"],
            gold_facts=gold["facts"],
            confidence=confidence,
            learning_curve=learning_curve,
            run_facts=facts,
        )
    )
    return report.html, report.markdown


def bring_gold_together(
    gold_metrics: pd.DataFrame,
    gold_slice_metrics: pd.DataFrame,
    gold_pairs: pd.DataFrame,
    gold_facts: dict[str, Any],
) -> dict[str, Any]:
    """Return what is known of real mentions under one name; None for each part that there is not."""
    parts: dict[str, Any] = {
        "metrics": gold_metrics,
        "slices": gold_slice_metrics,
        "pairs": gold_pairs,
        "facts": gold_facts,
    }
    return {name: part if len(part) else None for name, part in parts.items()}
