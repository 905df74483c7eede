"""The learning curve: the bi-encoder trained on growing parts of the corpus."""

from codisearch.pipelines.learning_curve.pipeline import create_pipeline

__all__ = ["create_pipeline"]
