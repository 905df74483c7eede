"""The `generation` pipeline."""

from kedro.pipeline import Node, Pipeline

from codisearch.pipelines.generation import nodes


def create_pipeline() -> Pipeline:
    """Return the pipeline that makes `raw_pairs` and `confusables`."""
    return Pipeline(
        [
            Node(
                nodes.plan_generation,
                ["code_set", "code_notes", "listed_codes", "prompts", "ledger", "params:generation"],
                ["generation_targets", "generation_plan"],
                name="plan_generation",
            ),
            Node(
                nodes.write_queries,
                [
                    "generation_targets",
                    "code_set",
                    "code_notes",
                    "prompts",
                    "generators",
                    "ledger",
                    "params:generation",
                    "params:curation.length",
                    "params:curation.leftovers",
                    "params:curation.language",
                ],
                ["written_rows", "generated_confusables", "writing_report"],
                name="write_queries",
            ),
            Node(
                nodes.audit_queries,
                [
                    "written_rows",
                    "writing_report",
                    "code_set",
                    "prompts",
                    "generators",
                    "ledger",
                    "params:generation",
                ],
                ["generation_rows", "audit_report"],
                name="audit_queries",
            ),
            Node(
                nodes.collect_pairs,
                [
                    "corpus",
                    "listed_confusables",
                    "generation_rows",
                    "generated_confusables",
                    "writing_report",
                    "audit_report",
                    "ledger",
                    "params:generation",
                ],
                # The report comes last: a run that ended early ends with it.
                ["raw_pairs", "confusables", "generation_run", "generation_report"],
                name="collect_pairs",
            ),
        ],
    )
