"""The command line."""

import os
from typing import Annotated

import click
import typer

import codisearch
from codisearch.coding_commands import code
from codisearch.comparison_commands import compare, runs
from codisearch.corpus.commands import corpus_app
from codisearch.errors import CodisearchError
from codisearch.generation_commands import generation_app
from codisearch.search_commands import info, lookup, search
from codisearch.serving_commands import serve

app = typer.Typer(
    help="Find the ICD-10-CM code of a clinical phrase in six languages.",
    no_args_is_help=True,
    add_completion=False,
)
for command in (search, code, lookup, serve, info):
    app.command()(command)
app.add_typer(corpus_app, name="corpus")
app.add_typer(generation_app, name="generation")
app.command()(runs)
app.command()(compare)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(codisearch.__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Find the ICD-10-CM code of a clinical phrase in six languages."""


@click.group()
def cli() -> None:
    """Hold no commands: Kedro looks here for what a project adds to `kedro`, and codisearch adds nothing."""


def main() -> None:
    """Run the command line; errors that a user can mend are one line on standard error and exit status 1."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        app()
    except CodisearchError as error:
        typer.echo(f"codisearch: {' '.join(str(error).split())}", err=True)
        raise SystemExit(1) from None
