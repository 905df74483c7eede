"""Croissant metadata of the corpus (https://docs.mlcommons.org/croissant/), made of the files as they are."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from codisearch.corpus.tables import ANSWERS, CONFUSABLES, LISTED
from codisearch.datasets.corpus_rows import COLUMNS
from codisearch.errors import InputError
from codisearch.files import sha256_of
from codisearch.languages import LANGUAGE_NAMES, LANGUAGES

METADATA: Final = "croissant.json"
VERSION: Final = "2.0.0"
"""Version of the corpus: the first number rises when rows change their meaning, the second when rows come."""
_LICENSE: Final = "https://creativecommons.org/licenses/by/4.0/"
_HOME: Final = "https://arxiv.org/abs/2605.30529"
_FIELDS: Final = {
    "pair_id": "Unique id of the pair.",
    "query": "The clinical phrase; for the style `title` the title of the code.",
    "code": "ICD-10-CM code, dotted.",
    "language": "en, es, ca, it, pt or fr.",
    "style": "formal, shorthand, lay or title.",
    "noise": "Empty, or what is misspelled on purpose: accents or typo.",
    "source": "The generator.",
    "prompt_hash": "First 12 digits of the SHA-256 of the prompt file.",
    "created": "Date, ISO 8601.",
    "chapter": "Chapter of the code.",
    "frequency": "How often coders meet the code: common or rare.",
    "why": "Why the code is in the list.",
    "confusable": "A plausible wrong code.",
    "qualifier": "By what the confusable code differs.",
    "difference": "The difference in words.",
    "round": "Round of the audit.",
    "answer": "The code that the blind reader gave; may be empty.",
}


class _Set(NamedTuple):
    """A file of the corpus as a record set."""

    name: str
    path: str
    columns: tuple[str, ...]
    description: str


_TABLES: Final = (
    (LISTED, "The listed codes."),
    (CONFUSABLES, "Confusable codes."),
    (ANSWERS, "Answers of the audits."),
)
_SETS: Final = (
    *(_Set(tag, f"{tag}.csv", COLUMNS, f"Pairs in {LANGUAGE_NAMES[tag]}.") for tag in LANGUAGES),
    *(_Set(Path(table.path).stem, table.path, table.columns, text) for table, text in _TABLES),
)


def describe(folder: Path, version: str, published: str) -> dict[str, Any]:
    """Return the Croissant document of a corpus folder, as JSON-LD.

    Args:
        folder: The corpus; its language files and tables are described as they are, with their SHA-256.
        version: Version of the data set.
        published: Date of publication, ISO 8601.
    """
    import mlcroissant as mlc  # type: ignore[import-untyped]

    context = mlc.Context(conforms_to="http://mlcommons.org/croissant/1.0")
    present = [entry for entry in _SETS if (folder / entry.path).is_file()]
    metadata = mlc.Metadata(
        ctx=context,
        name="codisearch-corpus",
        description=(
            "Clinical queries and titles in English, Spanish, Catalan, Italian, Portuguese and French "
            "with their ICD-10-CM codes, confusable codes and blind audits. Written by a language model; "
            "not verified by clinicians; not for billing decisions."
        ),
        license=[_LICENSE],
        url=_HOME,
        version=version,
        date_published=datetime.fromisoformat(published),
        cite_as="codisearch contributors: codisearch corpus, " + version,
        in_language=list(LANGUAGES),
        distribution=[_file(mlc, context, folder, entry) for entry in present],
        record_sets=[_records(mlc, context, entry) for entry in present],
    )
    document: dict[str, Any] = metadata.to_json()
    return document


def _file(mlc: Any, context: Any, folder: Path, entry: _Set) -> Any:  # noqa: ANN401
    return mlc.FileObject(
        ctx=context,
        id=f"{entry.name}-file",
        name=entry.path,
        content_url=entry.path,
        encoding_formats=["text/csv"],
        sha256=sha256_of(folder / entry.path),
    )


def _records(mlc: Any, context: Any, entry: _Set) -> Any:  # noqa: ANN401
    fields = [
        mlc.Field(
            ctx=context,
            id=f"{entry.name}/{column}",
            name=column,
            description=_FIELDS[column],
            data_types=[mlc.DataType.TEXT],
            source=mlc.Source(
                ctx=context, file_object=f"{entry.name}-file", extract=mlc.Extract(ctx=context, column=column)
            ),
        )
        for column in entry.columns
    ]
    return mlc.RecordSet(
        ctx=context, id=entry.name, name=entry.name, description=entry.description, fields=fields
    )


def write_metadata(folder: Path, version: str, published: str) -> Path:
    """Write the metadata of a corpus folder into it and return the file."""
    path = folder / METADATA
    text = json.dumps(describe(folder, version, published), indent=1, ensure_ascii=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")
    validate(path)
    return path


def validate(path: Path) -> None:
    """Check a Croissant file with the `mlcroissant` package.

    Raises:
        InputError: If the package finds errors, with all of them.
    """
    import mlcroissant as mlc

    try:
        dataset = mlc.Dataset(jsonld=str(path))
    except mlc.ValidationError as error:
        raise InputError(f"{path} is no valid Croissant document: {error}") from error
    errors = sorted(dataset.metadata.issues.errors)
    if errors:
        raise InputError(f"{path} is no valid Croissant document: {'; '.join(errors)}")


def stale_files(folder: Path) -> list[str]:
    """Return the files that are no longer what the metadata of a corpus folder says, if it has any."""
    path = folder / METADATA
    if not path.is_file():
        return []
    files = json.loads(path.read_text(encoding="utf-8")).get("distribution", [])
    named = {entry["contentUrl"]: entry.get("sha256") for entry in files}
    return [
        name
        for name, digest in named.items()
        if not (folder / name).is_file() or sha256_of(folder / name) != digest
    ]
