"""The code system: its resource, $lookup and $validate-code."""

import re
from typing import Any, Final

from codisearch.codes import CODE_SYSTEM_TITLE, ICD10CM_SYSTEM, release_version
from codisearch.errors import InputError, UnknownCodeError
from codisearch.retrieval.answers import CodeCard
from codisearch.retrieval.bundle import Manifest
from codisearch.retrieval.codebook import Codebook
from codisearch.service.fhir.parameters import (
    LookupParams,
    MemberParams,
    SubsumesParams,
    ValidateParams,
    group,
    parameters,
    part,
)
from codisearch.service.problems import Problem, ProblemError

IDENTIFIER: Final = "icd-10-cm"
NAME: Final = "ICD10CM"
PROPERTIES: Final[dict[str, tuple[str, str]]] = {
    "parent": ("code", "The code right above."),
    "child": ("code", "The codes right below."),
    "billable": ("boolean", "Whether the code can be billed: it has no codes below it."),
    "chapter": ("string", "Number of the chapter, in two digits."),
}
"""Type and description of each property, by name."""
DESIGNATION: Final = "designation"
_URL: Final = "url"
_OF_LANGUAGE: Final = re.compile(r"lang\.([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*")
"""The property that asks for designations in one language alone, such as `lang.es`."""
_SHOWN: Final = 4  # codes near one that does not exist
_SYNONYM: Final = {"system": "http://snomed.info/sct", "code": "900000000000013009", "display": "Synonym"}
_DISPLAY: Final = {"system": "http://terminology.hl7.org/CodeSystem/designation-usage", "code": "display"}


def check_system(system: str | None, version: str | None, manifest: Manifest) -> None:
    """Refuse a code system or version that is not served.

    Raises:
        ProblemError: If it is another one, or none is given.
    """
    if system is None:
        raise ProblemError(Problem(400, f"The code system is missing; served is {ICD10CM_SYSTEM}."))
    if system != ICD10CM_SYSTEM:
        raise ProblemError(Problem(404, f"Unknown code system {system[:200]!r}; served is {ICD10CM_SYSTEM}."))
    check_version(version, manifest)


def check_version(version: str | None, manifest: Manifest) -> None:
    """Refuse a version of the code system, or of the value sets that it implies, that is not served.

    Raises:
        ProblemError: If it is another one.
    """
    if version not in {None, release_version(manifest.release), manifest.release}:
        raise ProblemError(
            Problem(
                404, f"Unknown version {version[:100]!r}; served is {release_version(manifest.release)!r}."
            )
        )


def code_system(manifest: Manifest) -> dict[str, Any]:
    """Return the CodeSystem resource; its concepts are not in it, $lookup and $expand give them."""
    return {
        "resourceType": "CodeSystem",
        "id": IDENTIFIER,
        "url": ICD10CM_SYSTEM,
        "version": release_version(manifest.release),
        "name": NAME,
        "title": CODE_SYSTEM_TITLE,
        "status": "active",
        "experimental": False,
        "caseSensitive": False,
        "valueSet": f"{ICD10CM_SYSTEM}?fhir_vs",
        "hierarchyMeaning": "is-a",
        "compositional": False,
        "versionNeeded": False,
        "content": "not-present",
        "count": manifest.codes,
        "property": [
            {"code": name, "description": description, "type": kind}
            for name, (kind, description) in PROPERTIES.items()
        ],
    }


def designations(card: CodeCard) -> list[dict[str, Any]]:
    """Return the titles of a code in all languages, and its inclusion terms as synonyms."""
    titles = [
        {"language": language, "use": _DISPLAY, "value": title} for language, title in card.titles.items()
    ]
    return titles + [{"language": "en", "use": _SYNONYM, "value": term} for term in card.inclusion_terms]


