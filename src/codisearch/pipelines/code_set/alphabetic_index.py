"""The Alphabetic Index of an official release: the terms under which coders look codes up."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from codisearch.errors import InputError
from codisearch.pipelines.code_set.cms import read_xml
from codisearch.pipelines.code_set.release import squeeze

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def read_index(path: Path) -> list[tuple[str, str]]:
    """Return (alias, code) for every entry that has a code.

    The alias is the path from the main term down, joined by commas (`Fracture, traumatic, radius`), without
    the non-essential modifiers, which stand in brackets in the printed index. A code that asks for more
    characters (`S52.5-`) is the one before the dash. Cross-references (see, see also) and manifestation codes
    are left out.

    Raises:
        InputError: If it is not the XML of an Alphabetic Index.
    """
    root = read_xml(path)
    terms = list(root.iter("mainTerm"))
    if not terms:
        raise InputError(
            f"{path} is not an Alphabetic Index: expected <mainTerm>, found <{root.tag}> without any."
        )
    return [row for term in terms for row in _walk(term, ())]


def _walk(term: "Element", above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    title = _title(term.find("title"))
    path = (*above, title) if title else above
    code = term.findtext("code", "").strip()
    if code and path:
        yield ", ".join(path), code.rstrip("-").rstrip(".")
    for below in term.findall("term"):
        yield from _walk(below, path)


def _title(element: "Element | None") -> str:
    """Return an entry's words without the text of the <nemod> elements among them."""
    if element is None:
        return ""
    return squeeze(" ".join([element.text or "", *(child.tail or "" for child in element)])).rstrip(" ,")
