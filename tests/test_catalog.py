"""The registered pipelines, and the catalog that their datasets come from."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from codisearch.languages import LANGUAGES
from codisearch.pipeline_registry import register_pipelines

CATALOG = Path(__file__).parents[1] / "conf" / "base" / "catalog"
STAGES = ("code_set", "generation", "curation", "bi_encoder", "cross_encoder", "indexing", "evaluation")
# Handed from node to node in memory: needed by the next ones alone, or not a thing that a file holds.
IN_MEMORY = {
    "rule_rejections",
    "repeat_rejections",
    "title_rejections",
    "distinct_pairs",
    "clustered_pairs",
    "first_stage",
    "documents",
    "search_stage",
    "search_documents",
    "gold_facts",
    "figures",
    "evaluation_facts",
    "confidence",
    "confidence_tables",
    "display_names",
    "vector_index",
    "examples",
    "reranking_changes",
    "gold_results",
    "written_rows",
    "generated_confusables",
    "writing_report",
    "audit_report",
}
LAYERS = {
    "raw",
    "intermediate",
    "primary",
    "feature",
    "model_input",
    "models",
    "model_output",
    "reporting",
}


@pytest.fixture(scope="module")
def entries() -> dict[str, dict[str, Any]]:
    """Return the catalog's entries as they are written."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(CATALOG.glob("*.yml")):
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def test_pipelines_by_name() -> None:
    """Every stage is a pipeline by its name, `train` starts from pairs at hand, the default does it all."""
    pipelines = register_pipelines()
    assert set(pipelines) == {*STAGES, "learning_curve", "train", "__default__"}
    nodes = {name: {node.name for node in pipeline.nodes} for name, pipeline in pipelines.items()}
    assert nodes["train"] == nodes["curation"] | nodes["bi_encoder"] | nodes["cross_encoder"]
    assert nodes["__default__"] == set().union(*(nodes[name] for name in STAGES))
    assert nodes["code_set"] < nodes["generation"]  # pairs are written for codes
    own = [nodes[name] - nodes["code_set"] for name in STAGES[1:]]
    assert len(nodes["__default__"]) == len(nodes["code_set"]) + sum(map(len, own))
    assert {"raw_pairs", "code_set"} <= pipelines["train"].inputs()


def test_catalog_is_complete(entries: dict[str, dict[str, Any]]) -> None:
    """Every dataset of the pipelines has an entry or is meant to stay in memory; no entry is left over."""
    pipelines = register_pipelines()
    every = pipelines["__default__"].datasets() | pipelines["learning_curve"].datasets()
    used = {name for name in every if not name.startswith("param")}
    in_memory = {name for name, entry in entries.items() if entry["type"].endswith("MemoryDataset")}
    titles = {f"{language}_titles" for language in LANGUAGES}  # a dataset factory makes them
    assert "{language}_titles" in entries
    assert used - titles - (set(entries) - in_memory) == IN_MEMORY
    assert {name for name in entries if "{" not in name} <= used


def test_catalog_shows_layers(entries: dict[str, dict[str, Any]]) -> None:
    """Entries name one of Kedro's layers, and tables that a run makes have a preview."""
    for name, entry in entries.items():
        if entry["type"].startswith("kedro_mlflow.io.metrics") or entry["type"].endswith("MemoryDataset"):
            continue
        shown = entry["metadata"]["kedro-viz"]
        assert shown["layer"] in LAYERS, name
        if "Parquet" in entry["type"] or "CSV" in entry["type"]:
            assert shown.get("preview_args", {}).get("nrows", 0) > 0 or name.startswith("gold"), name
