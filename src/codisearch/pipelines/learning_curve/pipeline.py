"""The `learning_curve` pipeline; it trains many times over, so the default pipeline leaves it out."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.evaluation.reporting.curve import draw_learning_curve
from codisearch.pipelines.learning_curve import nodes


def create_pipeline() -> Pipeline:
    """Return the pipeline."""
    return Pipeline(
        [
            Node(
                nodes.measure_learning_curve,
                [
                    "pairs",
                    "code_set",
                    "index_aliases",
                    "national_titles",
                    "confusables",
                    "params:bi_encoder",
                    "params:indexing.alias_sources",
                    "params:learning_curve",
                ],
                "learning_curve",
                name="measure_learning_curve",
            ),
            Node(draw_learning_curve, "learning_curve", "learning_curve_figure", name="draw_learning_curve"),
            Node(
                nodes.track_learning_curve,
                "learning_curve",
                "learning_curve_metrics",
                name="track_learning_curve",
            ),
        ]
    )
