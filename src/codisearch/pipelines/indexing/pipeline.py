"""The indexing pipeline: aliases, vectors, bundle."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.indexing import nodes


def create_pipeline() -> Pipeline:
    """Return the pipeline."""
    return Pipeline(
        [
            Node(
                nodes.build_aliases,
                ["code_set", "pairs", "index_aliases", "national_titles", "params:indexing"],
                "aliases",
                name="build_aliases",
            ),
            Node(
                nodes.build_bundle,
                ["bi_encoder", "cross_encoder", "aliases", "code_set", "embedding_cache", "params:indexing"],
                "bundle",
                name="build_bundle",
            ),
            Node(nodes.release, "bundle", "registered_bundle", name="register_bundle"),
        ]
    )
