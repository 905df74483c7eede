"""What each system achieved, as MLflow runs beneath the run of the pipeline."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import mlflow
from kedro.io import AbstractDataset, DatasetError

from codisearch.datasets.run_record import RunRecord, log_record
from codisearch.languages import LANGUAGES

logger = logging.getLogger(__name__)

SystemRun = RunRecord
KIND: Final = "codisearch.kind"
"""Tag of runs: `system` for those of systems, `evaluation` for the one above them."""
BEST: Final = "codisearch.best_system"
"""Tag of an evaluation: its system with the highest recall@5 over all queries, of equals the first."""
NOTE: Final = "mlflow.note.content"
"""The tag that MLflow shows as a run's description, in Markdown."""
PRIMARY: Final = {
    "primary/recall_at_5": "recall_at_5.all",
    "primary/recall_at_5_unseen": "recall_at_5.unseen",
    "primary/recall_at_1": "recall_at_1.all",
    "primary/mrr": "mrr.all",
}
"""The few metrics that runs are compared by, each a copy of another under a name that stands apart."""
_BEST_BY: Final = PRIMARY["primary/recall_at_5"]
_MEASURES: Final = (
    "recall_at_1",
    "recall_at_3",
    "recall_at_5",
    "recall_at_10",
    "mrr",
    "map_at_10",
    "ndcg_at_10",
)
_SLICES: Final = ("all", *LANGUAGES, "seen", "unseen")


class SystemRunsDataset(AbstractDataset[Mapping[str, SystemRun], Any]):
    """Logs one child run per system: what its record holds, a description and the primary metrics.

    A run has the name of its system. The run above gets recall@5 of all systems, the primary metrics of the
    best and a description with a table, so that evaluations can be set side by side as well as systems.
    Without an active run (tracking switched off) nothing is logged.

    Args:
        metadata: For plugins.
    """

    def __init__(self, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def save(self, data: Mapping[str, SystemRun]) -> None:
        """Log the runs."""
        if mlflow.active_run() is None:
            logger.info("Tracking is off: the runs of %s are not logged", ", ".join(data))
            return
        for name, content in data.items():
            with mlflow.start_run(run_name=name, nested=True):
                log_record(_complete(name, content))
        log_record(summary_of({name: content.get("metrics", {}) for name, content in data.items()}))

    def load(self) -> Any:  # noqa: ANN401
        """Refuse: runs are read in the MLflow UI.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("The systems' runs are written for MLflow, not read back.")

    def _describe(self) -> dict[str, Any]:
        return {}


def _complete(name: str, record: SystemRun) -> SystemRun:
    """Return a record with its system's tags, description and primary metrics."""
    metrics = record.get("metrics", {})
    note = describe_system(name, metrics)
    tags = {"system": name, KIND: "system", NOTE: note, **record.get("tags", {})}
    return {**record, "metrics": {**_primary(metrics), **metrics}, "tags": tags}


def _primary(metrics: Mapping[str, float]) -> dict[str, float]:
    return {short: metrics[long] for short, long in PRIMARY.items() if long in metrics}


def summary_of(metrics: Mapping[str, Mapping[str, float]]) -> RunRecord:
    """Return what the run above shows: recall@5 of each system, the best one's primary metrics, a table."""
    recall = {name: of_system[_BEST_BY] for name, of_system in metrics.items() if _BEST_BY in of_system}
    tags = {KIND: "evaluation", NOTE: describe_systems(metrics)}
    if not recall:
        return {"tags": tags}
    best = max(recall, key=recall.__getitem__)
    of_all = {f"recall_at_5/{name}": value for name, value in recall.items()}
    return {"metrics": {**_primary(metrics[best]), **of_all}, "tags": {**tags, BEST: best}}


def describe_system(name: str, metrics: Mapping[str, float]) -> str:
    """Return the measures of one system as Markdown, one row per part of the test queries."""
    measures = [one for one in _MEASURES if any(f"{one}.{part}" in metrics for part in _SLICES)]
    parts = [part for part in _SLICES if any(f"{one}.{part}" in metrics for one in measures)]
    rows = [[part, *(_cell(metrics, f"{one}.{part}") for one in measures)] for part in parts]
    return _with_table(f"**{name}** over the whole code set.", ["queries", *map(_heading, measures)], rows)


def describe_systems(metrics: Mapping[str, Mapping[str, float]]) -> str:
    """Return all systems as Markdown, one row each: recall@5 of each language and part, and MRR."""
    names = [f"recall_at_5.{part}" for part in _SLICES] + ["mrr.all"]
    shown = [name for name in names if any(name in of_system for of_system in metrics.values())]
    heads = [_heading(name).replace("recall@5 all", "**recall@5**") for name in shown]
    rows = [[system, *(_cell(of_system, name) for name in shown)] for system, of_system in metrics.items()]
    text = "Every system ranks the whole code set for every test query. Each has a run beneath this one."
    return _with_table(text, ["system", *(head.removeprefix("recall@5 ") for head in heads)], rows)


def _heading(name: str) -> str:
    return name.replace("mrr", "MRR").replace("_at_", "@").replace(".", " ").replace("MRR all", "MRR")


def _cell(metrics: Mapping[str, float], name: str) -> str:
    return f"{metrics[name]:.3f}" if name in metrics else ""


def _with_table(text: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a text, and below it a Markdown table where there are rows."""
    if not rows:
        return text
    rule = ["---", *("---:" for _ in heads[1:])]
    return "\n".join([text, "", *map(_line, [heads, rule, *rows])])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
