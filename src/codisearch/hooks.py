"""What a run says at its end: the table per language, and what to open next."""

from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from rich.console import Console

_NEXT = """
What to open next
  data/08_reporting/report.html         the report, in a browser
  codisearch search "dolor torácico opresivo"
  kedro viz run                         the pipelines, with previews
  mlflow ui --backend-store-uri sqlite:///mlflow.db --workers 1
                                        the runs side by side, http://127.0.0.1:5000
Inside the environment: source .venv/bin/activate, or make search, make viz, make mlflow.
"""


class ClosingTableHooks:
    """Prints recall@5 per language once the evaluation has been measured and the run has ended well."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._metrics: pd.DataFrame | None = None

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401
        """Keep the metrics of this run."""
        if dataset_name == "metrics":
            self._metrics = data

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Print the table."""
        if self._metrics is None:
            return
        from codisearch.pipelines.evaluation.summary import render_console_table

        self._console.print(render_console_table(self._metrics))
        self._console.print(_NEXT, highlight=False, markup=False)
        self._metrics = None
