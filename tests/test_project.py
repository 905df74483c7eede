"""The project as its users run it: everything on a sample, in a folder of its own."""

import contextlib
import csv
import json
import os
import re
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import yaml
from kedro.pipeline import Node
from mlflow.entities import Run
from project_copy import ROOT, Project, copy_project, run
from pydantic import ValidationError

from codisearch.files import sha256_of_folder
from codisearch.languages import LANGUAGES
from codisearch.pipelines.generation.nodes import sample_by_code
from codisearch.retrieval.retriever import Retriever

SYSTEMS = (
    "bm25",
    "char_tfidf",
    "base_encoder",
    "generalist",
    "hybrid_rrf",
    "hybrid_weighted",
    "bi_encoder",
    "two_stage",
    "search",
)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run everything once."""
    return run(copy_project(tmp_path_factory.mktemp("project")))


@pytest.fixture(scope="module")
def models(first: Project) -> dict[str, str]:
    """Return the checksums of both trained models after the first run."""
    return trained_files(first.output)


@pytest.fixture(scope="module")
def second(first: Project, models: dict[str, str]) -> Project:
    """Run everything once more with nothing changed."""
    assert models
    return run(first.folder)


def trained_files(output: Path) -> dict[str, str]:
    """Return the checksum of every file of the two trained models."""
    folders = [output / "06_models" / name for name in ("bi_encoder", "cross_encoder")]
    return {f"{f.name}/{name}": sha for f in folders for name, sha in sha256_of_folder(f).items()}


def count_queries(project: Project) -> int:
    """Return how many test queries there are."""
    return len(pd.read_parquet(project.output / "07_model_output" / "test_queries.parquet"))


@pytest.fixture(scope="module")
def tracked(first: Project) -> tuple[Run, dict[str, Run], mlflow.MlflowClient]:
    """Return the run of the pipeline, those of the systems by name, and the client."""
    client = mlflow.MlflowClient(f"sqlite:///{first.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("codisearch-test")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], order_by=["start_time ASC"])
    parent = next(one for one in runs if "mlflow.parentRunId" not in one.data.tags)
    children = [one for one in runs if one.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    return parent, {str(one.info.run_name): one for one in children}, client


def test_every_system_and_language(first: Project) -> None:
    """Each system has a recall@5 for every language, inside its interval."""
    metrics = pd.read_csv(first.reporting / "metrics.csv")
    whole = metrics[(metrics["style"] == "all") & (metrics["seen"] == "all") & (metrics["level"] == "code")]
    recall = whole[whole["metric"] == "recall@5"].set_index(["system", "language"])
    expected = {(system, language) for system in SYSTEMS for language in (*LANGUAGES, "all")}
    assert set(recall.index) == expected
    assert {"seen", "unseen"} <= set(metrics["seen"])
    bounded = metrics.dropna(subset=["low", "high"])
    assert len(bounded)
    assert ((bounded["low"] <= bounded["value"]) & (bounded["value"] <= bounded["high"])).all()


def test_training_helps(first: Project) -> None:
    """Even on a sample, the fine-tuned encoder ranks better than the one that it started from."""
    metrics = pd.read_csv(first.reporting / "metrics.csv")
    overall = metrics[
        (metrics[["language", "style", "seen"]] == "all").all(axis=1) & (metrics["level"] == "code")
    ]
    mrr = overall[overall["metric"] == "mrr"].set_index("system")["value"]
    assert mrr["bi_encoder"] > mrr["base_encoder"]
    assert mrr["two_stage"] > mrr["base_encoder"]


def test_sample_is_whole(first: Project) -> None:
    """No pair is refused as of an unknown code: the sampled categories hold every sampled code."""
    rejected = pd.read_parquet(first.output / "02_intermediate" / "rejected_pairs.parquet")
    refused = sorted({code[:3] for code in rejected.loc[rejected["rule"].str.contains("code"), "code"]})
    assert not refused, f"add to code_set.keep in conf/test/parameters.yml: {', '.join(refused)}"
    raw = pd.read_parquet(first.output / "01_raw" / "raw_pairs.parquet")
    sampled = yaml.safe_load((ROOT / "conf/test/parameters.yml").read_text())["generation"]["sample_codes"]
    assert sample_by_code(raw, None).loc[raw["style"] != "title", "code"].nunique() == sampled


def test_nothing_is_written_elsewhere(first: Project) -> None:
    """The outputs of a test run lie under data/test_run, beside the corpus and the tracking store."""
    assert {path.name for path in (first.folder / "data").iterdir()} == {"01_raw", "test_run"}
    assert {path.name for path in (first.folder / "data" / "01_raw").iterdir()} == {"corpus"}


def test_search_finds_training_queries(first: Project) -> None:
    """With the bundle of the run, a training query of any language finds its code among the first five."""
    retriever = Retriever.load(first.output / "06_models" / "bundle")
    pairs = pd.read_parquet(first.output / "03_primary" / "pairs.parquet")
    train = pairs[(pairs["split"] == "train") & (pairs["style"] != "title")].groupby("language").head(2)
    found = retriever.search_many(train["query"].tolist(), top=5)
    assert set(train["language"]) == set(LANGUAGES)
    for query, code, hits in zip(train["query"], train["code"], found, strict=True):
        assert code in [hit.code for hit in hits], query


def test_no_leakage(first: Project) -> None:
    """After the split, no test query has a near-duplicate in training, as near as clusters are."""
    report = json.loads((first.reporting / "leakage_report.json").read_text(encoding="utf-8"))
    after = {row["threshold"]: row["after"]["count"] for row in report["leakage"]["by_threshold"]}
    assert after[report["clusters"]["threshold"]] == 0
    pairs = pd.read_parquet(first.output / "03_primary" / "pairs.parquet")
    train = set(pairs.loc[pairs["split"] == "train", "query"].str.casefold())
    aliases = set(pd.read_parquet(first.output / "06_models" / "aliases.parquet")["alias"].str.casefold())
    queries = pd.read_parquet(first.output / "07_model_output" / "test_queries.parquet")
    assert not train & set(queries["query"].str.casefold())
    assert not aliases & set(queries["query"].str.casefold())


def test_groups_are_of_training_queries(first: Project) -> None:
    """Neither stage learned from a validation or test query."""
    pairs = pd.read_parquet(first.output / "03_primary" / "pairs.parquet")
    held_out = set(pairs.loc[pairs["split"] != "train", "query"])
    for name in ("bi_encoder_groups", "reranker_groups"):
        groups = pd.read_parquet(first.output / "05_model_input" / f"{name}.parquet")
        assert not held_out & set(groups["query"]), name


def test_report(first: Project) -> None:
    """The page shows every system and loads nothing from elsewhere; Markdown tells the same."""
    html = (first.reporting / "report.html").read_text(encoding="utf-8")
    markdown = (first.reporting / "report.md").read_text(encoding="utf-8")
    assert all(system in html and system in markdown for system in SYSTEMS)
    assert "0.822" in html  # the reference recipe's figures stand beside
    assert not re.findall(r"""\bsrc\s*=\s*["']?\s*(?:https?:)?//[^"' ]+""", html)
    assert not re.findall(r"""<link\b[^>]*\bhref\s*=\s*["']?(?:https?:)?//[^>]*""", html)


def test_table_to_open(first: Project) -> None:
    """The table of recall@5 has one row per system and one column per language."""
    with (first.reporting / "recall_at_5.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["system", *LANGUAGES, "all"]
    assert [row[0] for row in rows[1:]] == list(SYSTEMS)


def test_tracking_of_systems(tracked: tuple[Run, dict[str, Run], mlflow.MlflowClient]) -> None:
    """Each system is a run beneath that of the pipeline, with the measures that are compared side by side."""
    _, children, _ = tracked
    assert set(children) == set(SYSTEMS)
    for name, child in children.items():
        wanted = {f"recall_at_5.{language}" for language in LANGUAGES} | {"mrr.all", "recall_at_5.unseen"}
        assert wanted <= set(child.data.metrics), name
    assert "learning_gain.all" in children["bi_encoder"].data.metrics
    assert children["bi_encoder"].data.params["encoder.kind"] in {"static", "transformer"}
    assert float(children["bi_encoder"].data.params["training.learning_rate"]) > 0
    assert {"fusion.depth", "fusion.weight", "reranker.encoder.source"} <= set(
        children["two_stage"].data.params
    )


def test_tracking_of_the_run(tracked: tuple[Run, dict[str, Run], mlflow.MlflowClient]) -> None:
    """The run of the pipeline has the losses per step and the report."""
    parent, _, client = tracked
    assert parent.info.status == "FINISHED"
    for metric in ("bi_encoder.train_loss", "cross_encoder.reranker_train_loss"):
        history = client.get_metric_history(parent.info.run_id, metric)
        steps = [entry.step for entry in history]
        assert len(steps) > 1
        assert steps == sorted(set(steps))
    assert {"report.html", "report.md"} <= {f.path for f in client.list_artifacts(parent.info.run_id)}


def test_tracking_sets_evaluations_side_by_side(
    first: Project, tracked: tuple[Run, dict[str, Run], mlflow.MlflowClient]
) -> None:
    """The run above has recall@5 of every system, and the primary measures of the best of them."""
    parent, children, _ = tracked
    recall = {name: child.data.metrics["recall_at_5.all"] for name, child in children.items()}
    metrics = parent.data.metrics
    assert {name: metrics[f"recall_at_5/{name}"] for name in SYSTEMS} == recall
    best = children[parent.data.tags["codisearch.best_system"]].data.metrics
    assert metrics["primary/recall_at_5"] == max(recall.values()) == best["recall_at_5.all"]
    assert metrics["primary/mrr"] == best["mrr.all"]
    assert metrics["test_queries"] == count_queries(first)


def test_tracking_of_the_evaluation(tracked: tuple[Run, dict[str, Run], mlflow.MlflowClient]) -> None:
    """The run above has digests, tables and figures; those beneath have what `compare` reads."""
    parent, children, client = tracked
    assert len(parent.data.params["data.digest_of_the_test_queries"]) >= 16
    run_id = parent.info.run_id
    tables = {Path(file.path).stem for file in client.list_artifacts(run_id, "tables")}
    assert {"metrics", "slice_metrics", "system_pairs", "comparisons", "systems"} <= tables
    assert "gold_metrics" not in tables  # there is no file of real mentions
    figures = {Path(file.path).stem for file in client.list_artifacts(run_id, "figures")}
    assert {"recall_by_language", "rank_transitions", "calibration", "latency"} <= figures
    files = {file.path for file in client.list_artifacts(children["bm25"].info.run_id, "rankings")}
    assert files == {"rankings/rankings.parquet", "rankings/queries.parquet"}


def test_tables_of_the_evaluation(first: Project) -> None:
    """Every pair of systems, every facet, and every system's time and calibration are in files."""
    pairs = pd.read_csv(first.reporting / "system_pairs.csv")
    count = len(SYSTEMS) * (len(SYSTEMS) - 1) // 2
    assert len(pairs) == count * 2 * (len(LANGUAGES) + 1)
    assert (pairs["p_adjusted"] >= pairs["p_value"]).all()
    assert pairs["p_adjusted"].between(0, 1).all()
    facets = pd.read_csv(first.reporting / "slice_metrics.csv")
    parts = facets[(facets["system"] == "bm25") & (facets["metric"] == "mrr")]
    assert parts.groupby("facet")["queries"].sum().to_dict() == dict.fromkeys(
        ("chapter", "code_length", "query_words"), count_queries(first)
    )
    systems = pd.read_csv(first.reporting.parent / "07_model_output" / "systems.csv", keep_default_na=False)
    assert systems["system"].tolist() == list(SYSTEMS)
    assert set(systems["skipped"]) == {""}
    assert (systems["ms_per_query"].astype(float) > 0).all()
    moves = pd.read_csv(first.reporting / "rank_transitions.csv")
    overall = moves[moves["language"] == "all"].groupby("comparison")["queries"].sum()
    assert overall.to_dict() == dict.fromkeys(("learning_gain", "reranking"), count_queries(first))
    calibration = pd.read_csv(first.reporting / "calibration.csv")
    assert set(calibration["system"]) == set(SYSTEMS)
    assert calibration["right"].between(0, 1).all()


def test_second_run_keeps_the_models(second: Project, models: dict[str, str]) -> None:
    """With nothing changed, both trained models are kept, byte by byte."""
    assert trained_files(second.output) == models
    assert len(re.findall("the trained one is kept", second.log)) == 2


def test_second_run_encodes_nothing(second: Project) -> None:
    """Every vector comes from the cache, and the run is much faster."""
    assert "Encoded 0 of " in second.log
    for system in ("base_encoder", "generalist"):
        assert f"{system}: 0 of " in second.log


def test_second_run_is_faster(first: Project, second: Project) -> None:
    """The second run takes less than two thirds of the first."""
    assert second.seconds < first.seconds * 2 / 3


@pytest.mark.parametrize(
    ("pipeline", "trainer"), [("bi_encoder", "train_candidate"), ("cross_encoder", "train_reranker")]
)
def test_interrupted_training(
    pipeline: str,
    trainer: str,
    first: Project,
    models: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A training that is interrupted leaves the earlier model as it was."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"codisearch.pipelines.{pipeline}.nodes.{trainer}", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(first.folder, pipeline=pipeline, **{pipeline: {"seed": 99}})
    assert trained_files(first.output) == models


def test_learning_curve(second: Project) -> None:
    """The curve is measured by its own pipeline, tracked by corpus size, and shown by the next report."""
    assert "Learning curve" not in (second.reporting / "report.md").read_text(encoding="utf-8")
    run(second.folder, pipeline="learning_curve")
    curve = pd.read_csv(second.reporting / "learning_curve.csv")
    whole = curve[(curve["language"] == "all") & (curve["part"] == "all")].set_index("queries")
    assert len(whole) == 2
    assert whole.index[0] == 0
    client = mlflow.MlflowClient(f"sqlite:///{second.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("codisearch-test")
    assert experiment is not None
    runs = client.search_runs(
        [experiment.experiment_id], filter_string="metrics.`learning_curve.mrr.all` >= 0"
    )
    history = client.get_metric_history(runs[0].info.run_id, "learning_curve.recall_at_5.all")
    found = {point.step: point.value for point in history}
    assert found == pytest.approx(whole["recall_at_5"].to_dict())
    run(second.folder, pipeline="evaluation")
    assert "Learning curve" in (second.reporting / "report.md").read_text(encoding="utf-8")


def test_unknown_parameter(first: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter that does not exist stops the run before any node."""
    ran: list[str] = []
    monkeypatch.setattr(Node, "run", lambda node, *_, **__: ran.append(node.name))
    with pytest.raises(Exception, match="indx") as caught:
        run(first.folder, indexing={"indx": "Flat"})
    assert "Extra inputs are not permitted" in str(caught.value) or isinstance(caught.value, ValidationError)
    assert not ran


def test_no_telemetry(first: Project) -> None:
    """Neither Kedro nor MLflow is told of a run, unless the user asks for it."""
    assert first.seconds
    assert yaml.safe_load((ROOT / ".telemetry").read_text(encoding="utf-8")) == {"consent": False}
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_kedro_viz(second: Project) -> None:
    """Kedro-Viz loads the project, orders the layers, and previews tables and plots."""
    from kedro_viz.api.rest.responses.nodes import get_node_metadata_response
    from kedro_viz.api.rest.responses.pipelines import get_pipeline_response
    from kedro_viz.server import load_and_populate_data

    with contextlib.chdir(second.folder):
        load_and_populate_data(second.folder, env="test")
        graph = get_pipeline_response()
        ids = {node.name: node.id for node in graph.nodes if node.type == "data"}
        shown = (
            *("pairs", "rankings", "metrics", "system_pairs", "slice_metrics", "evaluated_systems"),
            *("reranker_groups", "recall_curve_figure", "rank_transitions_figure", "latency_figure"),
        )
        previews = {name: get_node_metadata_response(ids[name]).model_dump()["preview"] for name in shown}
    assert "train" in {pipeline.id for pipeline in graph.pipelines}
    assert all(previews.values()), [name for name, preview in previews.items() if not preview]
    assert len(previews["pairs"]["data"]) > 1
    places = {layer: place for place, layer in enumerate(graph.layers)}  # empty where layers form a circle
    assert places["raw"] < places["primary"] < places["models"] < places["model_output"] < places["reporting"]
