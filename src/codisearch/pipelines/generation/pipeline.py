"""The `generation` pipeline."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.generation.nodes import generate_pairs


def create_pipeline() -> Pipeline:
    """Return the pipeline that makes `raw_pairs`."""
    return Pipeline(
        [Node(generate_pairs, ["corpus", "params:generation"], "raw_pairs", name="generate_pairs")],
    )
