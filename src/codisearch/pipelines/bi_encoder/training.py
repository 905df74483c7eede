"""Training of one candidate with the sentence-transformers trainer."""

import logging
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from datasets import Dataset

from codisearch.errors import InputError
from codisearch.pipelines.bi_encoder.params import CandidateParams
from codisearch.pipelines.bi_encoder.sampling import UniqueCodes
from codisearch.pipelines.bi_encoder.validation import RetrievalTask
from codisearch.retrieval.conventions import ROLES
from codisearch.retrieval.encoder import load_encoder, supports_bfloat16

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

logger = logging.getLogger(__name__)

_EVALUATOR = "validation"


@dataclass(frozen=True)
class TrainingResult:
    """A trained candidate with its evidence.

    Attributes:
        params: What it was trained with.
        model: The weights of its best evaluation.
        history: `{step, metric, value}` of every logged loss and evaluation; step 0 is the un-tuned encoder.
        recall_at_5: Share of the validation queries with a right code in the first five.
        mrr: Mean reciprocal rank within the first ten.
        seconds: Training time with evaluations.
        pairs: Training pairs seen, at most: a batch may hold less than it could.
    """

    params: CandidateParams
    model: "SentenceTransformer"
    history: list[dict[str, Any]]
    recall_at_5: float
    mrr: float
    seconds: float
    pairs: int


def train_candidate(
    groups: pd.DataFrame, task: RetrievalTask, params: CandidateParams, seed: int
) -> TrainingResult:
    """Train one encoder and return its best state on validation.

    Args:
        groups: Training groups (see `groups.build_groups`).
        task: The validation task.
        params: The candidate.
        seed: Seeds weights that start from chance, and the order of the data.

    Raises:
        ModelError: If its encoder cannot be loaded.
        InputError: If no batch of different codes can be made of the groups.
    """
    from sentence_transformers import SentenceTransformerTrainer
    from transformers import EarlyStoppingCallback

    started = time.perf_counter()
    torch.manual_seed(seed)
    model = load_encoder(params.encoder, seed)
    model.model_card_data.generate_widget_examples = False  # the card is ours
    evaluator = _evaluator(task, params)
    history = _as_history(0, evaluator(model))
    with tempfile.TemporaryDirectory(prefix="codisearch-") as folder:
        trainer = SentenceTransformerTrainer(
            model=model,
            args=_arguments(folder, groups, params, seed, _prompts(model)),
            train_dataset=_dataset(groups),
            loss=_loss(model, params),
            evaluator=evaluator,
            callbacks=[EarlyStoppingCallback(early_stopping_patience=params.patience)],
        )
        trainer.train()
        history += _history_of(trainer.state.log_history)
        steps = trainer.state.global_step
        batch_size = trainer.args.per_device_train_batch_size
    best = _best(history)
    seconds = time.perf_counter() - started
    logger.info(
        "%s: recall@5 %.3f on validation after %d steps, %.0f s", params.name, best[0], steps, seconds
    )
    return TrainingResult(params, model, history, best[0], best[1], seconds, steps * batch_size)


def _dataset(groups: pd.DataFrame) -> Dataset:
    columns = {"anchor": groups["query"], "positive": groups["positive"]}
    columns["negative"] = groups["negative"].where(groups["negative"] != "", "unspecified")
    return Dataset.from_dict({name: column.tolist() for name, column in columns.items()})


def _loss(model: "SentenceTransformer", params: CandidateParams) -> torch.nn.Module:
    """Return the in-batch negatives loss; cached, which encodes twice, only where memory asks for it."""
    from sentence_transformers.sentence_transformer import losses

    options: dict[str, Any] = {
        "scale": params.scale,
        "directions": ("query_to_doc", "doc_to_query"),
        "partition_mode": "per_direction",
    }
    if params.mini_batch_size >= params.batch_size:
        return losses.MultipleNegativesRankingLoss(model, **options)
    return losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=params.mini_batch_size, **options)


