"""Training of the second stage: a cross-encoder that puts the first stage's candidates in order."""

from codisearch.pipelines.cross_encoder.pipeline import create_pipeline

__all__ = ["create_pipeline"]
