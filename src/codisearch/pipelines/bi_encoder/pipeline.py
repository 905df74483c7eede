"""The bi-encoder pipeline: training groups, candidates, the one that finds most."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.bi_encoder import nodes


def create_pipeline() -> Pipeline:
    """Return the pipeline."""
    return Pipeline(
        [
            Node(
                nodes.build_bi_encoder_groups,
                ["pairs", "code_set", "index_aliases", "national_titles", "confusables", "params:bi_encoder"],
                "bi_encoder_groups",
                name="build_bi_encoder_groups",
            ),
            Node(
                nodes.train_bi_encoder,
                ["bi_encoder_groups", "pairs", "code_set", "previous_bi_encoder", "params:bi_encoder"],
                "bi_encoder",
                name="train_bi_encoder",
            ),
            Node(
                nodes.describe_training,
                ["bi_encoder"],
                ["encoder_candidates", "bi_encoder_history", "bi_encoder_metrics"],
                name="describe_bi_encoder_training",
            ),
        ]
    )
