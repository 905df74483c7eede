"""The project's pipelines by name."""

from kedro.pipeline import Pipeline

from codisearch.pipelines import (
    bi_encoder,
    code_set,
    cross_encoder,
    curation,
    evaluation,
    generation,
    indexing,
    learning_curve,
)


def register_pipelines() -> dict[str, Pipeline]:
    """Return every pipeline by name.

    `train` starts from the pairs at hand; `__default__` does everything but the learning curve.
    """
    stages = {
        "code_set": code_set.create_pipeline(),
        "generation": generation.create_pipeline(),
        "curation": curation.create_pipeline(),
        "bi_encoder": bi_encoder.create_pipeline(),
        "cross_encoder": cross_encoder.create_pipeline(),
        "indexing": indexing.create_pipeline(),
        "evaluation": evaluation.create_pipeline(),
    }
    return {
        **stages,
        # A language model writes for codes: they need not be there yet.
        "generation": stages["code_set"] + stages["generation"],
        "learning_curve": learning_curve.create_pipeline(),
        "train": stages["curation"] + stages["bi_encoder"] + stages["cross_encoder"],
        "__default__": sum(stages.values(), Pipeline([])),
    }
