"""Training groups of the bi-encoder: a query, the title it should find, and a hard negative."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from codisearch.codes import CodeTree, category_of
from codisearch.errors import InputError
from codisearch.pipelines.bi_encoder.params import TrainingDataParams

_NEIGHBOURS = 12
COLUMNS = (
    "query",
    "positive",
    "code",
    "language",
    "source",
    "negative",
    "negative_code",
    "negative_origin",
    "relevant",
)


def build_groups(
    pairs: pd.DataFrame,
    code_set: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
    confusables: pd.DataFrame,
    params: TrainingDataParams,
    *,
    seed: int,
) -> pd.DataFrame:
    """Return one row per training pair, with a hard negative.

    Args:
        pairs: The split corpus; only its `train` rows are used.
        code_set: Codes and titles of the release.
        index_aliases: Further aliases of the release (Alphabetic Index), possibly none.
        national_titles: Titles in other languages, possibly none.
        confusables: Listed confusable codes, `code` and `confusable`, possibly none.
        params: Which sources take part.
        seed: Seeds drop-out, sampling and the choice of negatives.

    Returns:
        Columns `query`, `positive` (official title), `code`, `language`, `source`, `negative` (title of a
        code that does not answer the query), `negative_code`, `negative_origin` (`listed` as confusable,
        `sibling` or `cousin` in the tree; `chance` where there is none), `relevant` (list of all codes of the
        query).

    Raises:
        InputError: If there is nothing to learn from.
    """
    rng = np.random.default_rng(seed)
    train = pairs[pairs["split"] == "train"]
    corpus = train.assign(source="corpus:" + train["style"])[["query", "code", "language", "source"]]
    parts = [corpus] * params.corpus_repeats
    if params.code_set_pairs:
        parts += [_code_set_pairs(code_set, index_aliases, national_titles, params.sample, rng)]
    parts += [_noisy_titles(code_set, params, rng)]
    groups = pd.concat(parts, ignore_index=True)
    titles = code_set.set_index("code")["title"]
    groups = groups.assign(positive=groups["code"].map(titles))
    relevant = groups.groupby("query")["code"].agg(lambda codes: sorted(set(codes)))
    groups = groups.assign(relevant=groups["query"].map(relevant))
    groups = groups[groups["query"] != groups["positive"]]
    if groups.empty:
        raise InputError(
            "Nothing to train the bi-encoder on: expected pairs of the split 'train', came none."
        )
    known = confusables[confusables["confusable"].isin(code_set["code"])]
    listed = {str(code): tuple(rows) for code, rows in known.groupby("code")["confusable"]}
    tree = CodeTree.from_frame(code_set)
    return _with_negatives(groups, tree, titles, listed, params.listed_negatives, rng)[list(COLUMNS)]


def _code_set_pairs(
    code_set: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
    sample: int | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the pairs that the code set itself offers: inclusion terms, index entries, national titles."""
    terms = code_set[["code", "inclusion_terms"]].explode("inclusion_terms").dropna()
    terms = terms.rename(columns={"inclusion_terms": "query"}).assign(language="en", source="inclusion_term")
    index = index_aliases.rename(columns={"alias": "query"})
    national = national_titles.rename(columns={"title": "query"}).assign(source="national_title")
    frame = pd.concat([terms, index, national], ignore_index=True)[["query", "code", "language", "source"]]
    frame = frame[frame["code"].isin(code_set["code"])]
    if sample is not None and len(frame) > sample:
        frame = frame.iloc[np.sort(rng.choice(len(frame), sample, replace=False))]
    return frame


def _noisy_titles(
    code_set: pd.DataFrame, params: TrainingDataParams, rng: np.random.Generator
) -> pd.DataFrame:
    """Return official titles with words left out: what makes the encoder weigh the words that decide."""
    count = min(params.title_noise_codes, len(code_set)) if params.title_noise else 0
    if params.sample is not None:
        count = min(count, params.sample)
    chosen = code_set.iloc[np.sort(rng.choice(len(code_set), count, replace=False))]
    queries = [_drop_words(title, params.title_noise, rng) for title in chosen["title"]]
    return pd.DataFrame({"query": queries, "code": chosen["code"], "language": "en", "source": "noisy_title"})


def _drop_words(title: str, share: float, rng: np.random.Generator) -> str:
    words = title.split()
    kept = [word for word, drawn in zip(words, rng.random(len(words)), strict=True) if drawn >= share]
    return " ".join(kept) or title


def _with_negatives(
    groups: pd.DataFrame,
    tree: CodeTree,
    titles: "pd.Series[str]",
    listed: Mapping[str, tuple[str, ...]],
    listed_share: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Add to each row the title of a code that is not relevant to its query."""
    neighbours = {code: tree.neighbours(code, _NEIGHBOURS) for code in groups["code"].unique()}
    from_list = rng.random(len(groups)) < listed_share
    near = [
        [
            possible
            for possible in (listed.get(code, ()) if wanted else (), neighbours[code])
            if not set(possible) <= set(relevant)
        ]
        for code, relevant, wanted in zip(groups["code"], groups["relevant"], from_list, strict=True)
    ]
    chosen = list(_draw(groups, near, titles.index.tolist(), rng))
    return groups.assign(
        negative_code=chosen,
        negative=[titles.get(code, "") for code in chosen],
        negative_origin=[
            "listed" if wanted and other in listed.get(code, ()) else _origin(code, other, tree)
            for code, other, wanted in zip(groups["code"], chosen, from_list, strict=True)
        ],
    )


def _draw(
    groups: pd.DataFrame,
    near: Sequence[Sequence[Sequence[str]]],
    codes: list[str],
    rng: np.random.Generator,
) -> Iterator[str]:
    """Yield a code that does not answer the query of each row: of the first list of near ones that has any.

    Where there is none it is one of another category.
    """
    draws = rng.random(len(groups))
    for relevant, lists, draw in zip(groups["relevant"], near, draws, strict=True):
        if lists:
            allowed = [other for other in lists[0] if other not in relevant]
            yield allowed[int(draw * len(allowed))]
        else:
            taken = {category_of(wanted) for wanted in relevant}
            start = int(draw * len(codes))
            others = (codes[(start + step) % len(codes)] for step in range(len(codes)))
            yield next((other for other in others if category_of(other) not in taken), "")


def _origin(code: str, negative: str, tree: CodeTree) -> str:
    if not negative:
        return ""
    if category_of(code) != category_of(negative):
        return "chance"
    return "sibling" if tree.parents.get(code) == tree.parents[negative] else "cousin"
