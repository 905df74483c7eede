"""Evaluations in a tracking store: found by id or name, and read back with their rankings."""

import difflib
import math
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from codisearch.datasets.system_runs import BEST, KIND
from codisearch.errors import ConfigurationError, InputError, StorageError

SHORT: Final = 8
"""Characters of an id that are shown."""
RANKINGS: Final = "rankings/rankings.parquet"
QUERIES: Final = "rankings/queries.parquet"
_NEEDED: Final = {
    QUERIES: ("query_id", "query", "language", "codes"),
    RANKINGS: ("system", "query_id", "rank", "code"),
}
_SQLITE: Final = "sqlite:///"
_PARENT: Final = "mlflow.parentRunId"
_BEST_BY: Final = "primary/recall_at_5"
_NAMED: Final = 5
_LOOKED_AT: Final = 50
_MOST: Final = 1000


@dataclass(frozen=True)
class Evaluation:
    """One evaluation and what it came to.

    Attributes:
        run: The run of the pipeline.
        best: The system with the highest recall@5; empty where none was measured.
        recall: Its recall@5; NaN likewise.
    """

    run: Run
    best: str
    recall: float


class TrackedRuns:
    """The runs of a tracking store; nothing is written to it."""

    def __init__(self, uri: str) -> None:
        """Open a store.

        Args:
            uri: Where it is, such as `sqlite:///mlflow.db` or `http://host:5000`.

        Raises:
            ConfigurationError: If it is not there or no tracking store of this MLflow.
        """
        self._uri = uri
        _check_uri(uri)
        with self._reading():
            self._client = MlflowClient(uri, uri)
            self._experiments = [one.experiment_id for one in self._client.search_experiments()]

    def find(self, reference: str) -> Run:
        """Return the run with this id, beginning of an id, or name.

        Raises:
            InputError: If there is none, or more than one.
        """
        found = self._matching(reference)
        exact = [run for run in found if run.info.run_id == reference]
        if len(found) == 1 or exact:
            return (exact or found)[0]
        if found:
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            raise InputError(f"Run {reference!r} may be {_list(found)}{more}: give more of the id.")
        near = self._similar(reference)
        hint = f"could be meant: {_list(near)}" if near else "there are no evaluations yet"
        raise InputError(f"No run {reference!r} in {self._uri}; {hint}. `codisearch runs` lists them.")

    def systems_of(self, run: Run) -> dict[str, Run]:
        """Return the systems' runs of an evaluation by system; of a system's run, that run.

        Raises:
            InputError: If the run is no evaluation.
        """
        if "system" in run.data.tags:
            return {run.data.tags["system"]: run}
        below = self._search(f"tags.`{_PARENT}` = '{run.info.run_id}'", ["attributes.start_time ASC"])
        systems = {child.data.tags["system"]: child for child in below if "system" in child.data.tags}
        if not systems:
            raise InputError(f"Run {name_of(run)} is no evaluation: it has no runs of systems beneath it.")
        return systems

    def parent_of(self, run: Run) -> Run:
        """Return the run of the pipeline that a system's run stands beneath; any other run as it is."""
        parent = run.data.tags.get(_PARENT)
        with self._reading():
            return self._client.get_run(parent) if parent else run

    def rankings_of(self, run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the test queries and the rankings that a system's run was logged with.

        Raises:
            InputError: If it lacks them, or they lack a column.
            StorageError: If they cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="codisearch-") as aside:
            files = self._download(run, aside)
            return _read(run, QUERIES, files[QUERIES]), _read(run, RANKINGS, files[RANKINGS])

    def _download(self, run: Run, aside: str) -> dict[str, str]:
        """Return where the files of a run's rankings now lie."""
        names, run_id = tuple(_NEEDED), run.info.run_id
        try:
            there = {file.path for file in self._client.list_artifacts(run_id, QUERIES.partition("/")[0])}
            missing = [name for name in names if name not in there]
            if not missing:
                return {name: self._client.download_artifacts(run_id, name, aside) for name in names}
        except (MlflowException, OSError) as error:
            raise StorageError(
                f"The artifacts of run {name_of(run)} cannot be read: {_reason(error)}"
            ) from error
        raise InputError(
            f"Run {name_of(run)} lacks {' and '.join(missing)}: deleted since, or never logged, as by an "
            "earlier version. Evaluate again with `kedro run --pipeline=evaluation`."
        )

    def evaluations(self, limit: int) -> list[Evaluation]:
        """Return the newest evaluations, each with its best system."""
        runs = self._search(f"tags.`{KIND}` = 'evaluation'", ["attributes.start_time DESC"], limit)
        return [
            Evaluation(run, run.data.tags.get(BEST, ""), run.data.metrics.get(_BEST_BY, math.nan))
            for run in runs
        ]

    def _matching(self, reference: str) -> list[Run]:
        """Return the runs whose id begins with a text, or whose name it is, newest first."""
        quote = '"' if "'" in reference else "'"
        if quote in reference or not reference:
            return []
        filters = [f"attributes.run_name = {quote}{reference}{quote}"]
        if reference.isalnum():
            filters.append(f"attributes.run_id LIKE '{reference}%'")
        found = [run for one in filters for run in self._search(one, ["attributes.start_time DESC"])]
        return list({run.info.run_id: run for run in found}.values())

    def _similar(self, reference: str) -> list[Run]:
        """Return recent evaluations, first those whose id or name is most like a text."""
        recent = self._search(f"tags.`{KIND}` = 'evaluation'", ["attributes.start_time DESC"], _LOOKED_AT)

        def likeness(run: Run) -> float:
            names = (str(run.info.run_name), run.info.run_id[: len(reference)])
            return max(difflib.SequenceMatcher(None, reference, name).ratio() for name in names)

        return sorted(recent, key=likeness, reverse=True)[:_NAMED]

    def _search(self, filter_string: str, order: list[str], limit: int = _MOST) -> list[Run]:
        with self._reading():
            found = self._client.search_runs(
                self._experiments, filter_string, max_results=limit, order_by=order
            )
            return list(found)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Say in one line what the store could not do."""
        try:
            yield
        except MlflowException as error:
            raise ConfigurationError(
                f"The tracking store {self._uri} cannot be read: {_reason(error)}"
            ) from error


def name_of(run: Run) -> str:
    """Return how messages and tables name a run: the beginning of its id, its name and when it began."""
    return f"{run.info.run_id[:SHORT]} ({run.info.run_name}, {when(run)})"


def when(run: Run) -> str:
    """Return when a run began, as UTC to the minute."""
    return datetime.fromtimestamp((run.info.start_time or 0) / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _read(run: Run, name: str, path: str) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # ValueError: no Parquet
        raise StorageError(f"{name} of run {name_of(run)} cannot be read: {_reason(error)}") from error
    lacking = [column for column in _NEEDED[name] if column not in table]
    if lacking:
        raise InputError(
            f"{name} of run {name_of(run)} lacks the columns {', '.join(lacking)}: it has "
            f"{', '.join(map(str, table.columns)) or 'none'}. Evaluate again."
        )
    return table


def _reason(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _list(runs: Sequence[Run]) -> str:
    return ", ".join(name_of(run) for run in runs[:_NAMED])


def _check_uri(uri: str) -> None:
    """Refuse what MLflow would make where it is not there.

    Raises:
        ConfigurationError: If it is no URI, or names an SQLite file that is no tracking store.
    """
    if "://" not in uri:
        raise ConfigurationError(
            f"{uri!r} is no address of a tracking store: give one like sqlite:///mlflow.db or http://host:5000."
        )
    if not uri.startswith(_SQLITE):
        return
    path = Path(uri.removeprefix(_SQLITE).partition("?")[0])
    if not path.is_file():
        raise ConfigurationError(
            f"No tracking store at {uri}: run it in the project's folder or give --uri; "
            "`kedro run` makes one."
        )
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT 1 FROM runs LIMIT 1")
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path} is no tracking store of MLflow: {error}.") from error
