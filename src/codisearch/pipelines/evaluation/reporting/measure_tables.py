"""Tables of measures that several sections show."""

from typing import Final

import pandas as pd

from codisearch.languages import LANGUAGES
from codisearch.pipelines.evaluation.measures.summary import ALL, select_metrics
from codisearch.pipelines.evaluation.reporting.document import Table, table_of_estimates
from codisearch.pipelines.evaluation.reporting.figures import language_label

MEASURES: Final = {
    "recall@1": "recall@1",
    "recall@3": "recall@3",
    "recall@5": "recall@5",
    "recall@10": "recall@10",
    "recall@50": "recall@50",
    "mrr": "MRR",
    "map@10": "MAP@10",
    "ndcg@10": "nDCG@10",
    "precision_first": "P@1",
    "recall_first": "R@1",
    "f1_first": "F1@1",
}
LEVELS: Final = {"code": "whole code", "four_character": "first four characters", "category": "category"}
LANGUAGE_HEADS: Final = {language: language_label(language) for language in (*LANGUAGES, ALL)}


def language_table(rows: pd.DataFrame, caption: str) -> Table:
    """Return estimates, systems by languages."""
    return table_of_estimates(rows, "language", LANGUAGE_HEADS, f"{caption}, with 95 % intervals")


def level_tables(metrics: pd.DataFrame, caption: str) -> tuple[Table, ...]:
    """Return all measures overall, a table for each code length."""
    rows = {level: select_metrics(metrics, level=level, language=ALL) for level in LEVELS}
    return tuple(
        table_of_estimates(rows[level], "metric", MEASURES, f"{caption}, {name}, with 95 % intervals")
        for level, name in LEVELS.items()
        if not rows[level].empty
    )
