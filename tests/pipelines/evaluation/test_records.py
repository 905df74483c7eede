"""What tracking shows of an evaluation."""

from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from codisearch.pipelines.evaluation import records
from codisearch.pipelines.evaluation.measures.bootstrap import BootstrapParams
from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.measures.gain import compare_systems
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.evidence import FEATURES

SYSTEMS = ["bm25", "base_encoder", "generalist", "bi_encoder", "two_stage"]
FACTS = {"release": "tiny", "codes": 13, "test queries": 4, "digest of the pairs": "abc"}


@pytest.fixture(scope="module")
def params(tiny_encoder: Path) -> EvaluationParams:
    """Return parameters with a system of every kind."""
    return EvaluationParams.model_validate(
        {
            "systems": [*SYSTEMS, "hybrid", "reranked"],
            "encoders": {"generalist": {"source": str(tiny_encoder), "kind": "static"}},
            "fusions": {"hybrid": {"method": "weighted", "of": {"bm25": 0.3, "bi_encoder": 0.7}}},
            "rerankers": {"reranked": {"first": "bm25", "source": "a/b", "depth": 20}},
        }
    )


@pytest.fixture(scope="module")
def comparisons(per_query: pd.DataFrame, queries: pd.DataFrame, bootstrap: BootstrapParams) -> pd.DataFrame:
    """Return what training and reranking add."""
    return compare_systems(per_query, queries, bootstrap)


@pytest.fixture(scope="module")
def runs(
    metrics: pd.DataFrame,
    comparisons: pd.DataFrame,
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    systems: pd.DataFrame,
    small_bundle: Bundle,
    params: EvaluationParams,
) -> dict[str, dict[str, Any]]:
    """Return the records of the systems; real mentions came out as the test queries did."""
    return records.describe_systems(
        metrics, comparisons, metrics, queries, rankings, systems, small_bundle, params
    )


def describe(
    metrics: pd.DataFrame,
    systems: pd.DataFrame,
    confidence: ConfidenceTables | None = None,
    **tables: pd.DataFrame,
) -> dict[str, Any]:
    """Return the record of an evaluation with some of its tables."""
    names = (
        "slice_metrics",
        "system_pairs",
        "comparisons",
        "rank_transitions",
        "calibration",
        "learning_curve",
    )
    parts = {name: tables.get(name, pd.DataFrame()) for name in names}
    gold = {name: tables.get(f"gold_{name}") for name in ("metrics", "slices", "pairs")}
    facts = {"file": "mentions.tsv", "sha256": "ff", "queries": 4, "where to look": {"x": ["line 2"]}}
    return records.describe_evaluation(
        means=metrics,
        systems=systems,
        gold={**gold, "facts": facts if "gold_metrics" in tables else None},
        confidence=confidence or ConfidenceTables(*[pd.DataFrame()] * 4),
        figures={"latency": go.Figure()},
        facts=FACTS,
        params=EvaluationParams(systems=("bm25",), gold="mentions.tsv"),
        **parts,
    )


def test_record_of_the_evaluation(metrics: pd.DataFrame, pairs: pd.DataFrame, systems: pd.DataFrame) -> None:
    """It has the facts as params, the number of queries as a metric, and the tables that have rows."""
    record = describe(metrics, systems, system_pairs=pairs)
    assert set(record) == {"params", "metrics", "tables", "figures"}
    params = record["params"]
    assert {name: value for name, value in params.items() if name.startswith(("data.", "gold."))} == {
        "data.release": "tiny",
        "data.codes": 13,
        "data.test_queries": 4,
        "data.digest_of_the_pairs": "abc",
    }
    assert (params["evaluation.depth"], params["evaluation.bootstrap.resamples"]) == (50, 1000)
    assert record["metrics"] == {"test_queries": 4.0}
    assert set(record["tables"]) == {"tables/metrics.csv", "tables/system_pairs.csv", "tables/systems.csv"}
    assert record["tables"]["tables/metrics.csv"] is metrics
    assert set(record["figures"]) == {"figures/latency.json"}


def test_record_of_the_probabilities(
    metrics: pd.DataFrame, systems: pd.DataFrame, confidence: ConfidenceTables
) -> None:
    """How good they are by language and side, and what an asked precision gives, mentions under `gold.`."""
    record = describe(metrics, systems, confidence)
    found = record["metrics"]
    assert found["ece.all"] == found["ece.es"] == found["ece.seen"] == pytest.approx(0.175)
    assert found["brier.all"] == pytest.approx(0.245)
    assert found["gold.overconfidence.unseen"] == pytest.approx(0.35)
    assert found["coverage_at_precision_80"] == 0.5
    assert found["reached_at_precision_80"] == pytest.approx(0.75)
    assert found["gold.coverage_at_precision_80"] == 0.0
    assert "gold.reached_at_precision_80" not in found
    names = {"confidence_quality", "reliability", "coverage", "promises"}
    assert {f"tables/{name}.csv" for name in names} < set(record["tables"])


def test_record_holds_no_mention(
    metrics: pd.DataFrame,
    facets: pd.DataFrame,
    pairs: pd.DataFrame,
    comparisons: pd.DataFrame,
    systems: pd.DataFrame,
    queries: pd.DataFrame,
) -> None:
    """Where the queries are real mentions, their texts and ids are in no table, param or figure."""
    record = describe(
        metrics,
        systems,
        slice_metrics=facets,
        system_pairs=pairs,
        comparisons=comparisons,
        gold_metrics=metrics,
    )
    assert len(record["tables"]) == 6
    origin = {name: value for name, value in record["params"].items() if name.startswith("gold.")}
    assert origin == {"gold.file": "mentions.tsv", "gold.sha256": "ff", "gold.queries": 4}
    texts = [table.to_csv() for table in record["tables"].values()]
    texts += [figure.to_json() for figure in record["figures"].values()]
    texts.append(str(record["params"]))
    for secret in (*queries["query"], *queries["query_id"]):
        assert not any(secret in text for text in texts), secret
    columns = {name for table in record["tables"].values() for name in table.columns}
    assert not columns & {"query", "query_id", "gold"}


