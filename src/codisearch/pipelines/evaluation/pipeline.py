"""The evaluation pipeline: queries, rankings, measures, figures, report, tracking."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.evaluation import confidence_nodes, nodes, records

_PARAMS = "params:evaluation"


def create_pipeline() -> Pipeline:
    """Return the pipeline."""
    return Pipeline([*_ranking(), *_measuring(), *_measuring_confidence(), *_reporting(), *_tracking()])


def _ranking() -> list[Node]:
    return [
        Node(
            nodes.collect_queries,
            ["pairs", "code_set", _PARAMS],
            ["test_queries", "gold_queries", "gold_facts"],
            name="collect_queries",
        ),
        Node(
            nodes.rank_queries,
            ["test_queries", "gold_queries", "bundle", "embedding_cache", _PARAMS],
            ["rankings", "gold_rankings", "evaluated_systems"],
            name="rank_queries",
        ),
        Node(
            nodes.collect_facts,
            ["pairs", "test_queries", "code_set", "bundle", _PARAMS],
            "evaluation_facts",
            name="collect_facts",
        ),
    ]


def _measuring() -> list[Node]:
    return [
        Node(
            nodes.score,
            ["test_queries", "rankings", "code_set", "evaluated_systems", _PARAMS],
            "per_query",
            name="score",
        ),
        Node(
            nodes.measure,
            ["per_query", "test_queries", "code_set", "evaluated_systems", _PARAMS],
            ["metrics", "slice_metrics", "system_pairs"],
            name="measure",
        ),
        Node(
            nodes.score_gold,
            ["gold_queries", "gold_rankings", "code_set", "evaluated_systems", _PARAMS],
            "gold_per_query",
            name="score_gold",
        ),
        Node(
            nodes.measure,
            ["gold_per_query", "gold_queries", "code_set", "evaluated_systems", _PARAMS],
            ["gold_metrics", "gold_slice_metrics", "gold_pairs"],
            name="measure_gold",
        ),
        Node(
            nodes.examine,
            ["per_query", "test_queries", "rankings", "evaluated_systems", _PARAMS],
            ["comparisons", "rank_transitions", "calibration"],
            name="examine",
        ),
        Node(
            nodes.choose_examples,
            ["per_query", "test_queries", "rankings", "metrics", "code_set", _PARAMS],
            ["examples", "reranking_changes"],
            name="choose_examples",
        ),
        Node(nodes.tabulate, "metrics", "recall_table", name="tabulate"),
    ]


def _measuring_confidence() -> list[Node]:
    return [
        Node(
            confidence_nodes.answer_queries,
            ["test_queries", "gold_queries", "bundle", _PARAMS],
            ["first_answers", "gold_first_answers", "confidence_thresholds"],
            name="answer_queries",
        ),
        Node(
            confidence_nodes.examine_confidence,
            ["first_answers", "gold_first_answers", "confidence_thresholds", _PARAMS],
            ["confidence_quality", "reliability", "coverage", "promises"],
            name="examine_confidence",
        ),
        Node(
            confidence_nodes.bring_confidence_together,
            ["confidence_quality", "reliability", "coverage", "promises"],
            "confidence_tables",
            name="bring_confidence_together",
        ),
    ]


def _reporting() -> list[Node]:
    return [
        Node(
            nodes.draw,
            [
                "metrics",
                "bi_encoder_history",
                "cross_encoder_history",
                "encoder_candidates",
                "rank_transitions",
                "calibration",
                "evaluated_systems",
                "confidence_tables",
            ],
            "figures",
            name="draw_figures",
        ),
        Node(
            nodes.show_figures,
            "figures",
            [f"{name}_figure" for name in nodes.SHOWN],
            name="show_figures",
        ),
        Node(
            nodes.bring_gold_together,
            ["gold_metrics", "gold_slice_metrics", "gold_pairs", "gold_facts"],
            "gold_results",
            name="bring_gold_together",
        ),
        Node(
            nodes.write_report,
            [
                "metrics",
                "slice_metrics",
                "system_pairs",
                "comparisons",
                "rank_transitions",
                "figures",
                "examples",
                "reranking_changes",
                "evaluated_systems",
                "encoder_candidates",
                "fusion_choice",
                "leakage_report",
                "gold_results",
                "confidence_tables",
                "measured_learning_curve",
                "evaluation_facts",
            ],
            ["report_html", "report_markdown"],
            name="write_report",
        ),
    ]


def _tracking() -> list[Node]:
    return [
        Node(
            records.describe_evaluation,
            [
                "metrics",
                "slice_metrics",
                "system_pairs",
                "comparisons",
                "rank_transitions",
                "calibration",
                "gold_results",
                "confidence_tables",
                "evaluated_systems",
                "measured_learning_curve",
                "figures",
                "evaluation_facts",
                _PARAMS,
            ],
            "evaluation_run",
            name="describe_evaluation",
        ),
        Node(
            records.describe_systems,
            [
                "metrics",
                "comparisons",
                "gold_metrics",
                "test_queries",
                "rankings",
                "evaluated_systems",
                "bundle",
                _PARAMS,
            ],
            "system_runs",
            name="describe_systems",
        ),
    ]
