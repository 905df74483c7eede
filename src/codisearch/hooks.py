"""What a run says: the plan of a generation and what it came to, and at the end the table per language."""

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


_GO_ON = """
The pairs so far are written; nothing after the generation was run. The same command goes on.
kedro run --pipeline=train trains on what there is.
"""


class ClosingTableHooks:
    """Prints recall@5 per language once the evaluation has been measured and the run has ended well."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._metrics: pd.DataFrame | None = None
        self._gold: pd.DataFrame | None = None

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401
        """Keep the metrics of this run."""
        if dataset_name == "metrics":
            self._metrics = data
        elif dataset_name == "gold_metrics" and len(data):
            self._gold = data

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Print the table."""
        if self._metrics is None:
            return
        from codisearch.pipelines.evaluation.measures.summary import render_console_table

        self._console.print(render_console_table(self._metrics))
        if self._gold is not None:
            self._console.print(render_console_table(self._gold, of="real mentions"))
        self._console.print(_NEXT, highlight=False, markup=False)
        self._metrics = self._gold = None


class GenerationHooks:
    """Prints the plan of a generation before its first request, and afterwards what it came to."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401
        """Print a plan or a report of a language model.

        A dry run ends here after its plan, and a run whose generation ended early after its report: what
        follows would train on a part of the pairs.

        Raises:
            SystemExit: With status 0, in these cases.
        """
        if dataset_name == "generation_plan":
            self._show_plan(data)
        elif dataset_name == "writing_report" and data.get("stopped") and not data["accepted"]:
            self._console.print(
                f"Ended early: {data['stopped']}. No query was accepted so far, and nothing else was run."
            )
            raise SystemExit(0)
        elif dataset_name == "generation_report" and "source" in data:
            from codisearch.pipelines.generation.console import render_report

            self._console.print(render_report(data))
            if data["stopped"]:
                self._console.print(_GO_ON, highlight=False)
                raise SystemExit(0)

    def _show_plan(self, plan: dict[str, Any]) -> None:
        if plan["tasks"]:
            from codisearch.pipelines.generation.console import render_plan

            self._console.print(render_plan(plan))
        if plan["dry_run"]:
            self._console.print(
                "Dry run: nothing was sent, and nothing else was run."
                if plan["tasks"]
                else "Dry run: generation.generator is corpus, so there is nothing to send."
            )
            raise SystemExit(0)
