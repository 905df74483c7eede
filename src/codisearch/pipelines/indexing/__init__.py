"""Alias table, FAISS index over the whole code set, and the bundle that search needs."""

from codisearch.pipelines.indexing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
