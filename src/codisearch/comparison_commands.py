"""`codisearch runs` and `codisearch compare`: which evaluations there are, and how two of them differ."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from codisearch.configuration import parameters_of
from codisearch.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run

    from codisearch.comparison import Comparison
    from codisearch.pipelines.evaluation.params import EvaluationParams
    from codisearch.tracked_runs import TrackedRuns

_MOST_PARAMETERS: Final = 30
_CAPTION: Final = (
    "p: corrected by Holm's method for the rows. effect: difference in standard deviations of the queries'"
    " differences. up/down: queries on which B is better, and worse."
)
_Differences = Sequence[tuple[str, str, str]]

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
    for heading in ("id", "name", "when (UTC)", "best system"):
        table.add_column(heading, no_wrap=True)
    table.add_column("recall@5", justify="right", no_wrap=True)
    for one in found:
        name, measured = Text(str(one.run.info.run_name)), f"{one.recall:.3f}" if one.best else ""
        table.add_row(one.run.info.run_id[:SHORT], name, when(one.run), Text(one.best), measured)
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
    from codisearch.comparison import check_metric, differing
    from codisearch.pipelines.evaluation.params import EvaluationParams

    check_metric(metric)
    params = parameters_of(conf, "evaluation", EvaluationParams)
    above = [store.parent_of(run) for run in sides]
    shared = differing(above[0].data.params, above[1].data.params)
    compared = list(_compare_systems(store, sides, system, metric, params))
    if as_json:
        content = [{**one.as_json(), "parameters": _plain(changed)} for one, changed in compared]
        everything = {"comparisons": content, "pipeline_parameters": _plain(shared)}
        typer.echo(json.dumps(everything, ensure_ascii=False, indent=2))
        return
    console = Console()
    for one, changed in compared:
        _print_comparison(console, one)
        _print_differences(console, changed, "Parameters of the two systems that differ")
    _print_differences(console, shared, "Parameters of the two pipeline runs that differ")


def _compare_systems(
    store: "TrackedRuns",
    sides: "tuple[Run, Run]",
    system: str | None,
    metric: str,
    params: "EvaluationParams",
) -> "Iterator[tuple[Comparison, _Differences]]":
    """Yield the comparison of each pair of systems, and the parameters in which the pair differs."""
    from codisearch.comparison import Ranked, compare_ranked, differing, pair_systems

    first, second = (store.systems_of(run) for run in sides)
    for names in pair_systems(list(first), list(second), system):
        pair = (first[names[0]], second[names[1]])
        before, after = (
            Ranked(_label(name, run, names[0] == names[1]), *_of_system(store.rankings_of(run), name))
            for name, run in zip(names, pair, strict=True)
        )
        compared = compare_ranked(before, after, metric, params.bootstrap, params.depth)
        yield compared, differing(pair[0].data.params, pair[1].data.params)


def _label(system: str, run: "Run", alike: bool) -> str:
    """Return a system's name, with the id of its run where both sides have that name."""
    from codisearch.tracked_runs import SHORT

    return f"{system} of {run.info.run_id[:SHORT]}" if alike else system


def _of_system(
    tables: "tuple[pd.DataFrame, pd.DataFrame]", system: str
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    queries, rankings = tables
    return queries, rankings[rankings["system"] == system]


def _print_comparison(console: Console, compared: "Comparison") -> None:
    from codisearch.pipelines.evaluation.reporting.document import format_interval

    table = Table(
        title=Text(f"{compared.metric}   A: {compared.before}   B: {compared.after}"),
        title_justify="left",
        caption=_CAPTION,
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
            f"{row.p_value:.3f}",
            f"{test.effect_size:+.2f}",
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


def _print_differences(console: Console, changed: _Differences, title: str) -> None:
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


def _plain(changed: _Differences) -> list[dict[str, str]]:
    return [{"name": name, "a": before, "b": after} for name, before, after in changed]
