"""The code set: every code of one ICD-10-CM release, its Alphabetic Index and titles in further languages."""

from codisearch.pipelines.code_set.pipeline import create_pipeline

__all__ = ["create_pipeline"]
