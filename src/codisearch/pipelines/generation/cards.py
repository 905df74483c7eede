"""What the model is told of a code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from codisearch.codes import CodeTree

_MOST_TERMS: Final = 12
_MOST_EXCLUDES: Final = 16


@dataclass(frozen=True)
class CodeCards:
    """The code set as the prompts show it.

    Attributes:
        titles: Code -> official title.
        terms: Code -> its inclusion terms.
        excludes: Code -> what it excludes, those of the codes above it not among them.
        tree: The tree.
        neighbours: How many close codes are shown.
    """

    titles: Mapping[str, str]
    terms: Mapping[str, list[str]]
    excludes: Mapping[str, list[str]]
    tree: CodeTree
    neighbours: int

    @classmethod
    def from_frames(cls, code_set: pd.DataFrame, notes: pd.DataFrame, neighbours: int) -> "CodeCards":
        """Take titles, terms and tree from `schemas.CODE_SET`, exclusions from `schemas.CODE_NOTES`."""
        return cls(
            dict(zip(code_set["code"], code_set["title"], strict=True)),
            dict(zip(code_set["code"], code_set["inclusion_terms"], strict=True)),
            dict(zip(notes["code"], notes["excludes"], strict=True)),
            CodeTree.from_frame(code_set),
            neighbours,
        )

    def card(self, code: str) -> dict[str, object]:
        """Return what a prompt may say of a code, by the name of the placeholder."""
        lineage = (code, *self.tree.ancestors(code))
        excludes = [text for above in lineage for text in self.excludes.get(above, ())]
        near = self.tree.neighbours(code, self.neighbours)
        return {
            "code": code,
            "title": self.titles[code],
            "above": [self.titles[above] for above in reversed(lineage[1:])],
            "terms": [term for above in lineage for term in self.terms[above]][:_MOST_TERMS],
            "excludes": list(dict.fromkeys(excludes))[:_MOST_EXCLUDES],
            "neighbours": [(other, self.titles[other]) for other in near],
        }
