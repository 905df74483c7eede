"""Every system ranks the whole code set for every test query; measures, intervals, report."""

from codisearch.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
