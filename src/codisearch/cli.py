"""The command line: search with a bundle."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import codisearch
from codisearch.comparison_commands import compare, runs
from codisearch.corpus.commands import corpus_app
from codisearch.errors import CodisearchError
from codisearch.generation_commands import generation_app
from codisearch.languages import LANGUAGES, check_language

if TYPE_CHECKING:
    from codisearch.retrieval.retriever import Hit

DEFAULT_BUNDLE = Path("data/06_models/bundle")

app = typer.Typer(
    help="Find the ICD-10-CM code of a clinical phrase in six languages.",
    no_args_is_help=True,
    add_completion=False,
)
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


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="A clinical phrase, for example: dolor torácico opresivo")],
    language: Annotated[str | None, typer.Option(help=f"Its language: {', '.join(LANGUAGES)}.")] = None,
    top: Annotated[int, typer.Option(help="How many codes, 1 to 100.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    bundle: Annotated[
        Path, typer.Option(envvar="CODISEARCH_BUNDLE", help="The bundle to search with.")
    ] = DEFAULT_BUNDLE,
) -> None:
    """Print the codes that fit a phrase best, with the text that matched."""
    if language is not None:
        check_language(language)  # before the bundle is opened, which takes a while

    from codisearch.retrieval.retriever import Retriever

    hits = Retriever.load(bundle).search(query, language=language, top=top)
    if as_json:
        typer.echo(json.dumps([asdict(hit) for hit in hits], ensure_ascii=False, indent=2))
    else:
        Console().print(_table(query, hits))


def _table(query: str, hits: "Sequence[Hit]") -> Table:
    table = Table(
        title=Text(query),  # brackets in a string would be read as markup
        title_justify="left",
        caption="Suggestions for a coder to check, not for billing as they are.",
    )
    table.add_column("code", style="bold", no_wrap=True)
    table.add_column("title")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("matched text")
    table.add_column("billable", no_wrap=True)
    for hit in hits:
        matched = f"{hit.alias} ({hit.alias_language}, {hit.alias_source.replace('_', ' ')})"
        billable = "yes" if hit.billable else "no"
        table.add_row(hit.code, Text(hit.title), f"{hit.score:.3f}", Text(matched), billable)
    return table


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
