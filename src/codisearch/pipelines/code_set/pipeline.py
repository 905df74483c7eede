"""The `code_set` pipeline."""

from kedro.pipeline import Node, Pipeline

from codisearch.languages import LANGUAGES
from codisearch.pipelines.code_set.nodes import (
    collect_national_titles,
    load_code_notes,
    load_code_set,
    load_index_aliases,
)


def create_pipeline() -> Pipeline:
    """Return the pipeline that makes `code_set`, `code_notes`, `index_aliases` and `national_titles`."""
    return Pipeline(
        [
            Node(load_code_set, "params:code_set", "code_set", name="load_code_set"),
            Node(load_code_notes, ["code_set", "params:code_set"], "code_notes", name="load_code_notes"),
            Node(
                load_index_aliases,
                ["code_set", "params:code_set"],
                "index_aliases",
                name="load_index_aliases",
            ),
            Node(
                collect_national_titles,
                ["code_set", "params:titles", *(f"{language}_titles" for language in LANGUAGES)],
                "national_titles",
                name="collect_national_titles",
            ),
        ]
    )
