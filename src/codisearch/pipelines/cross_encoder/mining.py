"""Listwise groups: a query, its right code, and wrong ones that a coder could confuse with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np
import pandas as pd

from codisearch.codes import CodeTree
from codisearch.errors import InputError
from codisearch.pipelines.cross_encoder.params import GroupParams
from codisearch.pipelines.cross_encoder.qualifiers import qualifier_between
from codisearch.retrieval.ranking import NO_CODE, Ranker, Rankings
from codisearch.retrieval.reranker import Documents

_NEIGHBOURS = 24


@dataclass(frozen=True)
class MiningContext:
    """What the search for wrong candidates needs.

    Attributes:
        first: The first stage, without corpus queries in its index.
        documents: What the cross-encoder reads of a candidate.
        vocabulary: All codes, in order.
        titles: Code -> official title.
        tree: The code tree.
        confusables: Code -> listed confusable codes, each with the qualifier that differs.
    """

    first: Ranker
    documents: Documents
    vocabulary: list[str]
    titles: dict[str, str]
    tree: CodeTree
    confusables: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Code -> its position in the vocabulary."""
        return {code: position for position, code in enumerate(self.vocabulary)}


def sample_queries(pairs: pd.DataFrame, limit: int | None, seed: int) -> pd.DataFrame:
    """Return training queries, evenly over languages: `query`, `language`, `codes` (a list)."""
    train = pairs[(pairs["split"] == "train") & (pairs["style"] != "title")]
    grouped = train.groupby(["language", "query"], sort=True)["code"].agg(lambda codes: sorted(set(codes)))
    queries = grouped.rename("codes").reset_index()
    if limit is not None and len(queries) > limit:
        shuffled = queries.sample(frac=1.0, random_state=seed)
        turn = shuffled.groupby("language").cumcount()
        queries = shuffled.loc[turn.sort_values(kind="stable").index[:limit]]
    return queries.sort_values(["language", "query"]).reset_index(drop=True)


def mine_groups(
    queries: pd.DataFrame, context: MiningContext, params: GroupParams, seed: int
) -> pd.DataFrame:
    """Return the groups, a row per candidate.

    Wrong candidates come from the list of confusable codes (`listed:` and the qualifier that differs), from
    the code tree, named by the qualifier alone, and from the first stage's top ranks (`rank`). Left out as
    probably right are codes above or below a relevant one in the tree and, of the top ranks, those that score
    above `max_score_ratio` of the right answer's score. A query without any wrong candidate has no group.

    Returns:
        Columns `group`, `query`, `language`, `code`, `document`, `label` (1 right, 0 wrong), `origin`.

    Raises:
        InputError: If no query has a group.
    """
    rows = list(_rows(queries, context, params, np.random.default_rng(seed))) if len(queries) else []
    frame = pd.DataFrame(rows, columns=["group", "query", "language", "code", "document", "label", "origin"])
    wrong = frame.groupby("group")["label"].transform(lambda labels: (labels == 0).sum())
    groups = frame[wrong > 0].reset_index(drop=True)
    if groups.empty:
        raise InputError(
            "Nothing to train the cross-encoder on: expected queries of the split 'train' with a wrong code "
            f"beside the right one, came {len(queries)} queries without."
        )
    return groups


def _rows(
    queries: pd.DataFrame, context: MiningContext, params: GroupParams, rng: np.random.Generator
) -> Iterator[dict[str, object]]:
    """Yield the candidates of every query."""
    rankings = context.first.rank(queries["query"].tolist(), params.depth)
    asked = zip(queries["query"], queries["language"], queries["codes"], strict=True)
    for number, (query, language, codes) in enumerate(asked):
        ranked = _ranked(rankings, number, context)
        for candidate in _candidates(codes, ranked, context, params, rng):
            yield {"group": number, "query": query, "language": language, **candidate}


def _candidates(
    codes: list[str],
    ranked: dict[str, tuple[int, float]],
    context: MiningContext,
    params: GroupParams,
    rng: np.random.Generator,
) -> Iterator[dict[str, object]]:
    """Yield the right candidate of a query and its wrong ones."""
    right = str(rng.choice(codes))
    yield {"code": right, "document": _document(right, ranked, context), "label": 1, "origin": "right"}
    wrong = _listed(right, codes, context, params.confusables, rng)
    near = context.tree.neighbours(right, _NEIGHBOURS)
    possible = [code for code in near if code not in wrong and not _is_related(code, codes, context.tree)]
    for code in map(str, rng.permutation(possible)[: params.from_tree]):
        wrong[code] = qualifier_between(context.titles[right], context.titles[code])
    limit = params.max_score_ratio * ranked[right][1] if right in ranked else np.inf
    top = (
        code
        for code, (_, score) in ranked.items()
        if score <= limit and code not in wrong and not _is_related(code, codes, context.tree)
    )
    wrong |= dict.fromkeys(list(islice(top, params.candidates - 1 - len(wrong))), "rank")
    for code, origin in wrong.items():
        yield {"code": code, "document": _document(code, ranked, context), "label": 0, "origin": origin}


def _listed(
    right: str, codes: list[str], context: MiningContext, count: int, rng: np.random.Generator
) -> dict[str, str]:
    """Return up to `count` of the listed confusable codes, by chance, with their origin."""
    listed = [
        (code, f"listed:{qualifier}")
        for code, qualifier in context.confusables.get(right, ())
        if code in context.positions and not _is_related(code, codes, context.tree)
    ]
    return dict(listed[number] for number in rng.permutation(len(listed))[:count])


def _is_related(code: str, relevant: list[str], tree: CodeTree) -> bool:
    """Tell whether a code is one of the relevant ones, or stands above or below one of them in the tree."""
    above = tree.ancestors(code)
    return any(code == other or other in above or code in tree.ancestors(other) for other in relevant)


def _ranked(rankings: Rankings, number: int, context: MiningContext) -> dict[str, tuple[int, float]]:
    """Return code -> (alias that matched, score) of a query's ranking, best first."""
    return {
        context.vocabulary[code]: (int(alias), float(score))
        for code, alias, score in zip(
            rankings.codes[number], rankings.aliases[number], rankings.scores[number], strict=True
        )
        if code != NO_CODE
    }


def _document(code: str, ranked: dict[str, tuple[int, float]], context: MiningContext) -> str:
    """Return what the cross-encoder reads of a code, with the alias by which the first stage found it."""
    alias = ranked[code][0] if code in ranked else NO_CODE
    return context.documents.text(context.positions[code], alias)
