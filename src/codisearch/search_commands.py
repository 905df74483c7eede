"""Commands that ask a bundle: `search`, `lookup`, `info`."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from codisearch.command_options import DEFAULT_BUNDLE, BundleOption
from codisearch.languages import LANGUAGES, check_language

if TYPE_CHECKING:
    from codisearch.retrieval.answers import Answer, CodeCard, Hit

LanguageOption = Annotated[
    str | None, typer.Option(help=f"Language of query and titles: {', '.join(LANGUAGES)}. Default: detected.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def search(
    query: Annotated[
        str, typer.Argument(help="A clinical phrase, for example: dolor torácico opresivo; or a code.")
    ],
    language: LanguageOption = None,
    top: Annotated[int, typer.Option(help="How many codes, 1 to 100.")] = 5,
    billable_only: Annotated[bool, typer.Option(help="Only codes that can be billed.")] = False,
    chapter: Annotated[str | None, typer.Option(help="Only a chapter, 1 to 22.")] = None,
    under: Annotated[str | None, typer.Option(help="Only a code and those below it, such as E11.")] = None,
    rerank: Annotated[bool, typer.Option(help="Whether the second stage reads the first codes.")] = True,
    groups: Annotated[
        bool, typer.Option(help="Codes that differ by one qualifier, such as the side, as one answer.")
    ] = False,
    precision: Annotated[
        float | None,
        typer.Option(help="Share of right first answers to ask for, 0.5 to 0.99; below: I do not know."),
    ] = None,
    as_json: JsonOption = False,
    bundle: BundleOption = DEFAULT_BUNDLE,
) -> None:
    """Print the codes that fit a phrase best, with the reason and how likely each is."""
    from codisearch.retrieval.queries import SearchOptions

    SearchOptions(
        language, top, chapter=chapter, under=under, precision=precision
    ).checked()  # before the wait
    from codisearch.retrieval.retriever import Retriever

    answer = Retriever.load(bundle).search(
        query,
        language,
        top,
        billable_only=billable_only,
        chapter=chapter,
        under=under,
        rerank=rerank,
        grouped=groups,
        precision=precision,
    )
    if as_json:
        _print_json(answer.to_dict())
    else:
        Console().print(_table(answer))


def lookup(
    code: Annotated[str, typer.Argument(help="A code, such as E11.9 or e119.")],
    language: LanguageOption = None,
    as_json: JsonOption = False,
    bundle: BundleOption = DEFAULT_BUNDLE,
) -> None:
    """Print what a code means, where it stands in the tree, and what it is easily confused with."""
    if language is not None:
        check_language(language)
    from codisearch.retrieval.retriever import Retriever

    card = Retriever.load(bundle).lookup(code, language)
    if as_json:
        _print_json(card.to_dict())
    else:
        Console().print(_card(card))


def info(as_json: JsonOption = False, bundle: BundleOption = DEFAULT_BUNDLE) -> None:
    """Print what a bundle is made of: release, codes, models, and which precisions it can promise."""
    from codisearch.retrieval.bundle import read_confidence, read_manifest

    manifest = read_manifest(bundle)
    promises = read_confidence(bundle).two_stage.thresholds
    facts: dict[str, Any] = manifest.model_dump(mode="json", exclude={"checksums"})
    if as_json:
        _print_json({**facts, "thresholds": [one.model_dump() for one in promises]})
        return
    table = Table(title=f"Bundle {bundle}", title_justify="left", show_header=False)
    for name, value in facts.items():
        shown = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
        table.add_row(name.replace("_", " "), Text(str(shown)))
    for one in promises[::10]:
        reached = f"likely {100 * one.probability:.0f} % or more: {100 * one.coverage:.0f} % of the answers"
        table.add_row(f"at precision {one.precision:.2f}", reached if one.coverage else "out of reach")
    Console().print(table)


def _print_json(value: Any) -> None:  # noqa: ANN401
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _table(answer: "Answer") -> Table:
    table = Table(
        title=Text(answer.query),  # brackets in a string would be read as markup
        title_justify="left",
        caption=_caption(answer),
    )
    table.add_column("code", style="bold", no_wrap=True)
    table.add_column("title")
    table.add_column("likely", justify="right", no_wrap=True)
    table.add_column("matched text")
    table.add_column("billable", no_wrap=True)
    if answer.groups:
        for group in answer.groups:
            _add_hits(table, group.hits)
            others = [
                choice for choice in group.choices if choice.code not in {hit.code for hit in group.hits}
            ]
            for choice in others[:_SHOWN_CHOICES]:
                told = Text(f"{choice.qualifier}: {choice.value}", style="dim")
                table.add_row(f"  {choice.code}", told, "", "", _yes(choice.billable))
            if len(others) > _SHOWN_CHOICES:
                table.add_row("", Text(f"and {len(others) - _SHOWN_CHOICES} more", style="dim"), "", "", "")
    else:
        _add_hits(table, answer.hits)
    return table


_SHOWN_CHOICES: Final = 4


def _add_hits(table: Table, hits: "Sequence[Hit]") -> None:
    for hit in hits:
        origin = ", ".join(filter(None, (hit.alias_language, hit.alias_source.replace("_", " "))))
        matched = Text(f"{hit.alias} ({origin})")
        likely = f"{100 * hit.probability:.0f} %"
        table.add_row(hit.code, Text(hit.title), likely, matched, _yes(hit.billable))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _caption(answer: "Answer") -> str:
    return f"{_doubt(answer)}Suggestions for a coder to check, not for billing as they are."


def _doubt(answer: "Answer") -> str:
    """Return why an answer is not sure, empty if it is."""
    if answer.known:
        return ""
    if answer.hits and answer.hits[0].alias_source == "code":
        return f"{answer.query} is no code of {answer.release} that may be shown; these are the nearest. "
    asked = f"Not sure: {100 * answer.precision:.0f} % right answers"
    if answer.threshold > 1:
        return f"{asked} are out of reach. "
    return f"{asked} need a first code that is likely to {100 * answer.threshold:.0f} %. "


def _card(card: "CodeCard") -> Table:
    table = Table(title=Text(f"{card.code} {card.title}"), title_justify="left", show_header=False)
    table.add_row("official title", Text(card.official_title))
    table.add_row("chapter", Text(f"{card.chapter} {card.chapter_title}"))
    table.add_row("billable", _yes(card.billable))
    lists = {
        "above": [f"{one.code} {one.title}" for one in card.path],
        "below": [f"{one.code} {one.title}" for one in card.children],
        "beside": [f"{one.code} {one.title}" for one in card.siblings],
        "titles": [f"{language}: {title}" for language, title in card.titles.items()],
        "includes": list(card.inclusion_terms),
        "excludes": list(card.excludes),
        "confused with": [
            f"{one.code} {one.title} ({one.qualifier}{': ' if one.difference else ''}{one.difference})"
            for one in card.confusables
        ],
    }
    for name, lines in lists.items():
        if lines:
            table.add_row(name, Text("\n".join(lines)))
    table.add_row("release", Text(card.release))
    return table
