"""The curation pipeline."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.curation import nodes


def create_pipeline() -> Pipeline:
    """Return the nodes that lead from generated pairs to a split corpus and its reports."""
    return Pipeline(
        [
            Node(
                nodes.validate_pairs,
                inputs=["raw_pairs", "code_set", "params:curation"],
                outputs=["valid_pairs", "rule_rejections"],
                name="validate_pairs",
            ),
            Node(
                nodes.find_near_duplicates,
                inputs=["valid_pairs", "params:curation"],
                outputs="near_duplicates",
                name="find_near_duplicates",
            ),
            Node(
                nodes.deduplicate,
                inputs=["valid_pairs", "near_duplicates", "params:curation"],
                outputs=["distinct_pairs", "repeat_rejections"],
                name="deduplicate",
            ),
            Node(
                nodes.cluster_pairs,
                inputs=["distinct_pairs", "near_duplicates", "params:curation"],
                outputs="clustered_pairs",
                name="cluster_pairs",
            ),
            Node(
                nodes.split_pairs,
                inputs=["clustered_pairs", "near_duplicates", "code_set", "params:curation"],
                outputs=["pairs", "title_rejections"],
                name="split_pairs",
            ),
            Node(
                nodes.collect_rejections,
                inputs=["rule_rejections", "repeat_rejections", "title_rejections"],
                outputs="rejected_pairs",
                name="collect_rejections",
            ),
            Node(
                nodes.report_leakage,
                inputs=["raw_pairs", "pairs", "rejected_pairs", "near_duplicates", "params:curation"],
                outputs="leakage_report",
                name="report_leakage",
            ),
            Node(
                nodes.summarise_pairs,
                inputs="pairs",
                outputs="curation_summary",
                name="summarise_pairs",
            ),
        ]
    )
