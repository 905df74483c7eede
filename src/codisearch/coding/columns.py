"""Which column of a file means what: as the user says, else guessed from names, else from the values."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from codisearch.coding.params import ReadParams
from codisearch.coding.rows import InputRow
from codisearch.errors import InputError

OWN: Final = (
    "code", "title", "probability", "known", "billable", "alias", "alias_language", "alias_source", "path",
    "release", "status", "note", "suggested", "review",
)  # fmt: skip
"""The columns that a coding adds, in their order."""
_OWN: Final = re.compile(rf"{'|'.join(OWN)}|(code|title|probability|billable)_\d+|alternatives")
_PHRASES: Final = """
    query text phrase term description diagnosis diagnosisname diagnosistext diagnosisdescription condition
    problem sourcename literal mention
    texto frase termino descripcion diagnostico diagnosticotexto descripciondiagnostico literaldiagnostico
    motivo enfermedad
    terme descripcio diagnostic malaltia
    testo termine descrizione diagnosi malattia
    termo descricao doenca
    texte libelle diagnosticprincipal maladie
"""
PHRASES: Final = frozenset(_PHRASES.split())
"""What columns of phrases are called in the six languages, without accents, spaces and punctuation."""
_IDS: Final = frozenset({"id"})
_LANGUAGES: Final = frozenset({"language"})
_FREQUENCIES: Final = frozenset({"frequency", "sourcefrequency"})
_LETTERS_OF_A_TEXT: Final = 4


@dataclass(frozen=True)
class Columns:
    """Which column means what.

    Attributes:
        phrase: The column of phrases.
        identifier: The column of identifiers, if any.
        language: The column of languages, if any.
        frequency: The column of frequencies, if any.
        reviewed: Whether the file was coded and reviewed before: it has `code` and `review`.
        kept: Name in the input -> name in the output, of the columns that the output keeps.
    """

    phrase: str
    identifier: str | None
    language: str | None
    frequency: str | None
    reviewed: bool
    kept: Mapping[str, str]

    def output_names(self, names: Collection[str]) -> dict[str, str]:
        """Return what the columns of a row are called in the output, without those that a coding replaces.

        A row of JSON Lines may have keys that the first row had not.
        """
        further = [name for name in names if name not in self.kept and not (self.reviewed and is_own(name))]
        known = {**self.kept, **_kept(further, names, self.kept.values())} if further else self.kept
        return {name: known[name] for name in names if name in known}

    @property
    def renamed(self) -> dict[str, str]:
        """The columns that have another name in the output."""
        return {name: new for name, new in self.kept.items() if name != new}


def resolve_columns(names: Sequence[str], sample: Sequence[InputRow], params: ReadParams) -> Columns:
    """Find the columns.

    Args:
        names: The file's columns.
        sample: Some of its rows, whose values tell where names do not.
        params: What the user says.

    Raises:
        InputError: If a named column is missing, or it is not clear which one holds the phrases.
    """
    reviewed = {"code", "review"} <= set(names)
    foreign = [name for name in names if not (reviewed and is_own(name))]
    return Columns(
        phrase=_given(params.column, names, "--column") or _phrases(foreign, sample),
        identifier=_given(params.id_column, names, "--id-column") or _named(foreign, _IDS),
        language=_given(params.language_column, names, "--language-column") or _named(foreign, _LANGUAGES),
        frequency=_given(params.frequency_column, names, "--frequency-column")
        or _named(foreign, _FREQUENCIES),
        reviewed=reviewed,
        kept=_kept(foreign, names),
    )


def is_own(name: str) -> bool:
    """Tell whether a column is one that a coding adds."""
    return _OWN.fullmatch(name) is not None


def _given(name: str | None, names: Sequence[str], option: str) -> str | None:
    if name is not None and name not in names:
        raise InputError(f"{option} {name!r}: there is no such column; there are {', '.join(names)}.")
    return name


def _phrases(names: Sequence[str], sample: Sequence[InputRow]) -> str:
    if len(names) == 1:
        return names[0]
    found = [name for name in names if _plain(name) in PHRASES]
    if not found:
        found = [name for name in names if _holds_text([row.values.get(name) for row in sample])]
    if len(found) == 1:
        return found[0]
    problem = f"{' and '.join(found)} may hold the phrases" if found else "no column looks like phrases"
    raise InputError(f"{problem}; say which one with --column: {', '.join(names)}.")


def _named(names: Sequence[str], wanted: frozenset[str]) -> str | None:
    found = [name for name in names if _plain(name) in wanted]
    return found[0] if len(found) == 1 else None


def _plain(name: str) -> str:
    """Return a name without case, accents, spaces and punctuation."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if letter.isalnum())


def _holds_text(values: Sequence[Any]) -> bool:
    filled = [value for value in values if value is not None and value != ""]
    texts = [value for value in filled if isinstance(value, str) and _is_text(value)]
    return len(texts) > len(filled) / 2


def _is_text(value: str) -> bool:
    letters = sum(letter.isalpha() for letter in value)
    return letters >= max(_LETTERS_OF_A_TEXT, len(value) / 2)


def _kept(foreign: Sequence[str], names: Iterable[str], used: Iterable[str] = ()) -> dict[str, str]:
    """Return the columns to keep; one that is called like one of a coding's own gets another name.

    Args:
        foreign: The columns to keep.
        names: All columns of the input.
        used: What the output has already.
    """
    theirs, taken, kept = set(names), set(used), {}
    for name in foreign:
        new = name
        while is_own(new) or new in taken or (new != name and new in theirs):
            new = f"input_{new}"
        taken.add(new)
        kept[name] = new
    return kept
