"""ICD-10-CM codes as values, and the tree that they form."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import pandas as pd

from codisearch.errors import InputError

CODE_PATTERN: Final = r"^(?=.*[0-9])[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?$"
_CODE = re.compile(CODE_PATTERN)
CODE_SYSTEM_TITLE: Final = "ICD-10-CM"
CATEGORY_LENGTH: Final = 3
FOUR_CHARACTER_LENGTH: Final = 5  # "E11.9" with its dot
ICD10CM_SYSTEM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
"""What FHIR calls the code system, https://terminology.hl7.org/ICD.html."""

Qualifier = Literal[
    "severity", "site", "laterality", "temporality", "encounter", "aetiology", "complication", "specificity",
    "population", "disorder",
]  # fmt: skip
"""By what two confusable codes differ; `disorder` is another disease that looks or sounds alike."""
QUALIFIERS: Final[tuple[Qualifier, ...]] = get_args(Qualifier)


def normalise_code(value: str) -> str:
    """Return a code dotted and in upper case: `e119` and `E11.9` become `E11.9`.

    Raises:
        InputError: If `value` does not have the form of an ICD-10-CM code.
    """
    bare = value.strip().upper().replace(".", "")
    code = bare if len(bare) <= CATEGORY_LENGTH else f"{bare[:3]}.{bare[3:]}"
    if not _CODE.match(code):
        raise InputError(f"Not an ICD-10-CM code: {value!r}; expected a form like I10, E11.9 or S52.501A.")
    return code


def release_version(release: str) -> str:
    """Return a release as FHIR names a version: `ICD-10-CM 2026-04` becomes `2026-04`."""
    return release.removeprefix(f"{CODE_SYSTEM_TITLE} ")


def category_of(code: str) -> str:
    """Return the first three characters of a dotted code, its category."""
    return code[:CATEGORY_LENGTH]


def four_characters_of(code: str) -> str:
    """Return the first four characters of a dotted code (`S52.501A` -> `S52.5`), or all of a shorter one."""
    return code[:FOUR_CHARACTER_LENGTH]


@dataclass(frozen=True)
class CodeTree:
    """Parents and children of every code of one release.

    Attributes:
        parents: Code -> parent code; a category has no parent in here.
        children: Code -> its child codes, in code order.
    """

    parents: Mapping[str, str]
    children: Mapping[str, tuple[str, ...]]

    @classmethod
    def from_frame(cls, code_set: pd.DataFrame) -> "CodeTree":
        """Build the tree from a code set frame with columns `code` and `parent` (empty for a category)."""
        rows = code_set.loc[code_set["parent"] != "", ["code", "parent"]]
        parents = dict(zip(rows["code"], rows["parent"], strict=True))
        children: dict[str, list[str]] = defaultdict(list)
        for code, parent in sorted(parents.items()):
            children[parent].append(code)
        return cls(parents, {parent: tuple(codes) for parent, codes in children.items()})

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the codes above `code`, nearest first."""
        found = []
        while code in self.parents:
            code = self.parents[code]
            found.append(code)
        return tuple(found)

    def siblings(self, code: str) -> tuple[str, ...]:
        """Return the other children of the parent of `code`."""
        family = self.children.get(self.parents.get(code, ""), ())
        return tuple(other for other in family if other != code)

    def neighbours(self, code: str, limit: int) -> tuple[str, ...]:
        """Return up to `limit` codes close in the tree: siblings, then cousins of the same category."""
        above = set(self.ancestors(code))
        near: dict[str, None] = {}
        for start in (code, *self.ancestors(code)):
            for other in self.siblings(start):
                if len(near) == limit:
                    return tuple(near)
                if other not in above:
                    near[other] = None
        return tuple(near)


def matches_gold(code: str, gold: Iterable[str]) -> bool:
    """Tell whether `code` answers one of the gold codes: equal to it, or longer and beginning with it.

    Annotators often leave out the seventh character, so `S52.501A` is right where the gold code is `S52.501`.
    """
    return any(code == wanted or code.startswith(wanted) for wanted in gold)
