"""An official release as CMS and the CDC ship it: order file, tabular list and Alphabetic Index.

The order file has every code, its seventh-character ones included, in columns of fixed width: 1-5 order
number, 7-13 code without its dot, 15 the sign of a header (0) or a billable code (1), 17-76 short title, from
78 long title. The tabular list adds chapters, inclusion terms and includes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import defusedxml
from defusedxml.ElementTree import ParseError, fromstring

from codisearch.codes import CATEGORY_LENGTH, category_of
from codisearch.errors import InputError
from codisearch.pipelines.code_set.params import CmsParams
from codisearch.pipelines.code_set.release import Entry, Release, chapter_label, squeeze, unique_terms

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# Should a short title with letters outside ASCII be padded by bytes, the gap shows where the long one begins.
_ORDER_ROW: Final = re.compile(r"\d{5} ([0-9A-Z]{3,7}) +([01]) (?:.{60} |.{1,60}? {2,})(\S.*)")
_SHOWN: Final = 5


@dataclass(frozen=True)
class Tabular:
    """What the tabular list knows of the codes.

    Attributes:
        version: The version that the file states.
        chapters: Category -> two-digit chapter.
        terms: Code -> its own inclusion terms and includes.
        excludes: Code -> what it does not include.
    """

    version: str
    chapters: dict[str, str]
    terms: dict[str, tuple[str, ...]]
    excludes: dict[str, tuple[str, ...]]


def read_cms(params: CmsParams) -> Release:
    """Return the official release in `params.folder`.

    Raises:
        InputError: If a file is missing, is there twice or cannot be read, or if a category has no chapter.
    """
    order = _find_required(params, params.order)
    tabular = read_tabular(_find_required(params, params.tabular))
    rows = read_order(order)
    lost = sorted({category_of(code) for code, _, _ in rows} - tabular.chapters.keys())
    if lost:
        raise InputError(
            f"{len(lost)} categories of {order} are not in the tabular list, such as "
            f"{', '.join(lost[:_SHOWN])}: are both files of the same release?"
        )
    entries = tuple(
        Entry(
            code,
            title,
            tabular.chapters[category_of(code)],
            billable,
            tabular.terms.get(code, ()),
            tabular.excludes.get(code, ()),
        )
        for code, title, billable in rows
    )
    return Release(params.release or f"ICD-10-CM {tabular.version}", entries)


def find_file(params: CmsParams, pattern: str) -> Path | None:
    """Return the one file of the folder that fits the glob, or None; addenda do not count.

    Raises:
        InputError: If several fit.
    """
    found = sorted(path for path in params.folder.glob(pattern) if "addenda" not in path.name.lower())
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"One file {pattern} is expected in {params.folder}; found: {names}.")
    return found[0] if found else None


def _find_required(params: CmsParams, pattern: str) -> Path:
    path = find_file(params, pattern)
    if path is None:
        held = ", ".join(sorted(file.name for file in params.folder.glob("*"))) or "nothing"
        raise InputError(
            f"No file {pattern} in {params.folder}. Expected there: {params.order} (order file), "
            f"{params.tabular} (tabular list) and, if at hand, {params.index} (Alphabetic Index); "
            f"found: {held}."
        )
    return path


def read_order(path: Path) -> list[tuple[str, str, bool]]:
    """Return (code, long title, billable) of every row of an order file.

    Raises:
        InputError: If the file is empty or a row does not have the columns.
    """
    rows: list[tuple[str, str, bool]] = []
    for number, line in enumerate(_text_of(path).splitlines(), start=1):
        if not line.strip():
            continue
        found = _ORDER_ROW.fullmatch(line.rstrip())
        if found is None:
            raise InputError(
                f"{path}, line {number}: expected order number (columns 1-5), code (7-13), 0 or 1 (15), "
                f"short title (17-76) and long title (from 78); found {line[:90]!r}."
            )
        rows.append((_dotted(found[1]), squeeze(found[3]), found[2] == "1"))
    if not rows:
        raise InputError(f"{path} holds no codes.")
    return rows


def _dotted(bare: str) -> str:
    return f"{bare[:CATEGORY_LENGTH]}.{bare[CATEGORY_LENGTH:]}".removesuffix(".")


def _text_of(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")  # the encoding of the older releases


def read_tabular(path: Path) -> Tabular:
    """Return chapters and terms from a tabular list.

    Raises:
        InputError: If it is not the XML of a tabular list.
    """
    root = read_xml(path)
    chapters: dict[str, str] = {}
    terms: dict[str, tuple[str, ...]] = {}
    excludes: dict[str, tuple[str, ...]] = {}
    for chapter in root.iter("chapter"):
        number = chapter_label(chapter.findtext("name", ""))
        for diagnosis in chapter.iter("diag"):
            code = diagnosis.findtext("name", "").strip()
            chapters.setdefault(category_of(code), number)
            terms[code] = unique_terms(_notes(diagnosis, "inclusionTerm", "includes"))
            excludes[code] = unique_terms(_notes(diagnosis, "excludes1", "excludes2"))
    if not chapters:
        raise InputError(
            f"{path} is not a tabular list: expected <chapter> with <diag> in it, found <{root.tag}>."
        )
    return Tabular(squeeze(root.findtext("version", "of unknown version")), chapters, terms, excludes)


def _notes(diagnosis: "Element", *tags: str) -> Iterator[str]:
    for tag in tags:
        for block in diagnosis.findall(tag):
            yield from ("".join(note.itertext()) for note in block.findall("note"))


def read_xml(path: Path) -> "Element":
    """Return the root of an XML file, read without entities or external references.

    Raises:
        InputError: If the file is not well-formed or declares entities.
    """
    try:
        return fromstring(path.read_bytes())
    except (ParseError, defusedxml.DefusedXmlException) as error:
        raise InputError(f"{path} cannot be read as XML: {error}.") from error
