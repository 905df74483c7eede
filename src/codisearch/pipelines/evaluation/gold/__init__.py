"""Adapters for real mentions: tables of `query` and `code`, and the CodiEsp corpus, become test queries."""

from codisearch.pipelines.evaluation.gold.mentions import Gold
from codisearch.pipelines.evaluation.gold.reading import read_gold
from codisearch.pipelines.evaluation.gold.rows import DOCUMENT_STYLE, MENTION_STYLE

__all__ = ["DOCUMENT_STYLE", "MENTION_STYLE", "Gold", "read_gold"]
