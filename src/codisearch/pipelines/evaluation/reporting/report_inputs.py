"""What a report is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from codisearch.pipelines.evaluation.measures.confidence import ConfidenceTables
from codisearch.pipelines.evaluation.reporting.document import Picture


@dataclass(frozen=True)
class ReportInputs:
    """Everything that a report is made of; the section of a part that is None is left out.

    Attributes:
        metrics: The frame of `summarise`.
        facets: The frame of `summarise_facets`.
        pairs: The frame of `compare_pairs`.
        transitions: The frame of `count_transitions`.
        changes: The frame of `select_changes`: what reranking fixed and broke.
        systems: The table of systems: kind, seconds, milliseconds for one query, why one was left out.
        figures: The figures of `draw_figures`, by name.
        comparisons: What training and reranking add.
        candidates: One row per encoder tried on validation, e.g. `encoder`, `recall@5`, `mrr`, `seconds`.
        fusion: How the two stages were joined: depth, weight and the like, by name.
        fusion_validation: The measures on validation behind that choice, e.g. one row per language.
        leakage: The leakage report of the curation, nested facts.
        examples: The frame of `select_examples`.
        gold_metrics: The frame of `summarise` for real mentions.
        gold_facets: Of `summarise_facets` for real mentions.
        gold_pairs: Of `compare_pairs` for real mentions.
        gold_facts: Where the mentions came from, how many were skipped and why.
        run_facts: Code-set release, counts, digests and the like; `codes` is named in the headline.
        confidence: What the probabilities are worth.
        learning_curve: The table of the `learning_curve` pipeline, empty while there is none.
        title: Of the report.
    """

    metrics: pd.DataFrame
    facets: pd.DataFrame | None = None
    pairs: pd.DataFrame | None = None
    transitions: pd.DataFrame | None = None
    changes: pd.DataFrame | None = None
    systems: pd.DataFrame | None = None
    figures: Mapping[str, go.Figure] = field(default_factory=dict)
    comparisons: pd.DataFrame | None = None
    candidates: pd.DataFrame | None = None
    fusion: Mapping[str, Any] | None = None
    fusion_validation: pd.DataFrame | None = None
    leakage: Mapping[str, Any] | None = None
    examples: pd.DataFrame | None = None
    gold_metrics: pd.DataFrame | None = None
    gold_facets: pd.DataFrame | None = None
    gold_pairs: pd.DataFrame | None = None
    gold_facts: Mapping[str, Any] | None = None
    run_facts: Mapping[str, Any] | None = None
    confidence: ConfidenceTables | None = None
    learning_curve: pd.DataFrame | None = None
    title: str = "codisearch: evaluation"

    def pictures(self, name: str, description: str) -> tuple[Picture, ...]:
        """Return the figure of that name with its description, if there is one."""
        figure = self.figures.get(name)
        return () if figure is None else (Picture(name, figure, description),)
