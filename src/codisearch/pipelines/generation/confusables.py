"""The confusable codes that the model named, as the reranker's hard negatives."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from codisearch.codes import CodeTree, normalise_code
from codisearch.errors import InputError
from codisearch.pipelines.generation.answers import Malformed, WrongCode
from codisearch.pipelines.generation.rows import Named

MOST: Final = 6
_COLUMNS: Final = ("code", "confusable", "qualifier", "difference")


@dataclass(frozen=True)
class Confusables:
    """Confusable codes.

    Attributes:
        kept: `schemas.CONFUSABLES`; for each code those that were named in most languages, at most six.
        refused: Why others were not kept -> how many.
    """

    kept: pd.DataFrame
    refused: dict[str, int]


def collect_confusables(named: Iterable[Named], code_set: pd.DataFrame) -> Confusables:
    """Return the confusable codes that exist and do not lie above or below their code.

    Args:
        named: What the answers name.
        code_set: The code set (`schemas.CODE_SET`).
    """
    codes = frozenset(code_set["code"])
    tree = CodeTree.from_frame(code_set)
    refused: Counter[str] = Counter()
    votes: defaultdict[str, dict[str, tuple[set[str], WrongCode]]] = defaultdict(dict)
    for one in named:
        confusable, reason = _checked(one, codes, tree)
        if reason:
            refused[reason] += 1
            continue
        assert isinstance(one.item, WrongCode)
        languages, _ = votes[one.unit.code].setdefault(confusable, (set(), one.item))
        languages.add(one.unit.language)
    rows = [
        (code, confusable, item.qualifier, item.difference)
        for code, found in sorted(votes.items())
        for confusable, (_, item) in sorted(found.items(), key=lambda entry: -len(entry[1][0]))[:MOST]
    ]
    return Confusables(pd.DataFrame(rows, columns=list(_COLUMNS), dtype="str"), dict(refused))


def _checked(one: Named, codes: frozenset[str], tree: CodeTree) -> tuple[str, str]:
    """Return the dotted code, or why it is refused."""
    if isinstance(one.item, Malformed):
        return "", "malformed"
    try:
        confusable = normalise_code(one.item.code)
    except InputError:
        return "", "invented_code"
    right = one.unit.code
    if confusable not in codes:
        return "", "invented_code"
    if confusable == right or confusable in tree.ancestors(right) or right in tree.ancestors(confusable):
        return "", "in_its_own_line"
    return confusable, ""
