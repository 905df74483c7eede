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

_File = Annotated[Path, typer.Argument(help="CSV, TSV, XLSX or JSON Lines; - is standard input.")]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="What to write; - is standard output. Default: beside the input."),
]
_To = Annotated[
    str | None, typer.Option(help="csv, jsonl, usagi, sssom or fhir. Default: by the output's name.")
]
_OutputSeparator = Annotated[
    str | None,
    typer.Option(help="What separates the fields of a CSV output: , ; | or tab. Default: the input's."),
]
_Column = Annotated[str | None, typer.Option(help="The column of phrases. Default: guessed.")]
_IdColumn = Annotated[str | None, typer.Option(help="The column of identifiers. Default: `id`.")]
_LanguageColumn = Annotated[str | None, typer.Option(help="The column of languages. Default: `language`.")]
_FrequencyColumn = Annotated[
    str | None, typer.Option(help="The column of frequencies, for Usagi. Default: `frequency`.")
]
_InputFormat = Annotated[
    str | None, typer.Option(help="csv, tsv, xlsx or jsonl. Default: by the input's name.")
]
_Encoding = Annotated[str, typer.Option(help="Encoding of the input.")]
_Separator = Annotated[
    str | None, typer.Option(help="What separates the fields of a CSV: , ; | or tab. Default: guessed.")
]
_HeaderRow = Annotated[
    int | None,
    typer.Option(help="Line or row with the names of the columns. Default: the first that is not empty."),
]
_Sheet = Annotated[str | None, typer.Option(help="The sheet of a workbook. Default: the first.")]
_Language = Annotated[
    str | None, typer.Option(help=f"Language of the phrases: {', '.join(LANGUAGES)}. Default: detected.")
]
_Top = Annotated[int, typer.Option(help="How many codes a phrase, 1 to 20.")]
_BillableOnly = Annotated[bool, typer.Option("--billable-only", help="Only codes that can be billed.")]
_Chapter = Annotated[str | None, typer.Option(help="Only codes of this chapter, such as 9.")]
_Under = Annotated[str | None, typer.Option(help="Only this code and those below it, such as E11.")]
_Precision = Annotated[
    float | None, typer.Option(help="Share of known codes that should be right, 0.5 to 0.99.")
]
_Batch = Annotated[int, typer.Option(help="How many rows at a time.")]
_SourceSystem = Annotated[
    str | None, typer.Option(help="URI of your phrases as a code system, for SSSOM and FHIR.")
]
_License = Annotated[
    str | None, typer.Option("--license", help="URI of the licence of the mappings, for SSSOM.")
]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]
_Restart = Annotated[bool, typer.Option("--restart", help="Drop what an interrupted run did.")]


def code(
    file: _File,
    output: _Output = None,
    to: _To = None,
    output_separator: _OutputSeparator = None,
    column: _Column = None,
    id_column: _IdColumn = None,
    language_column: _LanguageColumn = None,
    frequency_column: _FrequencyColumn = None,
    input_format: _InputFormat = None,
    encoding: _Encoding = "utf-8",
    separator: _Separator = None,
    header_row: _HeaderRow = None,
    sheet: _Sheet = None,
    language: _Language = None,
    top: _Top = 1,
    billable_only: _BillableOnly = False,
    chapter: _Chapter = None,
    under: _Under = None,
    precision: _Precision = None,
    batch: _Batch = 256,
    source_system: _SourceSystem = None,
    license_uri: _License = None,
    overwrite: _Overwrite = False,
    restart: _Restart = False,
    bundle: BundleOption = DEFAULT_BUNDLE,
) -> None:
    """Code a file of clinical phrases; the same command goes on with a run that was interrupted.

    A file that was coded and reviewed (columns `code` and `review`) is coded again: approved codes stay and
    are checked against the present code set, rejected ones are not proposed again.
    """
    from codisearch.coding.targets import check_output, target_of

    output, output_format = target_of(file, output, to)
    check_output(file, output, overwrite=overwrite)
    if output_separator is not None and output_format != "csv":
        raise InputError(f"--output-separator is for CSV alone, and {output} is {output_format}.")
    params = _params(
        read={
            "path": file,
            "format": input_format or _input_format(file),
            "encoding": encoding,
            "separator": _separator(separator),
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
            "separator": _separator(output_separator),
            **_given(source_system=source_system, license=license_uri),
        },
    )
    _check_search(params)  # before the bundle is opened, which takes a while
    _report(_run(params, bundle, restart=restart), output)


def _report(outcome: "Outcome", output: Path) -> None:
    from codisearch.coding.params import STREAM
    from codisearch.coding.report import print_summary

    console = Console(stderr=output == STREAM)
    print_summary(outcome, console)
    if output != STREAM:
        console.print(f"Written: {output}", highlight=False, markup=False, soft_wrap=True)


def _separator(value: str | None) -> str | None:
    return value and _SEPARATORS.get(value, value)


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
