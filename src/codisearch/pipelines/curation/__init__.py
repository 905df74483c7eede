"""Curation: which pairs are fit for use, which repeat each other, and which split each belongs to."""

from codisearch.pipelines.curation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
