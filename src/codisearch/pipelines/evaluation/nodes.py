"""The nodes of the evaluation pipeline."""

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from codisearch.pipelines.evaluation import gain, metrics, summary
from codisearch.pipelines.evaluation.examples import select_examples
from codisearch.pipelines.evaluation.figures import draw_figures
from codisearch.pipelines.evaluation.gold import read_gold
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.pipelines.evaluation.ranking import SystemRanker
from codisearch.pipelines.evaluation.report import build_report
from codisearch.pipelines.evaluation.report_inputs import ReportInputs
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.trained import TrainedModel

logger = logging.getLogger(__name__)

_QUERY_COLUMNS = ["query_id", "query", "language", "style", "seen", "codes"]


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
    gold = read_gold(params.gold, set(code_set["code"]), training, params.gold_language)
    logger.info("Real mentions: %d queries; left out: %s", len(gold.queries), gold.skipped or "none")
    return (
        queries,
        gold.queries,
        {"rows": gold.rows, "queries": len(gold.queries), "left out": dict(gold.skipped)},
    )


def rank_queries(
    queries: pd.DataFrame,
    gold_queries: pd.DataFrame,
    bundle: Bundle,
    embedding_cache: EmbeddingCache,
    params: EvaluationParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return every system's rankings of test queries, those of real mentions, and the seconds of each."""
    together = pd.concat([queries, gold_queries], ignore_index=True) if len(gold_queries) else queries
    rankings, times = SystemRanker(bundle, embedding_cache, params).rank_all(together)
    is_gold = rankings["query_id"].isin(gold_queries["query_id"])
    return rankings[~is_gold].reset_index(drop=True), rankings[is_gold].reset_index(drop=True), times


def measure(
    queries: pd.DataFrame, rankings: pd.DataFrame, params: EvaluationParams
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the scores per query, the means with intervals of every slice, and comparisons of systems."""
    per_query = metrics.score_queries(queries, rankings, systems=params.systems, depth=params.depth)
    means = summary.summarise(per_query, queries, params.systems, params.bootstrap)
    return per_query, means, gain.compare_systems(per_query, queries, params.bootstrap).frame


def measure_gold(
    gold_queries: pd.DataFrame, gold_rankings: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Return the means with intervals on real mentions; without a gold file, no rows."""
    if gold_queries.empty:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in summary.METRIC_COLUMNS})
    per_query = metrics.score_queries(
        gold_queries,
        gold_rankings,
        match=params.gold_match,
        systems=params.systems,
        depth=params.depth,
    )
    return summary.summarise(per_query, gold_queries, params.systems, params.bootstrap)


def tabulate(means: pd.DataFrame) -> pd.DataFrame:
    """Return recall@5 as a table of systems by language, for a person to open."""
    return summary.metrics_table(means)


def draw(
    means: pd.DataFrame,
    bi_encoder_history: pd.DataFrame,
    cross_encoder_history: pd.DataFrame,
    encoder_candidates: pd.DataFrame,
) -> tuple[dict[str, go.Figure], go.Figure, go.Figure, go.Figure]:
    """Return all figures by name, and three of them apart for Kedro-Viz."""
    history = pd.concat([bi_encoder_history, cross_encoder_history], ignore_index=True)
    figures = draw_figures(means, history.rename(columns={"candidate": "model"}), encoder_candidates)
    return figures, figures["recall_by_language"], figures["recall_curve"], figures["seen_unseen"]


