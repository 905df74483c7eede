"""The cross-encoder pipeline: candidates from the first stage and the tree, training, fusion."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.cross_encoder import nodes


def create_pipeline() -> Pipeline:
    """Return the pipeline."""
    return Pipeline(
        [
            Node(
                nodes.build_first_stage,
                ["bi_encoder", "code_set", "pairs", "index_aliases", "national_titles", "embedding_cache"],
                ["first_stage", "documents"],
                name="build_first_stage",
            ),
            Node(
                nodes.build_first_stage,
                [
                    "bi_encoder",
                    "code_set",
                    "pairs",
                    "index_aliases",
                    "national_titles",
                    "embedding_cache",
                    "params:indexing.alias_sources",
                ],
                ["search_stage", "search_documents"],
                name="build_search_stage",
            ),
            Node(
                nodes.mine_reranker_groups,
                ["first_stage", "documents", "pairs", "code_set", "confusables", "params:cross_encoder"],
                "reranker_groups",
                name="mine_reranker_groups",
            ),
            Node(
                nodes.train_cross_encoder,
                [
                    "reranker_groups",
                    "pairs",
                    "code_set",
                    "search_stage",
                    "search_documents",
                    "previous_cross_encoder",
                    "params:cross_encoder",
                ],
                "cross_encoder",
                name="train_cross_encoder",
            ),
            Node(
                nodes.describe_reranker,
                ["cross_encoder"],
                ["fusion_choice", "cross_encoder_history", "cross_encoder_metrics"],
                name="describe_cross_encoder_training",
            ),
        ]
    )
