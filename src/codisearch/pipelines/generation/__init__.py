"""Generation: pairs of a clinical query and its code, by a generator behind one schema."""

from codisearch.pipelines.generation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