def write_report(
    means: pd.DataFrame,
    comparisons: pd.DataFrame,
    figures: Mapping[str, go.Figure],
    per_query: pd.DataFrame,
    rankings: pd.DataFrame,
    queries: pd.DataFrame,
    code_set: pd.DataFrame,
    encoder_candidates: pd.DataFrame,
    fusion_choice: pd.DataFrame,
    leakage_report: dict[str, Any],
    gold_metrics: pd.DataFrame,
    gold_facts: dict[str, Any],
    system_seconds: pd.DataFrame,
    learning_curve: pd.DataFrame,
    params: EvaluationParams,
) -> tuple[str, str]:
    """Return the report as HTML and as Markdown."""
    chosen = fusion_choice[fusion_choice["chosen"]]
    best = summary.best_system(means)
    report = build_report(
        ReportInputs(
            metrics=means,
            figures=figures,
            comparisons=gain.Comparisons(comparisons),
            candidates=encoder_candidates,
            fusion={"depth": int(chosen["depth"].iloc[0]), "weight": float(chosen["weight"].iloc[0])},
            fusion_validation=chosen.drop(columns=["depth", "weight", "allowed", "chosen"]),
            leakage=leakage_report,
            examples=select_examples(
                queries,
                rankings,
                per_query,
                dict(zip(code_set["code"], code_set["title"], strict=True)),
                system=best,
                count=params.examples,
                seed=params.bootstrap.seed,
            ),
            gold_metrics=gold_metrics if len(gold_metrics) else None,
            gold_facts=gold_facts or None,
            learning_curve=learning_curve,
            run_facts={
                "release": str(code_set["release"].iloc[0]),
                "codes": len(code_set),
                "test queries": len(queries),
                "seconds to rank": dict(
                    zip(system_seconds["system"], system_seconds["seconds"], strict=True)
                ),
            },
        )
    )
    return report.html, report.markdown


def describe_systems(
    means: pd.DataFrame,
    comparisons: pd.DataFrame,
    gold_metrics: pd.DataFrame,
    bundle: Bundle,
    report: str,
    params: EvaluationParams,
) -> dict[str, dict[str, Any]]:
    """Return what tracking shows of each system: `params`, `metrics`, `texts`."""
    shared = {
        "release": bundle.manifest.release,
        "codes": bundle.manifest.codes,
        "aliases": bundle.manifest.aliases,
        "alias_sources": ",".join(bundle.manifest.alias_sources),
    }
    gains = gain.Comparisons(comparisons)
    return {
        name: {
            "params": {**shared, **_params_of(name, bundle, params)},
            "metrics": {
                **summary.as_mlflow_metrics(means, name),
                **_gains_of(name, gains.frame),
                **_gold_of(name, gold_metrics),
            },
            "texts": {"report.md": report},
        }
        for name in params.systems
    }


def _params_of(name: str, bundle: Bundle, params: EvaluationParams) -> dict[str, Any]:
    if name in params.encoders:
        return {f"encoder.{key}": value for key, value in params.encoders[name].model_dump().items()}
    facts = (
        _model_params(bundle.encoder, "encoder")
        if name in {"base_encoder", "bi_encoder", "two_stage"}
        else {}
    )
    if name == "base_encoder":
        return {key: value for key, value in facts.items() if key.startswith("encoder.")}
    if name == "two_stage":
        facts |= {
            f"reranker.{key}": value for key, value in _model_params(bundle.reranker, "encoder").items()
        }
        facts |= {f"fusion.{key}": value for key, value in bundle.manifest.fusion.model_dump().items()}
    return facts


def _model_params(trained: TrainedModel, prefix: str) -> dict[str, Any]:
    training = {f"training.{key}": value for key, value in trained.facts["training"].items()}
    return {
        **{f"{prefix}.{key}": value for key, value in trained.facts["encoder"].items()},
        **training,
        "training.fingerprint": trained.fingerprint,
        "training.seconds": trained.facts["seconds"],
    }


def _gains_of(name: str, comparisons: pd.DataFrame) -> dict[str, float]:
    """Return the comparisons whose later system is `name`, by language."""
    rows = comparisons[comparisons["after_system"] == name]
    return {
        f"{row['comparison']}.{row['language']}": float(row["change"])
        for _, row in rows.iterrows()
        if pd.notna(row["change"])
    }


def _gold_of(name: str, gold_metrics: pd.DataFrame) -> dict[str, float]:
    if gold_metrics.empty:
        return {}
    return {f"gold.{key}": value for key, value in summary.as_mlflow_metrics(gold_metrics, name).items()}
