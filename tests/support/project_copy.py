"""A copy of the project, and runs in it as its users make them."""

import contextlib
import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Project:
    """A copy of the project in which a run is over.

    Attributes:
        folder: The project.
        log: What codisearch said.
        seconds: How long the run took.
    """

    folder: Path
    log: str
    seconds: float

    @property
    def output(self) -> Path:
        """Where the run wrote."""
        return self.folder / "data" / "test_run"

    @property
    def reporting(self) -> Path:
        """Where its reports are."""
        return self.output / "08_reporting"


class Lines(logging.Handler):
    """Keeps log messages; pytest's own handler does not outlive Kedro's set-up of logging."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.messages.append(record.getMessage())


def copy_project(folder: Path) -> Path:
    """Copy what a run needs into `folder`, with a tracking store of its own, and return the folder."""
    shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(ROOT / "data" / "01_raw" / "corpus", folder / "data" / "01_raw" / "corpus")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "conf" / "local").mkdir()
    (folder / "src").mkdir()
    (folder / ".telemetry").write_text("consent: false\n", encoding="utf-8")
    tracking = folder / "conf" / "base" / "mlflow.yml"
    text = tracking.read_text(encoding="utf-8")
    assert "sqlite:///mlflow.db" in text
    text = text.replace("sqlite:///mlflow.db", f"sqlite:///{folder / 'mlflow.db'}")
    tracking.write_text(text, encoding="utf-8")
    return folder


@contextlib.contextmanager
def session_in(folder: Path, env: str, **params: Any) -> Iterator[KedroSession]:
    """Give a session of the project in `folder`, which is the working directory meanwhile."""
    with contextlib.chdir(folder):
        bootstrap_project(folder)
        with KedroSession.create(folder, env=env, runtime_params=params) as session:
            try:
                yield session
            finally:
                close_runs()


def close_runs() -> None:
    """End what is open in this process, as its exit would, without a change to the status of what is over."""
    while open_run := mlflow.active_run():
        status = mlflow.get_run(open_run.info.run_id).info.status
        mlflow.end_run("KILLED" if status == "RUNNING" else status)


def run(folder: Path, env: str = "test", pipeline: str | None = None, **params: Any) -> Project:
    """Run a pipeline, `--params` as `params`."""
    lines = Lines()
    with session_in(folder, env, **params) as session:
        logger = logging.getLogger("codisearch")
        logger.addHandler(lines)
        started = time.perf_counter()
        try:
            session.run(pipeline_names=[pipeline] if pipeline else None)
        finally:
            logger.removeHandler(lines)
    return Project(folder, "\n".join(lines.messages), time.perf_counter() - started)
