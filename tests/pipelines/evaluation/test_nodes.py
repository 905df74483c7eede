"""The nodes of the evaluation pipeline, one by one and all together with a file of real mentions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codisearch.pipelines.evaluation import create_pipeline, nodes
from codisearch.pipelines.evaluation.params import EvaluationParams
from codisearch.pipelines.evaluation.summary import METRIC_COLUMNS
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.schemas import QUERIES

SYSTEMS = ["bm25", "base_encoder", "generalist", "bi_encoder", "two_stage"]
GOLD = """query\tcode\tlanguage
High blood pressure\tI10\ten
asthma\tJ45\ten
hipertensión arterial\ti10\t
hipertensión arterial\tE11.9\tes
fractura\tS52.501A\tes
"""


def params_of(**values: Any) -> EvaluationParams:
    """Return parameters of a short evaluation."""
    base = {"systems": SYSTEMS, "encoders": {"generalist": {}}, "depth": 10, "bootstrap": {"resamples": 20}}
    return EvaluationParams.model_validate({**base, **values})


def pairs_of(*rows: tuple[str, str, str, str, str, str, bool]) -> pd.DataFrame:
    """Return pairs of id, query, code, language, style, split and seen."""
    columns = ["pair_id", "query", "code", "language", "style", "split", "seen"]
    return pd.DataFrame(rows, columns=columns)


def test_pipeline() -> None:
    """The pipeline ends in the report, the tables and the runs that tracking shows."""
    ends = {"report_html", "system_runs", "recall_table", "recall_curve_figure"}
    assert ends <= create_pipeline().outputs()


def test_collect_queries(tiny_code_set: pd.DataFrame) -> None:
    """Test pairs of one text and language are one query with all its codes, seen if one of them is."""
    pairs = pairs_of(
        ("p3", "sucre", "E11.9", "ca", "lay", "test", False),
        ("p1", "sucre", "E10.9", "ca", "lay", "test", True),
        ("p2", "sucre", "E10.9", "fr", "lay", "test", False),
        ("p4", "Diabetis", "E11.9", "ca", "title", "test", True),
        ("p5", "HTA", "I10", "ca", "shorthand", "train", True),
        ("p6", "pit", "R07.9", "ca", "formal", "validation", True),
    )
    queries, gold, facts = nodes.collect_queries(pairs, tiny_code_set, params_of())
    QUERIES.validate(queries)
    assert queries.to_dict("records") == [
        {
            "query_id": "p1",
            "query": "sucre",
            "language": "ca",
            "style": "lay",
            "seen": True,
            "codes": ["E10.9", "E11.9"],
        },
        {
            "query_id": "p2",
            "query": "sucre",
            "language": "fr",
            "style": "lay",
            "seen": False,
            "codes": ["E10.9"],
        },
    ]
    assert gold.empty
    assert list(gold.columns) == list(queries.columns)
    assert facts == {}


def test_limit_is_even_over_languages(tiny_code_set: pd.DataFrame) -> None:
    """A limit takes the same number of each language, in the order of their ids."""
    rows = [
        (f"p{number:02}", f"q{number}", "I10", language, "lay", "test", True)
        for number, language in enumerate(["es"] * 10 + ["en"] * 2 + ["it"] * 5)
    ]
    queries, _, _ = nodes.collect_queries(pairs_of(*rows), tiny_code_set, params_of(queries=6))
    assert queries["language"].value_counts().to_dict() == {"es": 2, "en": 2, "it": 2}
    assert queries["query_id"].is_monotonic_increasing
    again, _, _ = nodes.collect_queries(pairs_of(*rows), tiny_code_set, params_of(queries=6))
    pd.testing.assert_frame_equal(queries, again)


def test_system_that_ranked_nothing(queries: pd.DataFrame, rankings: pd.DataFrame) -> None:
    """A system without any ranking misses every query instead of failing the run."""
    params = params_of(systems=["bm25", "two_stage"])
    only = rankings[rankings["system"] == "two_stage"]
    _, means, _ = nodes.measure(queries, only, params)
    overall = means[(means["metric"] == "mrr") & (means["level"] == "code")]
    overall = overall[(overall[["language", "style", "seen"]] == "all").all(axis=1)].set_index("system")[
        "value"
    ]
    assert overall["bm25"] == 0.0
    assert overall["two_stage"] == pytest.approx((1 + 1 + 1 / 8 + 1) / 4)
    gold = nodes.measure_gold(queries, only.head(0), params)
    assert (gold["value"] == 0.0).all()


def test_measure(queries: pd.DataFrame, rankings: pd.DataFrame) -> None:
    """Systems come in the order of the parameters, others are left out, and the learning gain is relative.

    MRR of the base encoder is (1/2 + 0 + 0 + 1/2) / 4 = 1/4, of the bi-encoder (1 + 1/2 + 0 + 1/2) / 4 = 1/2.
    """
    params = params_of(systems=["bi_encoder", "base_encoder"])
    per_query, means, comparisons = nodes.measure(queries, rankings, params)
    assert set(per_query["system"]) == {"bi_encoder", "base_encoder"}
    assert list(dict.fromkeys(means["system"])) == ["bi_encoder", "base_encoder"]
    gain = comparisons.set_index(["comparison", "language"]).loc[("learning_gain", "all")]
    assert gain["change"] == pytest.approx(1.0)


def test_no_gold(queries: pd.DataFrame) -> None:
    """Without real mentions there is a table without rows, which a CSV file can hold."""
    gold = nodes.measure_gold(queries.head(0), pd.DataFrame(), params_of())
    assert gold.empty
    assert list(gold.columns) == list(METRIC_COLUMNS)


def test_tabulate(metrics: pd.DataFrame) -> None:
    """The table that a person opens has a row per system and a column per language."""
    table = nodes.tabulate(metrics)
    assert list(table.columns) == ["system", "en", "es", "all"]
    rows = table.set_index("system")
    assert rows.loc["two_stage"].tolist() == [1.0, 0.5, 0.75]
    assert rows.loc["bm25"].tolist() == [0.0, 0.5, 0.25]


@dataclass(frozen=True)
class Evaluated:
    """What all nodes made of a file of mentions."""

    queries: pd.DataFrame
    gold_queries: pd.DataFrame
    gold_facts: dict[str, Any]
    rankings: pd.DataFrame
    gold_rankings: pd.DataFrame
    gold_metrics: pd.DataFrame
    figures: dict[str, Any]
    html: str
    markdown: str
    runs: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def evaluated(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_pairs: pd.DataFrame,
    tiny_code_set: pd.DataFrame,
    small_bundle: Bundle,
    embedding_cache: EmbeddingCache,
    tiny_encoder: Path,
) -> Evaluated:
    """Run the nodes in turn on three test queries and a small TSV of mentions."""
    path = tmp_path_factory.mktemp("gold") / "mentions.tsv"
    path.write_text(GOLD, encoding="utf-8")
    params = params_of(
        gold=str(path), encoders={"generalist": {"source": str(tiny_encoder), "kind": "static"}}, examples=2
    )
    pairs = tiny_pairs.assign(split=tiny_pairs["split"].replace("validation", "test"))
    queries, gold_queries, facts = nodes.collect_queries(pairs, tiny_code_set, params)
    rankings, gold_rankings, seconds = nodes.rank_queries(
        queries, gold_queries, small_bundle, embedding_cache, params
    )
    per_query, means, comparisons = nodes.measure(queries, rankings, params)
    gold_metrics = nodes.measure_gold(gold_queries, gold_rankings, params)
    history = pd.DataFrame({"step": [1, 2], "metric": "loss", "value": [2.0, 1.0], "candidate": "static"})
    candidates = pd.DataFrame({"encoder": ["static"], "recall@5": [0.5], "mrr": [0.4], "seconds": [3.0]})
    fusion = pd.DataFrame(
        {
            "language": ["all", "all"],
            "recall@5": [0.5, 0.6],
            "mrr": [0.4, 0.45],
            "depth": [0, 12],
            "weight": [0.0, 40.0],
            "allowed": True,
            "chosen": [False, True],
        }
    )
    figures, *_ = nodes.draw(means, history, history.assign(candidate="cross_encoder"), candidates)
    html, markdown = nodes.write_report(
        means,
        comparisons,
        figures,
        per_query,
        rankings,
        queries,
        tiny_code_set,
        candidates,
        fusion,
        {"leakage": {"test_queries": 4}},
        gold_metrics,
        facts,
        seconds,
        pd.DataFrame(),
        params,
    )
    runs = nodes.describe_systems(means, comparisons, gold_metrics, small_bundle, markdown, params)
    return Evaluated(
        queries, gold_queries, facts, rankings, gold_rankings, gold_metrics, figures, html, markdown, runs
    )


def test_gold_queries(evaluated: Evaluated) -> None:
    """Mentions become queries, rows without a language are Spanish, and what could not be used is counted."""
    QUERIES.validate(evaluated.gold_queries)
    rows = evaluated.gold_queries[["query", "language", "seen", "codes"]].to_numpy().tolist()
    assert rows == [
        ["High blood pressure", "en", True, ["I10"]],
        ["asthma", "en", True, ["J45"]],
        ["hipertensión arterial", "es", True, ["I10", "E11.9"]],
    ]
    assert evaluated.gold_facts == {"rows": 5, "queries": 3, "left out": {"code not in the code set": 1}}


def test_rankings_are_kept_apart(evaluated: Evaluated) -> None:
    """Test queries and mentions are ranked together and told apart again."""
    assert set(evaluated.rankings["query_id"]) == set(evaluated.queries["query_id"])
    assert set(evaluated.gold_rankings["query_id"]) == set(evaluated.gold_queries["query_id"])
    assert list(dict.fromkeys(evaluated.gold_rankings["system"])) == SYSTEMS


def test_gold_metrics(evaluated: Evaluated) -> None:
    """BM25 finds all three mentions: two stand as aliases, and a longer code answers J45."""
    rows = evaluated.gold_metrics
    rows = rows[(rows["system"] == "bm25") & (rows["metric"] == "recall@5") & (rows["level"] == "code")]
    values = rows[(rows["style"] == "all") & (rows["seen"] == "all")].set_index("language")["value"]
    assert values.to_dict() == {"all": 1.0, "en": 1.0, "es": 1.0}


def test_figures(evaluated: Evaluated) -> None:
    """Histories of both stages are in one figure, the candidates in another."""
    assert {"recall_by_language", "recall_curve", "seen_unseen", "training_history"} <= set(evaluated.figures)
    names = [trace.name for trace in evaluated.figures["training_history"].data]
    assert any("static" in name for name in names)
    assert any("cross_encoder" in name for name in names)


def test_report(evaluated: Evaluated) -> None:
    """Both forms of the report name every system, the fusion, the mentions and the release."""
    for text in (evaluated.html, evaluated.markdown):
        for expected in (*SYSTEMS, "tiny", "code not in the code set"):
            assert expected in text, expected


def test_runs(evaluated: Evaluated, small_bundle: Bundle, tiny_encoder: Path) -> None:
    """Tracking gets what each system is made of, and only that."""
    runs = evaluated.runs
    assert list(runs) == SYSTEMS
    assert set(runs["bm25"]["params"]) == {"release", "codes", "aliases", "alias_sources"}
    assert runs["bm25"]["params"]["codes"] == 13
    assert runs["generalist"]["params"]["encoder.kind"] == "static"
    base, tuned, both = (runs[name]["params"] for name in ("base_encoder", "bi_encoder", "two_stage"))
    assert base["encoder.source"] == str(tiny_encoder)
    assert not any(name.startswith("training.") for name in base)
    assert (tuned["training.epochs"], tuned["training.fingerprint"]) == (2, "e" * 16)
    assert not any(name.startswith(("reranker.", "fusion.")) for name in tuned)
    assert (both["reranker.training.epochs"], both["fusion.depth"]) == (1, 12)
    assert all(run["texts"] == {"report.md": evaluated.markdown} for run in runs.values())


def test_metrics_of_runs(evaluated: Evaluated) -> None:
    """A run has its measures by language, those on mentions, and what it gains over an earlier system."""
    metrics = {name: run["metrics"] for name, run in evaluated.runs.items()}
    for name in SYSTEMS:
        assert {"mrr.all", "recall_at_5.es", "recall_at_5.fr", "gold.recall_at_5.es"} <= set(metrics[name])
    assert metrics["bi_encoder"]["learning_gain.all"] == pytest.approx(0.0)  # the very same weights
    assert "rise_from_generalist.all" in metrics["bi_encoder"]
    assert "reranking.all" in metrics["two_stage"]
    assert not any(name.startswith("learning_gain") for name in metrics["two_stage"])