def test_a_record_for_each_system_that_ran(runs: dict[str, dict[str, Any]]) -> None:
    """The skipped system has none; each has params, metrics, curves and the tables that runs are read by."""
    assert list(runs) == SYSTEMS
    for run in runs.values():
        assert set(run) == {"params", "metrics", "histories", "tables"}
        assert set(run["tables"]) == {"rankings/rankings.parquet", "rankings/queries.parquet"}


def test_rankings_are_those_of_the_system(
    runs: dict[str, dict[str, Any]], queries: pd.DataFrame, rankings: pd.DataFrame
) -> None:
    """Each record has the rankings of its system alone, and the queries that they answer."""
    for name, run in runs.items():
        own = run["tables"]["rankings/rankings.parquet"]
        assert set(own["system"]) == {name}
        assert len(own) == len(rankings) / 5 == 40
        assert run["tables"]["rankings/queries.parquet"] is queries


def test_metrics_by_hand(runs: dict[str, dict[str, Any]]) -> None:
    """Measures by language, those on mentions, what is gained, and the costs."""
    tuned = runs["bi_encoder"]["metrics"]
    assert tuned["recall_at_5.all"] == tuned["gold.recall_at_5.all"] == 0.75
    assert tuned["recall_at_5.es"] == 0.5
    assert tuned["learning_gain.all"] == pytest.approx(1.0)
    assert tuned["learning_gain_in_recall.all"] == pytest.approx(0.5)
    assert tuned["rise_from_generalist.all"] == pytest.approx(0.6)
    assert (tuned["seconds"], tuned["ms_per_query"]) == (1.5, 8.0)
    assert runs["two_stage"]["metrics"]["reranking.all"] == 0.0
    assert not any(name.startswith("learning_gain") for name in runs["two_stage"]["metrics"])


def test_undefined_gains_are_not_logged(
    metrics: pd.DataFrame,
    comparisons: pd.DataFrame,
    queries: pd.DataFrame,
    rankings: pd.DataFrame,
    systems: pd.DataFrame,
    small_bundle: Bundle,
    params: EvaluationParams,
) -> None:
    """A rise from 0 is no number to compare; without mentions there are no measures of them."""
    undefined = comparisons.assign(change=float("nan"))
    found = records.describe_systems(
        metrics, undefined, metrics.head(0), queries, rankings, systems, small_bundle, params
    )
    for run in found.values():
        assert not any(name.startswith(("learning_gain", "gold.")) for name in run["metrics"])
        assert "recall_at_5.all" in run["metrics"]


def test_curves_of_recall(runs: dict[str, dict[str, Any]]) -> None:
    """Recall over k is a chart with k as its step, in order, for all and for each language."""
    curves = runs["two_stage"]["histories"]
    assert set(curves) == {"recall_curve.all", "recall_curve.en", "recall_curve.es"}
    assert curves["recall_curve.all"] == [
        {"step": 1, "value": 0.75},
        {"step": 3, "value": 0.75},
        {"step": 5, "value": 0.75},
        {"step": 10, "value": 1.0},
        {"step": 50, "value": 1.0},
    ]


def test_params_of_systems(runs: dict[str, dict[str, Any]], small_bundle: Bundle, tiny_encoder: Path) -> None:
    """A record says what its system is made of, and only that."""
    shared = {"release", "codes", "aliases", "alias_sources", "depth"}
    assert set(runs["bm25"]["params"]) == shared
    assert runs["bm25"]["params"]["codes"] == 13
    assert runs["bm25"]["params"]["aliases"] == len(small_bundle.aliases)
    assert runs["generalist"]["params"]["encoder.kind"] == "static"
    base, tuned, both = (runs[name]["params"] for name in ("base_encoder", "bi_encoder", "two_stage"))
    assert base["encoder.source"] == str(tiny_encoder)
    assert not any(name.startswith("training.") for name in base)
    assert (tuned["training.epochs"], tuned["training.fingerprint"]) == (2, "e" * 16)
    assert not any(name.startswith(("reranker.", "fusion.")) for name in tuned)
    assert (both["reranker.training.epochs"], both["fusion.depth"]) == (1, 12)


def test_params_of_search(small_bundle: Bundle, params: EvaluationParams) -> None:
    """Search says what `two_stage` says, and the weights of its evidence."""
    two_stage = records.params_of("two_stage", small_bundle, params)
    search = records.params_of("search", small_bundle, params)
    weights = {name: value for name, value in search.items() if name not in two_stage}
    assert set(weights) == {f"confidence.{name}" for name in FEATURES}
    assert weights["confidence.score"] == small_bundle.confidence.two_stage.weights[FEATURES.index("score")]


def test_params_of_fusions_and_rerankers(small_bundle: Bundle, params: EvaluationParams) -> None:
    """A fusion says what it weighs, a reranker what it reads; neither says anything of a training."""
    fusion = records.params_of("hybrid", small_bundle, params)
    assert fusion["fusion.method"] == "weighted"
    assert fusion["fusion.of"] == {"bm25": 0.3, "bi_encoder": 0.7}
    reranker = records.params_of("reranked", small_bundle, params)
    assert (reranker["reranker.first"], reranker["reranker.depth"]) == ("bm25", 20)
    assert not any("training" in name for name in (*fusion, *reranker))
