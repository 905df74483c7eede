"""`codisearch code`: a file of clinical phrases in, a file of codes out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console

from codisearch.command_options import DEFAULT_BUNDLE, BundleOption
from codisearch.errors import InputError
from codisearch.languages import LANGUAGES, check_language

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from codisearch.coding.params import CodingParams
    from codisearch.coding.runner import Outcome

_QUIET: Final = os.environ.get("TQDM_DISABLE", "") not in {"", "0"}  # read before the program silences models
_INTERRUPTED: Final = 130  # 128 and the number of SIGINT, as shells have it
_SEPARATORS: Final = {"tab": "\t", "\\t": "\t"}


def code(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX or JSON Lines; - is standard input.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="What to write; - is standard output. Default: beside the input."
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="csv, jsonl, usagi, sssom or fhir. Default: by the output's name."),
    ] = None,
    output_separator: Annotated[
        str | None,
        typer.Option(help="What separates the fields of a CSV output: , ; | or tab. Default: the input's."),
    ] = None,
    column: Annotated[str | None, typer.Option(help="The column of phrases. Default: guessed.")] = None,
    id_column: Annotated[str | None, typer.Option(help="The column of identifiers. Default: `id`.")] = None,
    language_column: Annotated[
        str | None, typer.Option(help="The column of languages. Default: `language`.")
    ] = None,
    frequency_column: Annotated[
        str | None, typer.Option(help="The column of frequencies, for Usagi. Default: `frequency`.")
    ] = None,
    input_format: Annotated[
        str | None, typer.Option(help="csv, tsv, xlsx or jsonl. Default: by the input's name.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the input.")] = "utf-8",
    separator: Annotated[
        str | None, typer.Option(help="What separates the fields of a CSV: , ; | or tab. Default: guessed.")
    ] = None,
    header_row: Annotated[
        int | None,
        typer.Option(help="Line or row with the names of the columns. Default: the first that is not empty."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook. Default: the first.")] = None,
    language: Annotated[
        str | None, typer.Option(help=f"Language of the phrases: {', '.join(LANGUAGES)}. Default: detected.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many codes a phrase, 1 to 20.")] = 1,
    billable_only: Annotated[
        bool, typer.Option("--billable-only", help="Only codes that can be billed.")
    ] = False,
    chapter: Annotated[str | None, typer.Option(help="Only codes of this chapter, such as 9.")] = None,
    under: Annotated[str | None, typer.Option(help="Only this code and those below it, such as E11.")] = None,
    precision: Annotated[
        float | None, typer.Option(help="Share of known codes that should be right, 0.5 to 0.99.")
    ] = None,
    batch: Annotated[int, typer.Option(help="How many rows at a time.")] = 256,
    source_system: Annotated[
        str | None, typer.Option(help="URI of your phrases as a code system, for SSSOM and FHIR.")
    ] = None,
    license_uri: Annotated[
        str | None, typer.Option("--license", help="URI of the licence of the mappings, for SSSOM.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Drop what an interrupted run did.")] = False,
    bundle: BundleOption = DEFAULT_BUNDLE,
) -> None:
    """Code a file of clinical phrases; the same command goes on with a run that was interrupted.

    A file that was coded and reviewed (columns `code` and `review`) is coded again: approved codes stay and
    are checked against the present code set, rejected ones are not proposed again.
    """
    from codisearch.coding.report import print_summary
    from codisearch.coding.targets import check_other_file, target_of

    output, output_format = target_of(file, output, to)
    if output_separator is not None and output_format != "csv":
        raise InputError(f"--output-separator is for CSV alone, and {output} is {output_format}.")
    params = _params(
        read={
            "path": file,
            "format": input_format or _input_format(file),
            "encoding": encoding,
            "separator": separator and _SEPARATORS.get(separator, separator),
            "header_row": header_row,
            "sheet": sheet,
            "column": column,
            "id_column": id_column,
            "language_column": language_column,
            "frequency_column": frequency_column,
        },
        search={
            "batch": batch,
            "top": top,
            "language": language and check_language(language),
            "billable_only": billable_only,
            "chapter": chapter,
            "under": under,
            "precision": precision,
        },
        write={
            "path": output,
            "format": output_format,
            "separator": output_separator and _SEPARATORS.get(output_separator, output_separator),
            **_given(source_system=source_system, license=license_uri),
        },
    )
    _check_search(params)  # before the bundle is opened, which takes a while
    check_other_file(file, output)
    if output.exists() and not overwrite:
        raise InputError(f"{output} exists: choose another with --output, or replace it with --overwrite.")
    outcome = _run(params, bundle, restart=restart)
    to_stream = str(output) == "-"
    console = Console(stderr=to_stream)
    print_summary(outcome, console)
    if not to_stream:
        console.print(f"Written: {output}", highlight=False, markup=False, soft_wrap=True)


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _input_format(file: Path) -> str:
    from codisearch.coding.readers import format_of

    return format_of(file)


def _params(**parts: dict[str, Any]) -> "CodingParams":
    from codisearch.coding.params import CodingParams

    try:
        return CodingParams.model_validate(parts)
    except ValidationError as error:
        raise InputError(f"{'; '.join(_problem(one) for one in error.errors())}.") from error


def _problem(detail: "ErrorDetails") -> str:
    part, name = str(detail["loc"][0]), str(detail["loc"][-1])
    options = {("read", "format"): "input-format", ("write", "separator"): "output-separator"}
    option = options.get((part, name), name.replace("_", "-"))
    return f"--{option} {detail['input']!r}: {detail['msg'].removeprefix('Value error, ')}"


def _check_search(params: "CodingParams") -> None:
    from codisearch.retrieval.queries import SearchOptions

    asked = params.search
    SearchOptions(
        language=asked.language, chapter=asked.chapter, under=asked.under, precision=asked.precision
    ).checked()


def _run(params: "CodingParams", bundle: Path, *, restart: bool) -> "Outcome":
    from codisearch.coding.params import STREAM
    from codisearch.coding.progress import Progress
    from codisearch.coding.report import interrupted, understood
    from codisearch.coding.runner import code_file, code_stream, inspect_input

    if STREAM in {params.read.path, params.write.path}:
        typer.echo("With standard input or output, an interrupted run cannot be gone on with.", err=True)
        from codisearch.retrieval.retriever import Retriever

        retriever = Retriever.load(bundle)
        with Progress(quiet=_QUIET) as progress:
            return code_stream(params, retriever, progress, restart=restart)
    inspection = inspect_input(params)  # before the bundle is opened, which takes a while
    typer.echo("\n".join(understood(inspection)), err=True)
    from codisearch.retrieval.retriever import Retriever

    try:
        retriever = Retriever.load(bundle)
        with Progress(inspection.rows, quiet=_QUIET) as progress:
            return code_file(params, retriever, inspection, progress, restart=restart)
    except KeyboardInterrupt:
        typer.echo(interrupted(params.write.path, inspection.rows), err=True)
        raise typer.Exit(_INTERRUPTED) from None
