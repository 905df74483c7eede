"""Training of the cross-encoder with the sentence-transformers trainer and a listwise loss."""

import logging
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import torch
from datasets import Dataset

from codisearch.pipelines.cross_encoder.params import CrossEncoderParams, Kind
from codisearch.retrieval.encoder import resolve_source, supports_bfloat16
from codisearch.retrieval.static import StaticNgramEmbedding
from codisearch.retrieval.trained import open_cross_encoder

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

logger = logging.getLogger(__name__)

_LIST_NET_TARGET: Final = 10.0
"""ListNet's target is the softmax of the labels: of 1 and 0 almost even, of 10 and 0 all on the right one."""


@dataclass(frozen=True)
class RerankerTraining:
    """A trained cross-encoder with its evidence.

    Attributes:
        model: The cross-encoder.
        kind: What it became.
        history: `{step, metric, value}` of every logged loss.
        seconds: Training time.
        pairs: Pairs of query and document seen.
    """

    model: "CrossEncoder"
    kind: Kind
    history: list[dict[str, Any]]
    seconds: float
    pairs: int


@dataclass(frozen=True)
class _Schedule:
    """What differs between the trainings of both kinds."""

    batch_size: int
    learning_rate: float
    epochs: int
    max_steps: int | None


def train_reranker(
    groups: pd.DataFrame, params: CrossEncoderParams, encoder: "SentenceTransformer | None" = None
) -> RerankerTraining:
    """Train the cross-encoder on listwise groups (see `mining.mine_groups`).

    Args:
        groups: The groups, a row per candidate.
        params: The pipeline's parameters.
        encoder: The bi-encoder, whose word vectors an interaction cross-encoder reads.

    Raises:
        ModelError: If the encoder that it starts from cannot be loaded.
    """
    from sentence_transformers.cross_encoder import CrossEncoderTrainer

    started = time.perf_counter()
    torch.manual_seed(params.seed)
    kind, model = _new_model(params, encoder)
    schedule = _schedule(kind, params)
    lists = groups.groupby("group", sort=True).agg(
        query=("query", "first"), docs=("document", list), labels=("label", list)
    )
    if params.loss == "list_net":
        lists["labels"] = lists["labels"].map(lambda labels: [_LIST_NET_TARGET * label for label in labels])
    dataset = Dataset.from_dict({name: lists[name].tolist() for name in ("query", "docs", "labels")})
    with tempfile.TemporaryDirectory(prefix="codisearch-") as folder:
        trainer = CrossEncoderTrainer(
            model=model,
            args=_arguments(folder, len(lists), schedule, params.seed),
            train_dataset=dataset,
            loss=_loss(model, params),
        )
        trainer.train()
    history = [
        {"step": entry["step"], "metric": "loss", "value": float(entry["loss"])}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    seen = min(trainer.state.global_step * schedule.batch_size, len(lists) * schedule.epochs)
    pairs = round(seen * len(groups) / len(lists))
    return RerankerTraining(model, kind, history, time.perf_counter() - started, pairs)


def _new_model(
    params: CrossEncoderParams, encoder: "SentenceTransformer | None"
) -> tuple[Kind, "CrossEncoder"]:
    """Return what is trained, and of which kind it is."""
    from sentence_transformers import CrossEncoder

    from codisearch.retrieval.interaction import WordInteraction

    static = encoder[0] if encoder is not None else None
    if params.kind == "interaction" and isinstance(static, StaticNgramEmbedding):
        settings = params.interaction
        module = WordInteraction(
            static, settings.hidden, settings.dropout, settings.max_words, settings.freeze_words
        )
        return "interaction", CrossEncoder(modules=[module])
    if params.kind == "interaction":
        logger.warning(
            "An interaction cross-encoder reads the word vectors of a static bi-encoder; this bi-encoder is "
            "none, so the cross-encoder becomes a transformer"
        )
    model = open_cross_encoder(
        resolve_source(params.encoder),
        num_labels=1,
        max_length=params.max_length,
        revision=params.encoder.revision,
        config_kwargs={"num_hidden_layers": params.layers} if params.layers else None,
    )
    return "transformer", model


def _schedule(kind: Kind, params: CrossEncoderParams) -> _Schedule:
    if kind == "interaction":
        own = params.interaction
        return _Schedule(own.batch_size, own.learning_rate, own.epochs, None)
    return _Schedule(params.batch_size, params.learning_rate, params.epochs, params.max_steps)


def _loss(model: "CrossEncoder", params: CrossEncoderParams) -> torch.nn.Module:
    from sentence_transformers.cross_encoder.losses import LambdaLoss, ListNetLoss, PListMLELoss

    losses = {"lambda": LambdaLoss, "list_net": ListNetLoss, "p_list_mle": PListMLELoss}
    loss: torch.nn.Module = losses[params.loss](model, mini_batch_size=0)
    return loss


def _arguments(folder: str, groups: int, schedule: _Schedule, seed: int) -> Any:  # noqa: ANN401
    from sentence_transformers.cross_encoder import CrossEncoderTrainingArguments

    planned = schedule.epochs * max(1, -(-groups // schedule.batch_size))
    steps = min(planned, schedule.max_steps or planned)
    return CrossEncoderTrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=schedule.batch_size,
        max_steps=steps,
        learning_rate=schedule.learning_rate,
        warmup_steps=max(1, steps // 10),
        optim="adamw_torch_fused",
        use_cpu=not torch.cuda.is_available(),  # said outright, or bf16 on a processor is refused
        bf16=supports_bfloat16(),
        eval_strategy="no",
        save_strategy="no",
        logging_steps=max(1, steps // 50),
        report_to="none",
        seed=seed,
        data_seed=seed,
        dataloader_pin_memory=False,
    )
