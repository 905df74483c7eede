"""Training of the cross-encoder with the sentence-transformers trainer and a listwise loss."""

import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from datasets import Dataset

from codisearch.pipelines.cross_encoder.params import CrossEncoderParams
from codisearch.retrieval.encoder import resolve_source, supports_bfloat16
from codisearch.retrieval.trained import open_cross_encoder

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_LIST_NET_TARGET = 10.0
"""ListNet takes the softmax of the labels as its target: of 1 and 0 that is almost even, of 10 and 0 all on the right one."""


@dataclass(frozen=True)
class RerankerTraining:
    """A trained cross-encoder with its evidence.

    Attributes:
        model: The cross-encoder.
        history: `{step, metric, value}` of every logged loss.
        seconds: Training time.
        pairs: Pairs of query and document seen.
    """

    model: "CrossEncoder"
    history: list[dict[str, Any]]
    seconds: float
    pairs: int


def train_reranker(groups: pd.DataFrame, params: CrossEncoderParams) -> RerankerTraining:
    """Train the cross-encoder on listwise groups (see `mining.mine_groups`).

    Raises:
        ModelError: If the encoder that it starts from cannot be loaded.
    """
    from sentence_transformers.cross_encoder import CrossEncoderTrainer

    started = time.perf_counter()
    torch.manual_seed(params.seed)
    model = open_cross_encoder(
        resolve_source(params.encoder),
        num_labels=1,
        max_length=params.max_length,
        revision=params.encoder.revision,
        config_kwargs={"num_hidden_layers": params.layers} if params.layers else None,
    )
    lists = groups.groupby("group", sort=True).agg(
        query=("query", "first"), docs=("document", list), labels=("label", list)
    )
    if params.loss == "list_net":
        lists["labels"] = lists["labels"].map(lambda labels: [_LIST_NET_TARGET * label for label in labels])
    dataset = Dataset.from_dict({name: lists[name].tolist() for name in ("query", "docs", "labels")})
    with tempfile.TemporaryDirectory(prefix="codisearch-") as folder:
        trainer = CrossEncoderTrainer(
            model=model,
            args=_arguments(folder, len(lists), params),
            train_dataset=dataset,
            loss=_loss(model, params),
        )
        trainer.train()
    history = [
        {"step": entry["step"], "metric": "loss", "value": float(entry["loss"])}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    seen = min(trainer.state.global_step * params.batch_size, len(lists) * params.epochs)
    pairs = round(seen * len(groups) / len(lists))
    return RerankerTraining(model, history, time.perf_counter() - started, pairs)


def _loss(model: "CrossEncoder", params: CrossEncoderParams) -> torch.nn.Module:
    from sentence_transformers.cross_encoder.losses import LambdaLoss, ListNetLoss, PListMLELoss

    losses = {"lambda": LambdaLoss, "list_net": ListNetLoss, "p_list_mle": PListMLELoss}
    loss: torch.nn.Module = losses[params.loss](model, mini_batch_size=0)
    return loss


def _arguments(folder: str, groups: int, params: CrossEncoderParams) -> Any:  # noqa: ANN401
    from sentence_transformers.cross_encoder import CrossEncoderTrainingArguments

    planned = params.epochs * max(1, -(-groups // params.batch_size))
    steps = min(planned, params.max_steps or planned)
    return CrossEncoderTrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=params.batch_size,
        max_steps=steps,
        learning_rate=params.learning_rate,
        warmup_steps=max(1, steps // 10),
        optim="adamw_torch_fused",
        bf16=supports_bfloat16(),
        eval_strategy="no",
        save_strategy="no",
        logging_steps=max(1, steps // 50),
        report_to="none",
        seed=params.seed,
        data_seed=params.seed,
        dataloader_pin_memory=False,
    )