def _evaluator(task: RetrievalTask, params: CandidateParams) -> "InformationRetrievalEvaluator":
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    is_static = params.encoder.kind == "static"
    return InformationRetrievalEvaluator(
        dict(task.queries),
        dict(task.documents),
        task.relevant,
        name=_EVALUATOR,
        accuracy_at_k=[1, 5, 10],
        precision_recall_at_k=[5],
        map_at_k=[10],
        batch_size=2048 if is_static else 64,
        write_csv=False,
    )


def _prompts(model: "SentenceTransformer") -> dict[str, str] | None:
    """Return what stands before the texts of each column, as before queries and aliases in search."""
    query, document = (model.prompts.get(role) or "" for role in ROLES)
    prompts = {"anchor": query, "positive": document, "negative": document}
    return prompts if query or document else None


def _arguments(
    folder: str,
    groups: pd.DataFrame,
    params: CandidateParams,
    seed: int,
    prompts: dict[str, str] | None,
) -> Any:  # noqa: ANN401
    """Return the trainer's arguments; evaluations are spread evenly over the steps."""
    from sentence_transformers import SentenceTransformerTrainingArguments

    codes = [
        frozenset((*relevant, negative) if negative else relevant)
        for relevant, negative in zip(groups["relevant"], groups["negative_code"], strict=True)
    ]
    sampler = UniqueCodes(codes, seed)
    batch_size = min(params.batch_size, max(2, len(groups) // 2))
    planned = params.epochs * len(sampler(range(len(groups)), batch_size))
    if not planned:
        raise InputError(
            f"Too few codes to train {params.name}: expected rows of two or more, came {len(groups)}."
        )
    steps = max(1, min(planned, params.max_steps or planned))
    every = max(1, steps // params.evaluations)
    return SentenceTransformerTrainingArguments(
        output_dir=folder,
        prompts=prompts,
        per_device_train_batch_size=batch_size,
        max_steps=steps,
        learning_rate=params.learning_rate,
        warmup_steps=max(1, steps // 10),
        weight_decay=0.0,
        optim="adamw_torch_fused",
        use_cpu=not torch.cuda.is_available(),  # said outright, or bf16 on a processor is refused
        bf16=params.encoder.kind == "transformer" and supports_bfloat16(),
        batch_sampler=sampler,
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{_EVALUATOR}_cosine_accuracy@5",
        greater_is_better=True,
        logging_steps=max(1, steps // 50),
        report_to="none",
        seed=seed,
        data_seed=seed,
        disable_tqdm=False,
        dataloader_pin_memory=False,
    )


def _as_history(step: int, metrics: dict[str, float]) -> list[dict[str, Any]]:
    names = {"accuracy@5": "recall@5", "accuracy@1": "recall@1", "accuracy@10": "recall@10", "mrr@10": "mrr"}
    return [
        {"step": step, "metric": name, "value": float(value)}
        for key, value in metrics.items()
        for suffix, name in names.items()
        if key.endswith(f"cosine_{suffix}")
    ]


def _history_of(log: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return losses and evaluations of the trainer's log."""
    history: list[dict[str, Any]] = []
    for entry in log:
        if "loss" in entry:
            history.append({"step": entry["step"], "metric": "loss", "value": float(entry["loss"])})
        history += _as_history(entry["step"], {k: v for k, v in entry.items() if isinstance(v, float)})
    return history


def _best(history: list[dict[str, Any]]) -> tuple[float, float]:
    """Return recall@5 and MRR of the evaluation after the start that found most."""
    recall = {
        entry["step"]: entry["value"] for entry in history if entry["metric"] == "recall@5" and entry["step"]
    }
    mrr = {entry["step"]: entry["value"] for entry in history if entry["metric"] == "mrr"}
    step = max(recall, key=lambda at: recall[at])
    return recall[step], mrr[step]
