"""`codisearch runs` and `codisearch compare`: which evaluations there are, and how two of them differ."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from codisearch.configuration import parameters_of
from codisearch.errors import InputError

if TYPE_CHECKING:
    from codisearch.compared_runs import ComparedRuns, Differences
    from codisearch.comparison import Comparison

_MOST_PARAMETERS: Final = 30
_TINY: Final = 0.001
_CAPTION: Final = (
    "p: corrected by Holm's method for {} in all. effect: difference in standard deviations of the queries'"
    " differences. up/down: queries on which B is better, and worse."
)

Uri = Annotated[
    str, typer.Option(envvar="MLFLOW_TRACKING_URI", help="The tracking store with the evaluations.")
]
Conf = Annotated[Path, typer.Option(help="The project's configuration.")]


def runs(
    uri: Uri = "sqlite:///mlflow.db",
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=1000)] = 20,
) -> None:
    """Print the newest evaluations with the system that found most in each."""
    from codisearch.tracked_runs import SHORT, TrackedRuns, when

    found = TrackedRuns(uri).evaluations(limit)
    table = Table(title=f"Evaluations in {uri}", title_justify="left")
    for heading in ("id", "name", "when (UTC)", "queries", "best system"):
        table.add_column(heading, no_wrap=True)
    table.add_column("recall@5", justify="right", no_wrap=True)
    for one in found:
        name, measured = Text(str(one.run.info.run_name)), f"{one.recall:.3f}" if one.best else ""
        queries = one.run.data.metrics.get("test_queries")
        count = "" if queries is None else f"{queries:,.0f}"
        table.add_row(one.run.info.run_id[:SHORT], name, when(one.run), count, Text(one.best), measured)
    Console().print(table if found else f"No evaluations in {uri}: `kedro run` makes one.")


def compare(
    run_a: Annotated[str, typer.Argument(help="An evaluation or a system's run: id, its beginning or name.")],
    run_b: Annotated[str, typer.Argument(help="What it is compared with, likewise.")],
    metric: Annotated[str, typer.Option(help="recall@1, @3, @5, @10 or @50, mrr or map@10.")] = "recall@5",
    system: Annotated[
        str | None, typer.Option(help="Only this system of both; by default all that both have.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    uri: Uri = "sqlite:///mlflow.db",
    conf: Conf = Path("conf"),
) -> None:
    """Print how two evaluations differ on the queries that both ranked, and whether it may be chance."""
    from codisearch.tracked_runs import TrackedRuns

    store = TrackedRuns(uri)
    sides = (store.find(run_a), store.find(run_b))
    if sides[0].info.run_id == sides[1].info.run_id:
        raise InputError(f"{run_a!r} and {run_b!r} are the same run: give two.")

    # After the runs are found: these imports take seconds.
    from codisearch.compared_runs import compare_runs, differing
    from codisearch.comparison import check_metric
    from codisearch.pipelines.evaluation.measures.bootstrap import DrawingParams

    check_metric(metric)
    bootstrap = parameters_of(conf, "evaluation", DrawingParams).bootstrap
    above = [store.parent_of(run) for run in sides]
    shared = differing(above[0].data.params, above[1].data.params)
    compared = compare_runs(store, sides, system, metric, bootstrap)
    for name, reason in compared.skipped.items():
        typer.echo(f"{name} is skipped: {reason}", err=True)
    if as_json:
        typer.echo(json.dumps(_as_json(compared, shared), ensure_ascii=False, indent=2))
        return
    console = Console()
    for one in compared.systems:
        _print_comparison(console, one.comparison)
        _print_differences(console, one.parameters, "Parameters of the two systems that differ")
    _print_differences(console, shared, "Parameters of the two pipeline runs that differ")


def _as_json(compared: "ComparedRuns", shared: "Differences") -> dict[str, Any]:
    return {
        "comparisons": [
            {**one.comparison.as_json(), "parameters": _plain(one.parameters)} for one in compared.systems
        ],
        "skipped": [{"system": name, "reason": reason} for name, reason in compared.skipped.items()],
        "pipeline_parameters": _plain(shared),
    }


def _print_comparison(console: Console, compared: "Comparison") -> None:
    from codisearch.pipelines.evaluation.reporting.document import MISSING, format_interval

    table = Table(
        title=Text(f"{compared.metric}   A: {compared.before}   B: {compared.after}"),
        title_justify="left",
        caption=_CAPTION.format("1 test" if compared.family == 1 else f"{compared.family:,} tests"),
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("", no_wrap=True)
    for heading in ("queries", "A", "B", "B - A [95 %]", "p", "effect", "up/down"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in compared.rows:
        test = row.test
        table.add_row(
            row.language,
            f"{test.queries:,}",
            f"{test.before:.3f}",
            f"{test.after:.3f}",
            format_interval(test.difference, test.low, test.high, form="{:+.3f}"),
            "< .001" if row.p_value < _TINY else f"{row.p_value:.3f}",
            f"{test.effect_size:+.2f}" if math.isfinite(test.effect_size) else MISSING,
            f"{test.better:,}/{test.worse:,}",
        )
    depth = "" if compared.metric.startswith("recall") else f" Ranks down to {compared.depth} count."
    console.print(table)
    console.print(
        f"{compared.shared:,} queries in both; only in A {compared.only_before:,}, only in B "
        f"{compared.only_after:,}.{depth}",
        highlight=False,
    )
    for sentence in compared.sentences():
        console.print(sentence, highlight=False, markup=False)
    console.print()


def _print_differences(console: Console, changed: "Differences", title: str) -> None:
    if not changed:
        return
    left_out = len(changed) - _MOST_PARAMETERS
    console.print(title, highlight=False, markup=False)
    table = Table(
        caption=f"and {left_out} more; --json has all" if left_out > 0 else None,
        caption_justify="left",
    )
    for heading in ("name", "A", "B"):
        table.add_column(heading, overflow="fold")
    for name, *values in changed[:_MOST_PARAMETERS]:
        table.add_row(Text(name), *map(Text, values))
    console.print(table)


def _plain(changed: "Differences") -> list[dict[str, str]]:
    return [{"name": name, "a": before, "b": after} for name, before, after in changed]
