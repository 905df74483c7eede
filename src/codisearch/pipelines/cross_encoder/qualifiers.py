"""By what a confusable code differs from the right one."""

import re
from typing import Final

from codisearch.codes import Qualifier

_WORDS: Final[tuple[tuple[Qualifier, frozenset[str]], ...]] = (
    ("laterality", frozenset({"left", "right", "bilateral", "unilateral"})),
    (
        "encounter",
        frozenset({
            "initial", "subsequent", "sequela", "encounter", "recurrent", "recurrence", "episode",
        }),
    ),
    (
        "severity",
        frozenset({
            "mild", "moderate", "severe", "profound", "acute", "chronic", "subacute", "stage", "degree",
            "with", "without", "complicated", "uncomplicated", "intractable", "exacerbation", "remission",
            "open", "closed", "displaced", "nondisplaced", "malignant", "benign",
        }),
    ),
    (
        "aetiology",
        frozenset({
            "due", "type", "secondary", "primary", "drug", "alcohol", "bacterial", "viral", "traumatic",
            "nontraumatic", "congenital", "acquired", "hereditary", "accidental", "self-harm", "assault",
            "undetermined", "organism", "streptococcal", "staphylococcal",
        }),
    ),
)  # fmt: skip


def qualifier_between(title: str, other: str) -> Qualifier:
    """Return by what two official titles of close codes differ; `site` where no word says otherwise."""
    different = _words(title) ^ _words(other)
    named = next((name for name, words in _WORDS if different & words), None)
    if named is None and _cause(title) and _cause(other) and _cause(title) != _cause(other):
        return "aetiology"
    return named or "site"


def _words(title: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w-]+", title.lower()))


def _cause(title: str) -> str:
    """Return what a title says that the condition is due to, empty if it does not."""
    return title.lower().partition(" due to ")[2]
