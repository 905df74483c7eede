"""What tracking shows of an evaluation: a record of the run, and one of each system beneath it."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from codisearch.pipelines.evaluation.measures import summary
from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.trained import TrainedModel

Record = dict[str, dict[str, Any]]

_LISTED_CUTOFFS: Final = "recall@"
_LOGGED_MEASURES: Final = ("ece", "brier", "overconfidence")
_PREFIXES: Final = {"test": "", "mentions": "gold."}


def describe_evaluation(
    means: pd.DataFrame,
    slice_metrics: pd.DataFrame,
    system_pairs: pd.DataFrame,
    comparisons: pd.DataFrame,
    rank_transitions: pd.DataFrame,
    calibration: pd.DataFrame,
    gold: Mapping[str, Any],
    confidence: ConfidenceTables,
    systems: pd.DataFrame,
    learning_curve: pd.DataFrame,
    figures: Mapping[str, go.Figure],
    facts: Mapping[str, Any],
    params: EvaluationParams,
) -> Record:
    """Return the record of the run: parameters, digests and counts, all tables, and all figures.

    The texts of real mentions are in none of them. The page that shows the figures is `report.html`.
    """
    tables = {
        "metrics": means,
        "slice_metrics": slice_metrics,
        "system_pairs": system_pairs,
        "comparisons": comparisons,
        "rank_transitions": rank_transitions,
        "calibration": calibration,
        "confidence_quality": confidence.quality,
        "reliability": confidence.reliability,
        "coverage": confidence.coverage,
        "promises": confidence.promises,
        "systems": systems,
        "learning_curve": learning_curve,
        **{f"gold_{name}": gold[name] for name in ("metrics", "slices", "pairs")},
    }
    filled = {name: table for name, table in tables.items() if table is not None and len(table)}
    return {
        "params": {**_flat("evaluation", params.model_dump()), **_flat("data", facts), **_origin_of(gold)},
        "metrics": {"test_queries": float(facts["test queries"]), **_confidence_of(confidence)},
        "tables": {f"tables/{name}.csv": table for name, table in filled.items()},
        "figures": {f"figures/{name}.json": figure for name, figure in figures.items()},
    }


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested values under their paths, which MLflow compares side by side."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix}.{str(name).replace(' ', '_')}"
        flat |= _flat(path, value) if isinstance(value, Mapping) and value else {path: value}
    return flat


def _confidence_of(confidence: ConfidenceTables) -> dict[str, float]:
    """Return what is logged of the probabilities: `ece.es`, `brier.unseen`, `coverage_at_precision_80`.

    `reached_at_precision_80` is the precision that is reached. What is of real mentions begins with `gold.`.
    """
    flat = {}
    for row in confidence.quality.to_dict("records"):
        if row["measure"] in _LOGGED_MEASURES:
            part = row["language"] if row["seen"] == summary.ALL else row["seen"]
            flat[f"{_PREFIXES[row['query_set']]}{row['measure']}.{part}"] = row["value"]
    for row in confidence.promises.to_dict("records"):
        if row["language"] == row["seen"] == summary.ALL:
            ending = f"at_precision_{100 * row['asked']:.0f}"
            flat[f"{_PREFIXES[row['query_set']]}coverage_{ending}"] = row["coverage"]
            flat[f"{_PREFIXES[row['query_set']]}reached_{ending}"] = row["precision"]
    return {name: float(value) for name, value in flat.items() if pd.notna(value)}


def _origin_of(gold: Mapping[str, Any]) -> dict[str, Any]:
    """Return which file of real mentions the metrics that begin with `gold.` are of."""
    facts = gold["facts"] or {}
    return {
        f"gold.{name}": facts[name]
        for name in ("file", "sha256", "matching", "rows", "queries")
        if name in facts
    }


def describe_systems(
    means: pd.DataFrame,
    comparisons: pd.DataFrame,
    gold_metrics: pd.DataFrame,
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    systems: pd.DataFrame,
    bundle: Bundle,
    params: EvaluationParams,
) -> dict[str, Record]:
    """Return the record of each system that ran; `codisearch compare` reads their rankings again."""
    shared = {
        "release": bundle.manifest.release,
        "codes": bundle.manifest.codes,
        "aliases": bundle.manifest.aliases,
        "alias_sources": ",".join(bundle.manifest.alias_sources),
        "depth": params.depth,
    }
    costs = systems.set_index("system")
    return {
        name: {
            "params": {**shared, **params_of(name, bundle, params)},
            "metrics": {
                **summary.as_mlflow_metrics(means, name),
                **_gains_of(name, comparisons),
                **_gold_of(name, gold_metrics),
                "seconds": float(costs.loc[name, "seconds"]),
                "ms_per_query": float(costs.loc[name, "ms_per_query"]),
            },
            "histories": _curves_of(name, means),
            "tables": {
                "rankings/rankings.parquet": rankings.loc[rankings["system"] == name],
                "rankings/queries.parquet": queries,
            },
        }
        for name in dict.fromkeys(means["system"])
    }


def params_of(name: str, bundle: Bundle, params: EvaluationParams) -> dict[str, Any]:
    """Return what a system was made with; of a fusion or reranker also what it reads."""
    if name in params.encoders:
        return {f"encoder.{key}": value for key, value in params.encoders[name].model_dump().items()}
    if name in params.fusions:
        return {f"fusion.{key}": value for key, value in params.fusions[name].model_dump().items()}
    if name in params.rerankers:
        return {f"reranker.{key}": value for key, value in params.rerankers[name].model_dump().items()}
    if name not in {"base_encoder", "bi_encoder", "two_stage", "search"}:
        return {}
    facts = _model_params(bundle.encoder, "encoder")
    if name == "base_encoder":
        return {key: value for key, value in facts.items() if key.startswith("encoder.")}
    if name in {"two_stage", "search"}:
        facts |= {
            f"reranker.{key}": value for key, value in _model_params(bundle.reranker, "encoder").items()
        }
        facts |= {f"fusion.{key}": value for key, value in bundle.manifest.fusion.model_dump().items()}
    if name == "search":
        model = bundle.confidence.two_stage
        facts |= {
            f"confidence.{feature}": weight
            for feature, weight in zip(model.features, model.weights, strict=True)
        }
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


def _curves_of(name: str, means: pd.DataFrame) -> dict[str, list[dict[str, float]]]:
    """Return recall over the number of codes that one looks at, k as the step: a chart that runs share."""
    rows = summary.select_metrics(means.loc[means["system"] == name])
    rows = rows.loc[rows["metric"].str.startswith(_LISTED_CUTOFFS)]
    steps = rows["metric"].str.removeprefix(_LISTED_CUTOFFS).astype(int)
    curves: dict[str, list[dict[str, float]]] = {}
    for language, step, value in sorted(zip(rows["language"], steps, rows["value"], strict=True)):
        curves.setdefault(f"recall_curve.{language}", []).append({"step": step, "value": float(value)})
    return curves
