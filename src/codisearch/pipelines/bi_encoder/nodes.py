"""The nodes of the bi-encoder pipeline."""

import logging
from importlib.metadata import version

import pandas as pd

from codisearch.pipelines.bi_encoder import groups as training_groups
from codisearch.pipelines.bi_encoder.card import write_card
from codisearch.pipelines.bi_encoder.params import BiEncoderParams
from codisearch.pipelines.bi_encoder.training import TrainingResult, train_candidate
from codisearch.pipelines.bi_encoder.validation import build_task
from codisearch.retrieval.encoder import identity_of, resolve_source
from codisearch.retrieval.trained import TrainedModel, fingerprint_of_training

logger = logging.getLogger(__name__)

_RECIPE = "bi_encoder-1"
"""Goes into the fingerprint; raise it when the training code changes what it makes of the same inputs."""


def build_bi_encoder_groups(
    pairs: pd.DataFrame,
    code_set: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
    confusables: pd.DataFrame,
    params: BiEncoderParams,
) -> pd.DataFrame:
    """Return queries, the titles that they should find and hard negatives (see `groups.build_groups`)."""
    groups = training_groups.build_groups(
        pairs, code_set, index_aliases, national_titles, confusables, params.data, seed=params.seed
    )
    logger.info("Training groups by source: %s", groups["source"].value_counts().to_dict())
    return groups


def train_bi_encoder(
    groups: pd.DataFrame,
    pairs: pd.DataFrame,
    code_set: pd.DataFrame,
    previous: TrainedModel | None,
    params: BiEncoderParams,
) -> TrainedModel:
    """Train every candidate and return the one that finds most on validation.

    Args:
        groups: Training groups.
        pairs: The split corpus, for its validation queries.
        code_set: The code set.
        previous: The model of an earlier run; returned as it is when nothing that decides a training has
            changed.
        params: The pipeline's parameters.

    Raises:
        ModelError: If a candidate's encoder cannot be loaded.
    """
    sources = [identity_of(resolve_source(candidate.encoder)) for candidate in params.candidates]
    task = build_task(pairs, code_set, params.validation, params.seed)
    fingerprint = fingerprint_of_training(
        _RECIPE,
        groups,
        task.documents,
        task.queries,
        {query: sorted(codes) for query, codes in task.relevant.items()},
        params.model_dump(),
        sources,
        version("torch"),
    )
    if previous is not None and previous.fingerprint == fingerprint:
        logger.info(
            "Nothing that decides the bi-encoder has changed: the trained one is kept (%s)", fingerprint
        )
        return previous
    results = [train_candidate(groups, task, candidate, params.seed) for candidate in params.candidates]
    best = max(results, key=lambda result: (result.recall_at_5, result.mrr))
    logger.info("%s finds most on validation: recall@5 %.3f", best.params.name, best.recall_at_5)
    facts = {
        "fingerprint": fingerprint,
        "chosen": best.params.name,
        "encoder": best.params.encoder.model_dump(),
        "training": best.params.model_dump(exclude={"encoder"}),
        "seed": params.seed,
        "seconds": best.seconds,
        "groups": groups["source"].value_counts().to_dict(),
        "validation": {"queries": len(task.queries), "documents": len(task.documents)},
        "candidates": [_summary_of(result, chosen=result is best) for result in results],
        "history": [{"candidate": r.params.name, **entry} for r in results for entry in r.history],
    }
    return TrainedModel("bi_encoder", best.model, write_card(facts), facts)


def _summary_of(result: TrainingResult, *, chosen: bool) -> dict[str, object]:
    start = {e["metric"]: e["value"] for e in result.history if e["step"] == 0}
    return {
        "encoder": result.params.name,
        "start": result.params.encoder.source,
        "kind": result.params.encoder.kind,
        "recall@5_untuned": start["recall@5"],
        "recall@5": result.recall_at_5,
        "mrr": result.mrr,
        "seconds": round(result.seconds, 1),
        "pairs": result.pairs,
        "pairs_per_second": round(result.pairs / result.seconds, 1),
        "chosen": chosen,
    }


def describe_training(
    bi_encoder: TrainedModel,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, list[dict[str, float]]]]:
    """Return the table of candidates, the history of all, and that of the chosen one by metric to track."""
    history = pd.DataFrame(bi_encoder.facts["history"])
    chosen = history[history["candidate"] == bi_encoder.facts["chosen"]]
    tracked = {
        f"{'train' if metric == 'loss' else 'validation'}_{str(metric).replace('@', '_at_')}": [
            {"step": int(step), "value": float(value)}
            for step, value in zip(rows["step"], rows["value"], strict=True)
        ]
        for metric, rows in chosen.groupby("metric")
    }
    return pd.DataFrame(bi_encoder.facts["candidates"]), history, tracked
