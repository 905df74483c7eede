"""Real mentions from a path: which adapter reads it, and what it gives."""

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final

from codisearch.errors import InputError
from codisearch.files import sha256_of
from codisearch.languages import check_language
from codisearch.pipelines.evaluation.gold.codiesp import Annotations, Corpus, open_annotations, open_corpus
from codisearch.pipelines.evaluation.gold.mentions import Collector, Gold, SortedCodes
from codisearch.pipelines.evaluation.gold.rows import Row
from codisearch.pipelines.evaluation.gold.sources import FolderFiles, fingerprint, open_zip, read_file
from codisearch.pipelines.evaluation.gold.tables import has_columns, read_json_lines, read_table
from codisearch.pipelines.evaluation.gold.text import decode

_JSON_LINES: Final = (".jsonl", ".ndjson", ".json")
_ZIP_MARK: Final = b"PK\x03\x04"


def read_gold(
    path: str | Path,
    known_codes: Collection[str],
    training_codes: Collection[str],
    default_language: str,
    *,
    encoding: str | None = None,
    documents: bool = False,
) -> Gold:
    """Read mentions and their codes from a table or from the CodiEsp corpus.

    A table is a CSV, TSV or JSON-lines file with the columns `query`, `code` and perhaps `language` and
    `source`, in any order and case; others are ignored. Rows with the same query (whatever its case and
    spacing) and language become one query with several codes. Up to 12 different sources become styles.

    CodiEsp is the published zip, a folder that holds it, or one of its `X.tsv` and `D.tsv` files. Its
    mentions are merged within a split, so that each split is whole.

    A code without its seventh character is kept as it is where longer codes begin with it; score such a file
    with `match="prefix"`.

    Args:
        path: The file or folder.
        known_codes: All codes of the code set.
        training_codes: Codes with a pair in the training split; a query is seen if one of its codes, or a
            longer one that begins with it, is among them.
        default_language: The language of rows that do not name theirs.
        encoding: Of the files, a Python codec; None: UTF-8, or UTF-16 with its byte order mark.
        documents: Whether each document of CodiEsp with the codes of its `D.tsv` becomes a query too; one
            `D.tsv` file by itself always is read so, and tables have none.

    Raises:
        InputError: If the path cannot be read, lacks a column or holds no usable row.
    """
    fallback = check_language(default_language)
    path = Path(path)
    try:
        rows, own_codes, origin = _read(path, encoding, documents=documents)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"Cannot read the gold file {str(path)!r}: {reason}.") from error
    collector = Collector(
        SortedCodes.of(known_codes), None if own_codes is None else SortedCodes.of(own_codes), fallback
    )
    for row in rows:
        collector.add(row)
    if not collector.mentions:
        reasons = ", ".join(f"{count} x {reason}" for reason, count in collector.skipped.most_common())
        raise InputError(
            f"No usable row in {path}: expected a query and an ICD-10-CM code in each, "
            f"found {reasons or 'it is empty'}."
        )
    return collector.as_gold(SortedCodes.of(training_codes), {"file": path.name, **origin})


def _read(
    path: Path, encoding: str | None, *, documents: bool
) -> tuple[Iterable[Row], list[str] | None, dict[str, Any]]:
    """Return the rows of a path, the codes of the gold's own list, and what there is to say of its origin."""
    if path.is_dir():
        files = FolderFiles.of(path)
        corpus = open_corpus(files, encoding, documents=documents)
        names = [part.name for part in corpus.annotations]
        return _of_corpus(corpus, fingerprint(files, names))
    data = read_file(path)
    if path.suffix.lower() == ".zip" or data.startswith(_ZIP_MARK):
        with open_zip(path) as members:
            return _of_corpus(open_corpus(members, encoding, documents=documents), sha256_of(path))
    digest = hashlib.sha256(data).hexdigest()
    text = decode(data, str(path), encoding)
    if (part := Annotations.of(path.name)) and not has_columns(text):
        return _of_corpus(open_annotations(path.parent, part, encoding, documents=documents), digest)
    read = read_json_lines if path.suffix.lower() in _JSON_LINES else read_table
    table = read(text, str(path))
    return table.rows, None, {"sha256": digest, "format": "table", "sources": table.sources}


def _of_corpus(corpus: Corpus, digest: str) -> tuple[list[Row], list[str] | None, dict[str, Any]]:
    """Return the same for CodiEsp; the rows are read while its files are open."""
    own_codes = corpus.own_codes()
    origin = {
        "sha256": digest,
        "format": "CodiEsp",
        "annotation files": [part.name for part in corpus.annotations],
        "codes on its own list": "no list" if own_codes is None else len(set(own_codes)),
    }
    return list(corpus.rows()), own_codes, origin
