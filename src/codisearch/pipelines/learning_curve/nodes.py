"""The nodes of the learning curve: training sets of several sizes, and what the encoder finds after each."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codisearch.errors import ConfigurationError
from codisearch.languages import LANGUAGES
from codisearch.pipelines.bi_encoder.groups import build_groups
from codisearch.pipelines.bi_encoder.params import BiEncoderParams, CandidateParams
from codisearch.pipelines.bi_encoder.training import train_candidate
from codisearch.pipelines.bi_encoder.validation import build_task
from codisearch.pipelines.learning_curve.params import LearningCurveParams
from codisearch.retrieval.aliases import AliasSource, build_aliases, positions_of
from codisearch.retrieval.encoder import encode
from codisearch.retrieval.index import DenseRanker, build_faiss
from codisearch.retrieval.trained import fingerprint_of_training

logger = logging.getLogger(__name__)

ALL = "all"
_DEPTH = 50
_SHOWN = 5
_CUTOFF = 5


@dataclass(frozen=True)
class Frames:
    """The tables that every training is made from; see `measure_learning_curve`."""

    pairs: pd.DataFrame
    code_set: pd.DataFrame
    index_aliases: pd.DataFrame
    national_titles: pd.DataFrame
    confusables: pd.DataFrame


@dataclass(frozen=True)
class TrainingSet:
    """A part of the corpus.

    Attributes:
        label: `size` where the corpus was cut, or the source that was kept.
        seed: Seeds the choice of codes and the training.
        pairs: The split corpus, of its training rows only that part.
    """

    label: str
    seed: int
    pairs: pd.DataFrame

    @property
    def queries(self) -> int:
        """Return the number of training queries, titles not among them."""
        return int(_is_training_query(self.pairs).sum())

    @property
    def codes(self) -> int:
        """Return the number of codes that have a training query."""
        return int(self.pairs.loc[_is_training_query(self.pairs), "code"].nunique())


def measure_learning_curve(
    pairs: pd.DataFrame,
    code_set: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
    confusables: pd.DataFrame,
    bi_encoder: BiEncoderParams,
    alias_sources: Sequence[AliasSource],
    params: LearningCurveParams,
) -> pd.DataFrame:
    """Train the bi-encoder on parts of the corpus and measure each on the test queries.

    Every training starts anew from the un-tuned encoder; the whole code set is ranked. The index holds the
    training queries of the part and no others.

    Args:
        pairs: The split corpus.
        code_set: Codes and titles of the release.
        index_aliases: Further aliases of the release, possibly none.
        national_titles: Titles in other languages, possibly none.
        confusables: Listed confusable codes.
        bi_encoder: What the bi-encoder is trained with.
        alias_sources: What the index holds (`indexing.alias_sources`).
        params: Sizes and seeds.

    Returns:
        A row per training, language (`all` over all) and `part` (`all`, or test queries whose code is `seen`
        or `unseen` by the whole training split): `label`, `seed`, `queries`, `codes`, `language`, `part`,
        `test_queries`, `recall_at_5`, `mrr`, `seconds`, and `corpus`, a digest of `pairs`.

    Raises:
        ConfigurationError: If the candidate is not among those of the bi-encoder, or a source has no row.
    """
    frames = Frames(pairs, code_set, index_aliases, national_titles, confusables)
    candidate = _candidate(bi_encoder, params.candidate)
    _check_sources(pairs, params.sources)
    test = _test_queries(pairs, params.queries)
    rows = []
    for part in _training_sets(pairs, params):
        started = time.perf_counter()
        found = _train_and_rank(part, frames, test, candidate, bi_encoder, tuple(alias_sources))
        seconds = round(time.perf_counter() - started, 1)
        table = _slices(found)
        logger.info(
            "Learning curve: %s of %d queries, seed %d: recall@5 %.3f, %.0f s",
            part.label, part.queries, part.seed, table["recall_at_5"].iloc[0], seconds,
        )  # fmt: skip
        rows.append(
            table.assign(
                label=part.label, seed=part.seed, queries=part.queries, codes=part.codes, seconds=seconds
            )
        )
    columns = ["label", "seed", "queries", "codes", "language", "part"]
    columns += ["test_queries", "recall_at_5", "mrr", "seconds"]
    return pd.concat(rows, ignore_index=True)[columns].assign(corpus=fingerprint_of_training(pairs))


def _candidate(params: BiEncoderParams, name: str) -> CandidateParams:
    for candidate in params.candidates:
        if candidate.name == name:
            return candidate
    names = ", ".join(candidate.name for candidate in params.candidates)
    raise ConfigurationError(
        f"learning_curve.candidate: no {name!r} under bi_encoder.candidates; there are {names}."
    )


def _is_training_query(pairs: pd.DataFrame) -> "pd.Series[bool]":
    return (pairs["split"] == "train") & (pairs["style"] != "title")


def _check_sources(pairs: pd.DataFrame, sources: Sequence[str]) -> None:
    known = sorted(pairs.loc[_is_training_query(pairs), "source"].unique())
    for source in sources:
        if source not in known:
            raise ConfigurationError(
                f"learning_curve.sources: no training query of {source!r}; "
                f"there are {', '.join(known[:_SHOWN])}."
            )


def _training_sets(pairs: pd.DataFrame, params: LearningCurveParams) -> Iterator[TrainingSet]:
    for seed in params.seeds:
        for size in params.sizes:
            yield TrainingSet("size", seed, cut(pairs, size, seed))
    for source in params.sources:
        kept = pairs[(pairs["split"] != "train") | (pairs["source"] == source)]
        yield TrainingSet(source, params.seeds[0], kept)


def cut(pairs: pd.DataFrame, size: int | None, seed: int) -> pd.DataFrame:
    """Return the pairs with no more than `size` training queries, all those of a code before the next code's.

    Codes come in an order of chance; the last one may lose some of its queries. Titles, and the rows of
    validation and test, stay.
    """
    training = _is_training_query(pairs)
    if size is None or training.sum() <= size:
        return pairs
    codes = np.random.default_rng(seed).permutation(
        np.sort(pairs.loc[training, "code"].unique().astype(object))
    )
    order = pd.Series(np.arange(len(codes)), index=codes)
    turn = pairs.loc[training, "code"].map(order).sort_values(kind="stable")
    dropped = turn.index[size:]
    return pairs.drop(index=dropped)


def _test_queries(pairs: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """Return the test queries with all their `codes` and whether any is `seen`, evenly over languages."""
    test = pairs[(pairs["split"] == "test") & (pairs["style"] != "title")]
    grouped = test.groupby(["language", "query"], sort=True)
    queries = grouped.agg(codes=("code", set), seen=("seen", "any")).reset_index()
    if limit is None or len(queries) <= limit:
        return queries
    turn = queries.sample(frac=1.0, random_state=0).groupby("language").cumcount()
    return queries.loc[turn.sort_values(kind="stable").index[:limit]].sort_index().reset_index(drop=True)


def _train_and_rank(
    part: TrainingSet,
    frames: Frames,
    queries: pd.DataFrame,
    candidate: CandidateParams,
    params: BiEncoderParams,
    sources: tuple[AliasSource, ...],
) -> pd.DataFrame:
    """Return the test queries with the `rank` of their first right code, 0 beyond the first 50."""
    others = (frames.code_set, frames.index_aliases, frames.national_titles)
    groups = build_groups(part.pairs, *others, frames.confusables, params.data, seed=part.seed)
    task = build_task(part.pairs, frames.code_set, params.validation, params.seed)
    model = train_candidate(groups, task, candidate, part.seed).model
    aliases = build_aliases(frames.code_set, part.pairs, *others[1:], sources)
    index = build_faiss(encode(model, aliases["alias"].tolist(), progress=True), "Flat")
    ranker = DenseRanker(model, index, positions_of(aliases["code"], frames.code_set["code"]))
    ranked = ranker.rank(queries["query"].tolist(), _DEPTH).codes
    vocabulary = frames.code_set["code"].to_numpy(dtype=object)
    ranks = [
        next((place for place, code in enumerate(row, start=1) if code >= 0 and vocabulary[code] in codes), 0)
        for row, codes in zip(ranked, queries["codes"], strict=True)
    ]
    return queries.assign(rank=ranks)


def _slices(found: pd.DataFrame) -> pd.DataFrame:
    """Return recall@5 and MRR over all, by language, by seen and unseen, and by both."""
    rows = []
    for language in (ALL, *LANGUAGES):
        for part in (ALL, "seen", "unseen"):
            chosen = found if language == ALL else found[found["language"] == language]
            chosen = chosen if part == ALL else chosen[chosen["seen"] == (part == "seen")]
            if len(chosen):
                ranks = chosen["rank"].to_numpy()
                reciprocal = np.divide(1.0, ranks, out=np.zeros(len(ranks)), where=ranks > 0)
                values = {
                    "recall_at_5": float(((ranks > 0) & (ranks <= _CUTOFF)).mean()),
                    "mrr": float(reciprocal.mean()),
                }
                rows.append({"language": language, "part": part, "test_queries": len(chosen), **values})
    return pd.DataFrame(rows)


def track_learning_curve(curve: pd.DataFrame) -> dict[str, list[dict[str, float]]]:
    """Return recall@5 and MRR per language as histories for tracking, the number of queries as the step."""
    sizes = curve[(curve["label"] == "size") & (curve["part"] == ALL)]
    means = sizes.groupby(["language", "queries"])[["recall_at_5", "mrr"]].mean().reset_index()
    return {
        f"{metric}.{language}": [
            {"step": int(queries), "value": float(value)}
            for queries, value in zip(rows["queries"], rows[metric], strict=True)
        ]
        for language, rows in means.groupby("language")
        for metric in ("recall_at_5", "mrr")
    }
