"""Training of the first stage: the encoder that turns queries and aliases into comparable vectors."""

from codisearch.pipelines.bi_encoder.pipeline import create_pipeline

__all__ = ["create_pipeline"]
