"""The nodes of the cross-encoder pipeline."""

import logging
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from codisearch.codes import CodeTree
from codisearch.pipelines.cross_encoder import mining
from codisearch.pipelines.cross_encoder.card import write_card
from codisearch.pipelines.cross_encoder.fusion import choose_fusion
from codisearch.pipelines.cross_encoder.params import CrossEncoderParams, Kind
from codisearch.pipelines.cross_encoder.training import train_reranker
from codisearch.retrieval.aliases import AliasSource, build_aliases, positions_of
from codisearch.retrieval.cache import EmbeddingCache
from codisearch.retrieval.encoder import encode, fingerprint_of, identity_of, resolve_source
from codisearch.retrieval.index import DenseRanker, build_faiss
from codisearch.retrieval.reranker import Documents, score_candidates
from codisearch.retrieval.trained import TrainedModel, fingerprint_of_training

logger = logging.getLogger(__name__)

_RECIPE = "cross_encoder-3"
_MINING_SOURCES: tuple[AliasSource, ...] = (
    "official_title",
    "inclusion_term",
    "alphabetic_index",
    "national_title",
    "title",
)
"""All but corpus queries: among those the training query itself would be found."""


def build_first_stage(
    bi_encoder: TrainedModel,
    code_set: pd.DataFrame,
    pairs: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
    embedding_cache: EmbeddingCache,
    sources: Sequence[AliasSource] = _MINING_SOURCES,
) -> tuple[DenseRanker, Documents]:
    """Return the first stage over the aliases of some sources, and the documents of the second stage.

    Groups are mined over all aliases but corpus queries; depth and weight are chosen over the aliases of the
    index that search will use.
    """
    aliases = build_aliases(code_set, pairs, index_aliases, national_titles, tuple(sources))
    model = bi_encoder.model
    vectors = embedding_cache.vectors(
        fingerprint_of(model),
        aliases["alias"].tolist(),
        lambda texts: encode(model, texts, progress=True),  # type: ignore[arg-type]
    ).vectors
    first = DenseRanker(model, build_faiss(vectors, "Flat"), positions_of(aliases["code"], code_set["code"]))  # type: ignore[arg-type]
    return first, Documents(code_set["title"].tolist(), aliases["alias"].tolist(), aliases["source"].tolist())


def mine_reranker_groups(
    first_stage: DenseRanker,
    documents: Documents,
    pairs: pd.DataFrame,
    code_set: pd.DataFrame,
    confusables: pd.DataFrame,
    params: CrossEncoderParams,
) -> pd.DataFrame:
    """Return the listwise groups, a row per candidate (see `mining.mine_groups`)."""
    queries = mining.sample_queries(pairs, params.groups.queries, params.seed)
    context = mining.MiningContext(
        first=first_stage,
        documents=documents,
        vocabulary=code_set["code"].tolist(),
        titles=dict(zip(code_set["code"], code_set["title"], strict=True)),
        tree=CodeTree.from_frame(code_set),
        confusables={
            str(code): tuple(zip(rows["confusable"], rows["qualifier"], strict=True))
            for code, rows in confusables.groupby("code")
        },
    )
    groups = mining.mine_groups(queries, context, params.groups, params.seed)
    logger.info(
        "Listwise groups: %d; candidates by origin: %s", groups["group"].nunique(), _counts(groups["origin"])
    )
    return groups


def _counts(column: "pd.Series[str]") -> dict[str, int]:
    return {str(name): int(count) for name, count in column.value_counts().items()}


def train_cross_encoder(
    groups: pd.DataFrame,
    pairs: pd.DataFrame,
    code_set: pd.DataFrame,
    first_stage: DenseRanker,
    documents: Documents,
    previous: TrainedModel | None,
    params: CrossEncoderParams,
) -> TrainedModel:
    """Train the cross-encoder and choose depth and weight of the second stage on validation.

    Args:
        groups: Listwise groups.
        pairs: The split corpus, for its validation queries.
        code_set: The code set.
        first_stage: The bi-encoder's ranker, over the aliases that search will use.
        documents: What the cross-encoder reads of a candidate, over the same aliases.
        previous: The model of an earlier run; returned as it is when nothing that decides a training has
            changed.
        params: The pipeline's parameters.

    Raises:
        ModelError: If the encoder that it starts from cannot be loaded.
    """
    validation = _validation_queries(pairs, params)
    fingerprint = fingerprint_of_training(
        _RECIPE,
        groups,
        validation,
        fingerprint_of(first_stage.model),
        [*documents.titles, *documents.aliases],
        params.model_dump(),
        identity_of(resolve_source(params.encoder)),
        version("torch"),
    )
    if previous is not None and previous.fingerprint == fingerprint:
        logger.info(
            "Nothing that decides the cross-encoder has changed: the trained one is kept (%s)", fingerprint
        )
        return previous
    training = train_reranker(groups, params, first_stage.model)
    rankings = first_stage.rank(validation["query"].tolist(), max(params.fusion.depths, default=1) + 20)
    head = rankings.head(max(params.fusion.depths, default=1))
    liked = score_candidates(training.model, validation["query"].tolist(), head, documents, progress=True)
    position = {code: number for number, code in enumerate(code_set["code"])}
    relevant = [frozenset(position[code] for code in codes) for codes in validation["codes"]]
    choice = choose_fusion(rankings, liked, relevant, validation["language"].tolist(), params.fusion)
    logger.info("Second stage: depth %d, weight %.2f", choice.fusion.depth, choice.fusion.weight)
    facts = {
        "fingerprint": fingerprint,
        "kind": training.kind,
        **_start_and_training(training.kind, params),
        "loss": params.loss,
        "groups": int(groups["group"].nunique()),
        "origins": _counts(groups["origin"]),
        "seconds": round(training.seconds, 1),
        "pairs": training.pairs,
        "fusion": choice.fusion.model_dump(),
        "fusion_table": choice.table.replace({np.nan: None}).to_dict(orient="records"),
        "validation_queries": len(validation),
        "history": training.history,
    }
    return TrainedModel("cross_encoder", training.model, write_card(facts), facts)


def _start_and_training(kind: Kind, params: CrossEncoderParams) -> dict[str, Any]:
    """Return the facts on what a cross-encoder of this kind started from, and on how it was trained."""
    if kind == "interaction":
        return {
            "encoder": {"source": "the bi-encoder", "kind": kind},
            "layers": None,
            "training": {**params.interaction.model_dump(), "seed": params.seed},
        }
    return {
        "encoder": params.encoder.model_dump(),
        "layers": params.layers,
        "training": params.model_dump(
            include={"batch_size", "learning_rate", "epochs", "max_steps", "max_length", "seed"}
        ),
    }


def _validation_queries(pairs: pd.DataFrame, params: CrossEncoderParams) -> pd.DataFrame:
    """Return validation queries with their codes, evenly over languages."""
    as_train = pairs[pairs["split"] == "validation"].assign(split="train")
    return mining.sample_queries(as_train, params.fusion.queries, params.seed)


def describe_reranker(
    cross_encoder: TrainedModel,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, list[dict[str, float]]]]:
    """Return the table that the fusion was chosen from, the history of the loss, and that for tracking."""
    history = pd.DataFrame(cross_encoder.facts["history"], columns=["step", "metric", "value"])
    tracked = {
        "reranker_train_loss": [
            {"step": int(step), "value": float(value)}
            for step, value in zip(history["step"], history["value"], strict=True)
        ]
    }
    return (
        pd.DataFrame(cross_encoder.facts["fusion_table"]),
        history.assign(candidate="cross_encoder"),
        tracked,
    )
