"""`codisearch generation`: what a run of a language model will cost, and what its ledger holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from codisearch.configuration import dataset_path, load_code_set_of, parameters_of
from codisearch.errors import InputError

if TYPE_CHECKING:
    from codisearch.generators.ledger import Ledger, Totals

generation_app = typer.Typer(
    help="Plan pairs that a language model writes, and look at the ledger.", no_args_is_help=True
)

Env = Annotated[str, typer.Option(help="The environment whose configuration holds.")]
Conf = Annotated[Path, typer.Option(help="The project's configuration.")]


@generation_app.command()
def plan(
    env: Env = "paper",
    conf: Conf = Path("conf"),
    generator: Annotated[
        str | None, typer.Option(help="Who is asked: a name under generation.models.")
    ] = None,
    under: Annotated[
        list[str] | None, typer.Option(help="Only codes at or below this one; repeatable.")
    ] = None,
    codes: Annotated[Path | None, typer.Option(help="A file of codes.")] = None,
    every: Annotated[bool, typer.Option("--all-codes", help="All billable codes.")] = False,
    limit: Annotated[int | None, typer.Option(help="So many codes, evenly spread.", min=1)] = None,
    language: Annotated[list[str] | None, typer.Option(help="Only this language; repeatable.")] = None,
    batch: Annotated[bool, typer.Option("--batch", help="As batch jobs, at a lower price.")] = False,
) -> None:
    """Print requests, tokens, money and time of a run, before it; nothing is sent, and no key is needed."""
    from codisearch.generators.ledger import Ledger
    from codisearch.pipelines.code_set.nodes import load_code_notes
    from codisearch.pipelines.code_set.params import CodeSetParams
    from codisearch.pipelines.generation.console import render_plan
    from codisearch.pipelines.generation.nodes import plan_generation
    from codisearch.pipelines.generation.params import GenerationParams

    chosen = {"under": under, "file": codes, "which": "billable" if every else None, "limit": limit}
    changes: dict[str, Any] = {"codes": {name: value for name, value in chosen.items() if value}}
    if every:
        changes["codes"]["file"] = None
    given = {"generator": generator, "languages": language, "mode": "batch" if batch else None}
    changes |= {name: value for name, value in given.items() if value}
    params = parameters_of(conf, "generation", GenerationParams, env, changes)
    if not params.live:
        raise InputError(f"generation.generator is {params.generator} in {env}: there is nothing to send.")
    code_set = load_code_set_of(conf, env)
    notes = load_code_notes(code_set, parameters_of(conf, "code_set", CodeSetParams, env))
    prompts = {path.stem: path.read_text for path in (conf / "base" / "prompts").glob("*.md")}
    ledger = Ledger(dataset_path(conf, "ledger", env))
    _, planned = plan_generation(code_set, notes, _listed(conf, env), prompts, ledger, params)
    Console().print(render_plan(planned))


@generation_app.command()
def ledger(
    env: Env = "paper",
    conf: Conf = Path("conf"),
    file: Annotated[Path | None, typer.Option(help="Another ledger than the environment's.")] = None,
) -> None:
    """Print what a ledger's requests came to, and which batch jobs are open; also while a run is writing."""
    from codisearch.generators.ledger import Ledger

    path = file or dataset_path(conf, "ledger", env)
    if not path.exists():
        raise InputError(f"No ledger at {path}: nothing was asked yet, or --env or --file name another.")
    Console().print(_table(Ledger(path)))


def _table(ledger: "Ledger") -> Table:
    tasks: dict[str, Totals] = {"queries": ledger.totals("queries"), "audit": ledger.totals("audit")}
    columns = {**tasks, "together": ledger.totals()}
    jobs = ledger.open_jobs()
    waiting = sum(len(job.keys) for job in jobs)
    caption = f"{len(jobs)} batch jobs are open, with {waiting:,} requests." if jobs else None
    table = Table(title=str(ledger.path), title_justify="left", caption=caption, caption_justify="left")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    table.add_row("requests sent", *(f"{totals.spent.requests:,}" for totals in columns.values()))
    table.add_row("answers", *(f"{totals.spent.answers:,}" for totals in columns.values()))
    table.add_row("without an answer", *(f"{totals.unanswered:,}" for totals in columns.values()))
    for fault in columns["together"].faults:
        table.add_row(f"  {fault}", *(f"{totals.faults.get(fault, 0):,}" for totals in columns.values()))
    table.add_row("tokens in", *(f"{totals.spent.input_tokens:,}" for totals in columns.values()))
    table.add_row("tokens out", *(f"{totals.spent.output_tokens:,}" for totals in columns.values()))
    table.add_row("money", *(f"{totals.spent.money:,.4f}" for totals in columns.values()))
    return table


def _listed(conf: Path, env: str) -> Any:  # noqa: ANN401  # a frame; pandas is not loaded for --help
    import pandas as pd

    path = dataset_path(conf, "listed_codes", env)
    try:
        return pd.read_csv(path, dtype="str", keep_default_na=False)
    except OSError as error:
        raise InputError(f"The list of codes {path} cannot be read: {error}.") from error
