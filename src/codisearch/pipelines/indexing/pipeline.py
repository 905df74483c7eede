"""The indexing pipeline: aliases, vectors, probabilities, bundle."""

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
                nodes.build_index,
                ["bi_encoder", "aliases", "embedding_cache", "params:indexing"],
                "vector_index",
                name="build_index",
            ),
            Node(
                nodes.fit_confidence,
                [
                    "bi_encoder",
                    "cross_encoder",
                    "vector_index",
                    "aliases",
                    "code_set",
                    "pairs",
                    "params:indexing",
                ],
                "confidence",
                name="fit_confidence",
            ),
            Node(
                nodes.collect_titles,
                ["valid_pairs", "national_titles", "code_set"],
                "display_names",
                name="collect_titles",
            ),
            Node(
                nodes.build_bundle,
                [
                    "bi_encoder",
                    "cross_encoder",
                    "vector_index",
                    "aliases",
                    "code_set",
                    "code_notes",
                    "display_names",
                    "confusables",
                    "confidence",
                    "params:indexing",
                ],
                "bundle",
                name="build_bundle",
            ),
            Node(nodes.release, "bundle", "registered_bundle", name="register_bundle"),
        ]
    )
