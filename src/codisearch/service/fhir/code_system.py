"""The code system: its resource, $lookup and $validate-code."""

from typing import Any, Final

from codisearch.codes import ICD10CM_SYSTEM
from codisearch.errors import InputError
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
TITLE: Final = "ICD-10-CM"
PROPERTIES: Final[dict[str, tuple[str, str]]] = {
    "parent": ("code", "The code right above."),
    "child": ("code", "The codes right below."),
    "billable": ("boolean", "Whether the code can be billed: it has no codes below it."),
    "chapter": ("string", "Number of the chapter, in two digits."),
}
"""Type and description of each property, by name."""
DESIGNATION: Final = "designation"
_SYNONYM: Final = {"system": "http://snomed.info/sct", "code": "900000000000013009", "display": "Synonym"}
_DISPLAY: Final = {"system": "http://terminology.hl7.org/CodeSystem/designation-usage", "code": "display"}


def version_of(manifest: Manifest) -> str:
    """Return the release as FHIR names a version: what follows `ICD-10-CM`."""
    return manifest.release.removeprefix(f"{TITLE} ")


def check_system(system: str | None, version: str | None, manifest: Manifest) -> None:
    """Refuse a code system or version that is not served.

    Raises:
        ProblemError: If it is another one, or none is given.
    """
    if system is None:
        raise ProblemError(Problem(400, f"The code system is missing; served is {ICD10CM_SYSTEM}."))
    if system != ICD10CM_SYSTEM:
        raise ProblemError(Problem(404, f"Unknown code system {system[:200]!r}; served is {ICD10CM_SYSTEM}."))
    if version not in {None, version_of(manifest), manifest.release}:
        raise ProblemError(
            Problem(404, f"Unknown version {version[:100]!r}; served is {version_of(manifest)!r}.")
        )


def code_system(manifest: Manifest) -> dict[str, Any]:
    """Return the CodeSystem resource; its concepts are not in it, $lookup and $expand give them."""
    return {
        "resourceType": "CodeSystem",
        "id": IDENTIFIER,
        "url": ICD10CM_SYSTEM,
        "version": version_of(manifest),
        "name": NAME,
        "title": TITLE,
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
        part("name", "String", TITLE),
        part("version", "String", version_of(manifest)),
        part("display", "String", card.title),
    ]
    if DESIGNATION in wanted:
        parts += [
            group(
                DESIGNATION,
                part("language", "Code", found["language"]),
                part("use", "Coding", found["use"]),
                part("value", "String", found["value"]),
            )
            for found in designations(card)
        ]
    parts += [_property(name, kind, value) for name, kind, value in _properties(card) if name in wanted]
    return parameters(*parts)


def _wanted(names: list[str]) -> set[str]:
    allowed = {DESIGNATION, *PROPERTIES}
    always = {"system", "name", "version", "display"}
    if unknown := sorted(set(names) - allowed - always):
        detail = f"Unknown property {unknown[0][:40]!r}; allowed are {', '.join(sorted(allowed | always))}."
        raise ProblemError(Problem(400, detail, issue="not-supported"))
    return set(names) or allowed


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
        return parameters(part("result", "Boolean", False), part("message", "String", str(found)))
    display = part("display", "String", found.title)
    if asked.display is not None and not _has_title(found, asked.display):
        message = f"{asked.display[:200]!r} is no title of {found.code}; its title is {found.title!r}."
        return parameters(part("result", "Boolean", False), part("message", "String", message), display)
    return parameters(part("result", "Boolean", True), display)


def subsumed(book: Codebook, asked: SubsumesParams) -> dict[str, Any]:
    """Return the result of $subsumes: whether one of two codes is above the other in the tree.

    Raises:
        InputError: If one of them is no code, or there is no such code.
    """
    first, second = book.require(asked.codeA), book.require(asked.codeB)
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
