"""Value sets that the code system implies, all codes or a code with those below it, and their expansion."""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from codisearch.codes import ICD10CM_SYSTEM, release_version
from codisearch.errors import InputError
from codisearch.retrieval import Retriever
from codisearch.retrieval.answers import CodeCard
from codisearch.retrieval.codebook import Codebook
from codisearch.retrieval.queries import MAX_TOP, SearchOptions
from codisearch.retrieval.static import fold
from codisearch.service.fhir.code_system import designations
from codisearch.service.fhir.parameters import ExpandParams
from codisearch.service.inputs import preferred_language, read_query
from codisearch.service.problems import Problem, ProblemError
from codisearch.service.runner import Runner

MAX_EXPANSION: Final = 1_000
_ALL: Final = f"{ICD10CM_SYSTEM}?fhir_vs"
_BELOW: Final = f"{_ALL}=isa/"
_WORD: Final = re.compile(r"\w+")
_SHORTEST_WITH_MEANING: Final = 4  # letters; a shorter word is the beginning of one


async def expand(retriever: Retriever, runner: Runner, asked: ExpandParams) -> dict[str, Any]:
    """Return the ValueSet with its expansion.

    Raises:
        ProblemError: If the value set is not known, or is too large to be returned at once.
        InputError: If the filter cannot be searched, or there is no code that the value set is named after.
    """
    members = await runner.call(_members, retriever.codebook, root_of(asked.url))
    codes = await _filtered(retriever, runner, asked, members) if asked.filter.strip() else members
    page = codes[asked.offset : asked.offset + _count(asked, len(codes))]
    contains = await runner.call(_entries, retriever, page, asked)
    return _value_set(retriever, asked, len(codes), contains)


def root_of(url: str) -> str | None:
    """Return the code whose subtree a canonical address names; None where it names all codes.

    Raises:
        ProblemError: If it names no value set of this code system.
    """
    if url == _ALL:
        return None
    if url.startswith(_BELOW) and len(url) > len(_BELOW):
        return url.removeprefix(_BELOW)
    raise ProblemError(Problem(404, f"Unknown value set {url[:200]!r}; known are {_ALL} and {_BELOW}CODE."))


def _members(book: Codebook, root: str | None) -> Sequence[str]:
    """Return the codes of a value set, in code order."""
    if root is None:
        return book.codes
    top = book.require(root, exact=True)
    return [top, *book.below(top)]


async def _filtered(
    retriever: Retriever, runner: Runner, asked: ExpandParams, members: Sequence[str]
) -> Sequence[str]:
    """Return the codes that a filter finds: completions, then what is found by meaning.

    Someone who types a filter sees what begins so; a single short word has no meaning to go by.
    """
    query = read_query(asked.filter)
    completions = await runner.call(_completions, retriever, query, asked, members)
    if len(query) < _SHORTEST_WITH_MEANING and " " not in query:
        return completions
    options = SearchOptions(top=MAX_TOP, under=root_of(asked.url)).checked()
    answers = await runner.search(retriever, [query], options)
    return list(dict.fromkeys([*completions, *(hit.code for hit in answers[0])]))


def _completions(
    retriever: Retriever, query: str, asked: ExpandParams, members: Sequence[str]
) -> Sequence[str]:
    """Return the codes of texts in which each word of the query begins a word, those shown to users first."""
    language, book = preferred_language(asked.displayLanguage) or "en", retriever.codebook
    allowed = set(members)
    suggested = (found.code for found in retriever.suggest(query, language, MAX_TOP))
    found = [code for code in suggested if code in allowed]
    if len(members) < len(book.codes):  # the first suggestions of all may be elsewhere
        words = _WORD.findall(fold(query))
        found += [code for code in members if _begins(words, book.title(code, language)[0])]
    return list(dict.fromkeys(found))


def _begins(words: Sequence[str], title: str) -> bool:
    """Tell whether each of these words begins a word of a title."""
    there = _WORD.findall(fold(title))
    return bool(words) and all(any(one.startswith(word) for one in there) for word in words)


def within(book: Codebook, url: str, found: CodeCard | InputError) -> CodeCard | InputError:
    """Return what was found if it is in a value set, or else why it is not.

    Raises:
        ProblemError: If the value set is not known.
        InputError: If there is no code that it is named after.
    """
    root = root_of(url)
    top = None if root is None else book.require(root, exact=True)
    if isinstance(found, InputError) or top in {None, found.code, *book.path(found.code)}:
        return found
    return InputError(f"{found.code} is not in the value set {url[:200]}.")


def _count(asked: ExpandParams, total: int) -> int:
    """Return how many codes are shown.

    Raises:
        ProblemError: If all are asked for and they are too many.
    """
    if asked.count is not None:
        return min(asked.count, MAX_EXPANSION)
    if total - asked.offset > MAX_EXPANSION:
        detail = (
            f"The value set has {total:,} codes; at most {MAX_EXPANSION:,} are returned at once. "
            "Ask for pages with `count` and `offset`, or give a `filter`."
        )
        raise ProblemError(Problem(422, detail, issue="too-costly"))
    return MAX_EXPANSION


def _entries(retriever: Retriever, codes: Sequence[str], asked: ExpandParams) -> list[dict[str, Any]]:
    version, language = release_version(retriever.manifest.release), preferred_language(asked.displayLanguage)
    entries: list[dict[str, Any]] = []
    for code in codes:
        title, _ = retriever.codebook.title(code, language)
        entries.append({"system": ICD10CM_SYSTEM, "version": version, "code": code, "display": title})
        if asked.includeDesignations:
            entries[-1]["designation"] = designations(retriever.lookup(code))
    return entries


def _value_set(
    retriever: Retriever, asked: ExpandParams, total: int, contains: list[dict[str, Any]]
) -> dict[str, Any]:
    version = release_version(retriever.manifest.release)
    expansion: dict[str, Any] = {
        "identifier": f"urn:uuid:{uuid.uuid4()}",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "total": total,
        "offset": asked.offset,
        "parameter": _echo(asked, version),
    }
    if contains:  # FHIR knows no empty lists
        expansion["contains"] = contains
    return {
        "resourceType": "ValueSet",
        "url": asked.url,
        "version": version,
        "status": "active",
        "expansion": expansion,
    }


def _echo(asked: ExpandParams, version: str) -> list[dict[str, Any]]:
    """Return the parameters that made the expansion what it is."""
    echoed: list[dict[str, Any]] = [{"name": "version", "valueUri": f"{ICD10CM_SYSTEM}|{version}"}]
    if asked.filter.strip():
        echoed.append({"name": "filter", "valueString": asked.filter})
    if asked.count is not None:
        echoed.append({"name": "count", "valueInteger": asked.count})
    if asked.offset:
        echoed.append({"name": "offset", "valueInteger": asked.offset})
    if asked.displayLanguage is not None:
        echoed.append({"name": "displayLanguage", "valueCode": asked.displayLanguage})
    flags = {"includeDesignations": asked.includeDesignations, "activeOnly": asked.activeOnly}
    return echoed + [{"name": name, "valueBoolean": flag} for name, flag in flags.items()]
