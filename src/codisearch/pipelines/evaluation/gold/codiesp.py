"""The CodiEsp corpus as it is published: Spanish mentions with codes and spans, and documents with codes.

Miranda-Escalada et al. 2020, Zenodo 3837305; the codes that the annotators could give are Zenodo 3632523.
`<split>X.tsv` has document, label, code, mention and spans, `<split>D.tsv` document and code, without header.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Final

from codisearch.codes import normalise_code
from codisearch.errors import InputError
from codisearch.pipelines.evaluation.gold.rows import DOCUMENT_STYLE, MENTION_STYLE, Row, clean
from codisearch.pipelines.evaluation.gold.sources import Files, FolderFiles
from codisearch.pipelines.evaluation.gold.text import decode

MISFIT: Final = "row that does not have the columns of CodiEsp"
PROCEDURE: Final = "procedure"
UNKNOWN_LABEL: Final = "unknown label"
NO_TEXT: Final = "document without its text"
OTHER_SPANS: Final = "mention that its spans do not give"
LANGUAGE: Final = "es"
CODES_FILE: Final = "codiesp-D_codes.tsv"
_TEXTS: Final = "text_files"
_SPLITS: Final = ("train", "dev", "test")
_ANNOTATIONS: Final = re.compile(r"(?P<split>.*)(?P<kind>[XD])\.tsv")
_LABELS: Final = {"DIAGNOSTICO": "", "PROCEDIMIENTO": PROCEDURE}
_MENTION_CELLS: Final = (4, 5)  # the first editions had no spans
_DOCUMENT_CELLS: Final = 2
_SHOWN: Final = 5


@dataclass(frozen=True)
class Annotations:
    """One file of annotations: of mentions (`X`) or of documents (`D`)."""

    name: str
    split: str
    kind: str

    @classmethod
    def of(cls, name: str) -> "Annotations | None":
        """Return what the name of a file says; None if it is not one of annotations."""
        found = _ANNOTATIONS.fullmatch(PurePosixPath(name).name)
        return cls(name, found["split"], found["kind"]) if found else None


@dataclass
class Corpus:
    """The annotation files to read and the texts beside them.

    Attributes:
        files: Where they come from.
        annotations: In the order in which they are read.
        encoding: Of all files; None: UTF-8.
    """

    files: Files
    annotations: Sequence[Annotations]
    encoding: str | None = None
    _texts: dict[str, str | None] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Yield every row of the annotation files."""
        of_mentions = {part.split for part in self.annotations if part.kind == "X"}
        for part in self.annotations:
            where = f"{PurePosixPath(part.name).name}, " if len(self.annotations) > 1 else ""
            style = f"{MENTION_STYLE} ({part.split})" if len(of_mentions) > 1 else MENTION_STYLE
            for number, line in enumerate(self._text_of(part.name).split("\n"), start=1):
                if line.strip():
                    row = Row(f"{where}line {number}", line, language=LANGUAGE, style=style, group=part.split)
                    cells = line.rstrip("\r").split("\t")
                    yield (
                        self._mention(row, part, cells)
                        if part.kind == "X"
                        else self._document(row, part, cells)
                    )

    def own_codes(self) -> list[str] | None:
        """Return the codes of the corpus's own list; None if it is not among the files."""
        names = [name for name in self.files.names if PurePosixPath(name).name == CODES_FILE]
        if not names:
            return None
        cells = (line.partition("\t")[0] for line in self._text_of(min(names)).split("\n"))
        return [code for cell in cells if (code := _normalised(cell))]

    def _text_of(self, name: str) -> str:
        return decode(self.files.read(name), name, self.encoding)

    def _document_text(self, part: Annotations, document: str) -> str | None:
        """Return the text of a document, None if it is not there; only names that were listed are opened."""
        name = (PurePosixPath(part.name).parent / _TEXTS / f"{document}.txt").as_posix()
        if name not in self._texts:
            self._texts[name] = self._text_of(name) if name in self.files.names else None
        return self._texts[name]

    def _mention(self, row: Row, part: Annotations, cells: list[str]) -> Row:
        """Return a row of an `X` file."""
        if len(cells) not in _MENTION_CELLS:
            return replace(row, fault=MISFIT)
        document, label, code, mention = map(clean, cells[:4])
        spans = clean(cells[4]) if len(cells) == max(_MENTION_CELLS) else ""
        text = self._document_text(part, document) if spans else None
        agrees = text is None or mention == text_of_spans(text, spans)
        return replace(
            row,
            query=mention,
            code=code,
            fault=_LABELS.get(label.upper(), UNKNOWN_LABEL),
            notes=() if agrees else (OTHER_SPANS,),
        )

    def _document(self, row: Row, part: Annotations, cells: list[str]) -> Row:
        """Return a row of a `D` file."""
        if len(cells) != _DOCUMENT_CELLS:
            return replace(row, fault=MISFIT)
        document, code = map(clean, cells)
        text = self._document_text(part, document)
        return replace(
            row,
            query=clean(text),
            code=code,
            style=DOCUMENT_STYLE,
            group=f"{part.split}/{document}",
            fault=NO_TEXT if text is None else "",
        )


def open_corpus(files: Files, encoding: str | None, *, documents: bool) -> Corpus:
    """Return the corpus among `files`: the annotations of mentions and, if wanted, of documents.

    Raises:
        InputError: If there is none, or more than one.
    """
    kinds = "XD" if documents else "X"
    found = [part for name in sorted(files.names) if (part := Annotations.of(name)) and part.split in _SPLITS]
    wanted = sorted(
        (part for part in found if part.kind in kinds),
        key=lambda part: (part.kind == "D", _SPLITS.index(part.split)),
    )
    if not wanted:
        names = clean(", ".join(sorted(files.names)[:_SHOWN])) or "nothing"
        raise InputError(
            f"No CodiEsp files in {files.label}: expected trainX.tsv, devX.tsv or testX.tsv; "
            f"found {len(files.names):,} files: {names}."
        )
    for part, other in pairwise(wanted):
        if (part.kind, part.split) == (other.kind, other.split):
            raise InputError(
                f"{files.label} has both {part.name} and {other.name}: name the folder of one corpus."
            )
    return Corpus(files, wanted, encoding)


def open_annotations(folder: Path, part: Annotations, encoding: str | None, *, documents: bool) -> Corpus:
    """Return the corpus of one annotation file, with the texts and the list of codes that lie beside it."""
    texts = folder / _TEXTS
    names = {
        part.name,
        *(f"{_TEXTS}/{name}" for name in (FolderFiles.of(texts).names if texts.is_dir() else ())),
    }
    beside = [f"{part.split}D.tsv"] if documents and part.kind == "X" else []
    names |= {name for name in (CODES_FILE, *beside) if (folder / name).is_file()}
    parts = [part, *(other for name in beside if name in names and (other := Annotations.of(name)))]
    return Corpus(FolderFiles(folder, frozenset(names)), parts, encoding)


def text_of_spans(text: str, spans: str) -> str | None:
    """Return what stands at spans like `12 20;25 30`, joined by spaces; None if they are not of that form."""
    pieces = []
    for span in spans.split(";"):
        ends = span.split()
        if len(ends) != 2 or not all(end.isdecimal() and len(end) < 10 for end in ends):  # noqa: PLR2004
            return None
        pieces.append(text[int(ends[0]) : int(ends[1])])
    return clean(" ".join(pieces))


def _normalised(cell: str) -> str | None:
    try:
        return normalise_code(cell)
    except InputError:
        return None