def looked_up(card: CodeCard, asked: LookupParams, manifest: Manifest) -> dict[str, Any]:
    """Return the result of $lookup.

    Raises:
        ProblemError: If a property is asked for that there is not.
    """
    wanted = _wanted(asked.property)
    parts = [
        part("name", "String", CODE_SYSTEM_TITLE),
        part("version", "String", release_version(manifest.release)),
        part("display", "String", card.title),
    ]
    parts += [
        group(
            DESIGNATION,
            part("language", "Code", found["language"]),
            part("use", "Coding", found["use"]),
            part("value", "String", found["value"]),
        )
        for found in designations(card)
        if wanted & {DESIGNATION, f"lang.{found['language']}"}
    ]
    parts += [_property(name, kind, value) for name, kind, value in _properties(card) if name in wanted]
    if _URL in wanted:
        parts.append(_property(_URL, "String", ICD10CM_SYSTEM))
    return parameters(*parts)


def _wanted(names: list[str]) -> set[str]:
    """Return the properties that are asked for, with languages as `lang.es`; the usual ones if none is."""
    usual = {DESIGNATION, *PROPERTIES}
    matches = {name: _OF_LANGUAGE.fullmatch(name) for name in names}
    languages = {name: f"lang.{found[1].lower()}" for name, found in matches.items() if found}
    # System, name, version and display need not be asked for, and no code has a definition.
    allowed = usual | {"system", "name", "version", "display", "definition", _URL}
    if unknown := sorted(set(names) - allowed - set(languages)):
        shown = ", ".join([*sorted(allowed), "lang.es and the like"])
        detail = f"Unknown property {unknown[0][:40]!r}; allowed are {shown}."
        raise ProblemError(Problem(400, detail, issue="not-supported"))
    return {languages.get(name, name) for name in names} or usual


def _properties(card: CodeCard) -> list[tuple[str, str, object]]:
    return [
        *(("parent", "Code", above.code) for above in card.path[-1:]),
        *(("child", "Code", child.code) for child in card.children),
        ("billable", "Boolean", card.billable),
        ("chapter", "String", card.chapter),
    ]


def _property(name: str, kind: str, value: object) -> dict[str, Any]:
    return group("property", part("code", "Code", name), part("value", kind, value))


def validated(found: CodeCard | InputError, asked: ValidateParams | MemberParams) -> dict[str, Any]:
    """Return the result of $validate-code: a code that is unknown, or has another display, is not valid."""
    if isinstance(found, InputError):
        message = _why(found, asked.code)
        return parameters(part("result", "Boolean", False), part("message", "String", message))
    display = part("display", "String", found.title)
    if asked.display is not None and not _has_title(found, asked.display):
        message = f"{asked.display[:200]!r} is no title of {found.code}; its title is {found.title!r}."
        return parameters(part("result", "Boolean", False), part("message", "String", message), display)
    return parameters(part("result", "Boolean", True), display)


def _why(error: InputError, code: str) -> str:
    """Return why a code is not valid; one that differs in more than dot and case is shown as it came."""
    if not isinstance(error, UnknownCodeError):
        return str(error)
    nearest = ", ".join(one.code for one in error.suggestions[:_SHOWN])
    return f"There is no code {code[:40]!r} in {CODE_SYSTEM_TITLE}; did you mean {nearest}?"


def subsumed(book: Codebook, asked: SubsumesParams) -> dict[str, Any]:
    """Return the result of $subsumes: whether one of two codes is above the other in the tree.

    Raises:
        InputError: If one of them is no code, or there is no such code.
    """
    first, second = (book.require(one, exact=True) for one in (asked.codeA, asked.codeB))
    if first == second:
        outcome = "equivalent"
    elif first in book.path(second):
        outcome = "subsumes"
    else:
        outcome = "subsumed-by" if second in book.path(first) else "not-subsumed"
    return parameters(part("outcome", "Code", outcome))


def _has_title(card: CodeCard, display: str) -> bool:
    texts = [card.title, card.official_title, *card.titles.values(), *card.inclusion_terms]
    return _squeezed(display) in {_squeezed(text) for text in texts}


def _squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()
