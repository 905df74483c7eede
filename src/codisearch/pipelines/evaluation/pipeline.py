"""The evaluation pipeline: queries, rankings, measures, figures, report, tracking."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.evaluation import nodes


def create_pipeline() -> Pipeline:
    """Return the pipeline."""
    return Pipeline(
        [
            Node(
                nodes.collect_queries,
                ["pairs", "code_set", "params:evaluation"],
                ["test_queries", "gold_queries", "gold_facts"],
                name="collect_queries",
            ),
            Node(
                nodes.rank_queries,
                ["test_queries", "gold_queries", "bundle", "embedding_cache", "params:evaluation"],
                ["rankings", "gold_rankings", "system_seconds"],
                name="rank_queries",
            ),
            Node(
                nodes.measure,
                ["test_queries", "rankings", "params:evaluation"],
                ["per_query", "metrics", "comparisons"],
                name="measure",
            ),
            Node(
                nodes.measure_gold,
                ["gold_queries", "gold_rankings", "params:evaluation"],
                "gold_metrics",
                name="measure_gold",
            ),
            Node(nodes.tabulate, "metrics", "recall_table", name="tabulate"),
            Node(
                nodes.draw,
                ["metrics", "bi_encoder_history", "cross_encoder_history", "encoder_candidates"],
                ["figures", "recall_by_language_figure", "recall_curve_figure", "seen_unseen_figure"],
                name="draw_figures",
            ),
            Node(
                nodes.write_report,
                [
                    "metrics",
                    "comparisons",
                    "figures",
                    "per_query",
                    "rankings",
                    "test_queries",
                    "code_set",
                    "encoder_candidates",
                    "fusion_choice",
                    "leakage_report",
                    "gold_metrics",
                    "gold_facts",
                    "system_seconds",
                    "measured_learning_curve",
                    "params:evaluation",
                ],
                ["report_html", "report_markdown"],
                name="write_report",
            ),
            Node(
                nodes.describe_systems,
                ["metrics", "comparisons", "gold_metrics", "bundle", "report_markdown", "params:evaluation"],
                "system_runs",
                name="describe_systems",
            ),
        ]
    )
