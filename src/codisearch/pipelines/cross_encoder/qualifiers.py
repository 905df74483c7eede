"""By what a confusable code differs from the right one."""

import re
from typing import Final, Literal

Qualifier = Literal["laterality", "episode", "severity", "aetiology", "site"]

_WORDS: Final[tuple[tuple[Qualifier, frozenset[str]], ...]] = (
    ("laterality", frozenset({"left", "right", "bilateral", "unilateral"})),
    (
        "episode",
        frozenset(
            {"initial", "subsequent", "sequela", "encounter", "recurrent", "recurrence", "episode", "first"}
        ),
    ),
    (
        "severity",
        frozenset(
            [
                "mild",
                "moderate",
                "severe",
                "profound",
                "acute",
                "chronic",
                "subacute",
                "stage",
                "degree",
                "with",
                "without",
                "complicated",
                "uncomplicated",
                "intractable",
                "exacerbation",
                "remission",
                "open",
                "closed",
                "displaced",
                "nondisplaced",
                "malignant",
                "benign",
            ]
        ),
    ),
    (
        "aetiology",
        frozenset(
            [
                "due",
                "type",
                "secondary",
                "primary",
                "drug",
                "alcohol",
                "bacterial",
                "viral",
                "traumatic",
                "nontraumatic",
                "congenital",
                "acquired",
                "hereditary",
                "accidental",
                "self-harm",
                "assault",
                "undetermined",
                "organism",
                "streptococcal",
                "staphylococcal",
            ]
        ),
    ),
)


def qualifier_between(title: str, other: str) -> Qualifier:
    """Return by what two official titles of close codes differ; `site` where no other qualifier explains it."""
    different = _words(title) ^ _words(other)
    return next((name for name, words in _WORDS if different & words), "site")


def _words(title: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w-]+", title.lower()))
