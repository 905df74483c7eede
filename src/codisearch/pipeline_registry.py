"""The project's pipelines by name."""

from kedro.pipeline import Pipeline

from codisearch.pipelines import code_set, curation, generation


def register_pipelines() -> dict[str, Pipeline]:
    """Return every pipeline by name; `train` starts from the pairs at hand, `__default__` does everything."""
    stages = {
        "code_set": code_set.create_pipeline(),
        "generation": generation.create_pipeline(),
        "curation": curation.create_pipeline(),
    }
    return {**stages, "__default__": sum(stages.values(), Pipeline([]))}
