"""`codisearch corpus`: check the corpus, and renew the figures of its card and its metadata."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codisearch.configuration import load_code_set_of, parameters_of

if TYPE_CHECKING:
    import pandas as pd

    from codisearch.corpus.checks import Checked
    from codisearch.corpus.figures import Figures
    from codisearch.pipelines.curation.params import CurationParams

CORPUS = Path("data/01_raw/corpus")

corpus_app = typer.Typer(help="Check the corpus of pairs and describe it.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option(help="The corpus.")]
Conf = Annotated[Path, typer.Option(help="The project's configuration, whose curation rules are applied.")]


@corpus_app.command()
def check(
    add: Annotated[
        list[Path] | None, typer.Option(help="A contributed file to check as part of the corpus; repeatable.")
    ] = None,
    folder: Folder = CORPUS,
    conf: Conf = Path("conf"),
    figures: Annotated[bool, typer.Option(help="Print the data card's figures if nothing is wrong.")] = True,
) -> None:
    """Name every row that breaks a rule, with file and line; if none does, print the data card's figures.

    Nothing is written. The exit status is 1 if anything is wrong.
    """
    from codisearch.corpus.card import render

    code_set, params = load_code_set_of(conf), _curation(conf)
    checked = _checked(folder, code_set, params, add or [])
    if figures:
        typer.echo(render(_measured(checked, code_set, params)))
    typer.echo(f"{len(checked.pairs)} pairs, nothing wrong.")


@corpus_app.command()
def card(folder: Folder = CORPUS, conf: Conf = Path("conf")) -> None:
    """Check the corpus, then write its figures into its README.md and its Croissant metadata."""
    from codisearch.corpus.card import write_card
    from codisearch.corpus.croissant import VERSION, write_metadata

    code_set, params = load_code_set_of(conf), _curation(conf)
    checked = _checked(folder, code_set, params, [])
    measured = _measured(checked, code_set, params)
    metadata = write_metadata(folder, VERSION, str(checked.pairs["created"].max()))
    typer.echo(write_card(measured, folder))
    typer.echo(metadata)


def _checked(folder: Path, code_set: "pd.DataFrame", params: "CurationParams", add: list[Path]) -> "Checked":
    """Return the checked corpus; print what is wrong and leave with status 1 if anything is."""
    from codisearch.corpus.checks import check_corpus

    checked = check_corpus(folder, code_set, params, add)
    for problem in checked.problems:
        typer.echo(str(problem))
    if checked.problems:
        files = len({problem.file for problem in checked.problems})
        typer.echo(
            f"codisearch: {len(checked.problems)} problems in {files} files; nothing was written.", err=True
        )
        raise typer.Exit(1)
    return checked


def _measured(checked: "Checked", code_set: "pd.DataFrame", params: "CurationParams") -> "Figures":
    from codisearch.corpus.figures import measure

    return measure(checked, code_set, params)


def _curation(conf: Path) -> "CurationParams":
    from codisearch.pipelines.curation.params import CurationParams

    return parameters_of(conf, "curation", CurationParams)
