"""Texts and pairs per second of this recipe's encoders, against the plain library defaults, in one run.

    python benchmarks/speed.py [--texts 2000] [--steps 6] [--repeats 3]

Plain defaults are all-MiniLM-L6-v2 as sentence-transformers loads it: fp32, batches of 32 to encode, in-batch
negatives and the trainer's own settings for training. Medians are printed, and the ratio of each to the plain
defaults.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pandas as pd
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from codisearch.pipelines.bi_encoder.params import CandidateParams
from codisearch.pipelines.bi_encoder.training import train_candidate
from codisearch.pipelines.bi_encoder.validation import RetrievalTask
from codisearch.pipelines.code_set.nodes import load_code_set
from codisearch.pipelines.code_set.params import CodeSetParams
from codisearch.retrieval.encoder import EncoderSpec, encode, load_encoder, resolve_source, supports_bfloat16

TRANSFORMER = EncoderSpec(kind="transformer", max_length=32)
STATIC = EncoderSpec(kind="static")


def rate(count: int, work: Callable[[], object]) -> float:
    """Return `count` per second of one execution of `work`."""
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def encoding(texts: list[str], repeats: int) -> dict[str, float]:
    """Return the median texts per second of each way to encode."""
    plain = SentenceTransformer(resolve_source(TRANSFORMER))
    transformer, static = load_encoder(TRANSFORMER), load_encoder(STATIC)
    ways: dict[str, Callable[[], object]] = {
        "plain library defaults": lambda: plain.encode(texts),
        "codisearch, transformer": lambda: encode(transformer, texts),
        "codisearch, static (default)": lambda: encode(static, texts),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, work in ways.items():
            static[0]._cache.clear()  # a fresh text each time
            rates[name].append(rate(len(texts), work))
    return {name: statistics.median(values) for name, values in rates.items()}


def training(titles: pd.DataFrame, steps: int) -> dict[str, float]:
    """Return the pairs per second of each way to train."""
    size = 64
    groups = pd.DataFrame(
        {
            "query": titles["title"].str.lower(),
            "positive": titles["title"],
            "negative": titles["title"].shift(1, fill_value="x"),
            "relevant": titles["code"].map(lambda code: [code]),
            "negative_code": "",
        }
    )
    task = RetrievalTask({"0": "chest pain"}, {"R07.9": "Chest pain, unspecified"}, {"0": {"R07.9"}})

    def plain() -> None:
        with tempfile.TemporaryDirectory() as folder:
            model = SentenceTransformer(resolve_source(TRANSFORMER))
            names = {"query": "anchor", "positive": "positive", "negative": "negative"}
            rows = groups[list(names)].rename(columns=names).to_dict(orient="list")
            arguments = SentenceTransformerTrainingArguments(
                folder,
                per_device_train_batch_size=size,
                max_steps=steps,
                report_to="none",
                save_strategy="no",
            )
            SentenceTransformerTrainer(
                model, arguments, Dataset.from_dict(rows), loss=MultipleNegativesRankingLoss(model)
            ).train()

    def ours(encoder: EncoderSpec, batch: int, count: int) -> Callable[[], object]:
        params = CandidateParams(
            name="x",
            encoder=encoder,
            batch_size=batch,
            mini_batch_size=batch,
            epochs=20,
            max_steps=count,
            evaluations=1,
        )
        return lambda: train_candidate(groups, task, params, seed=0)

    return {
        "plain library defaults": rate(steps * size, plain),
        "codisearch, transformer": rate(steps * size, ours(TRANSFORMER, size, steps)),
        "codisearch, static (default)": rate(steps * 8 * 1024, ours(STATIC, 1024, steps * 8)),
    }


def show(what: str, unit: str, rates: dict[str, float]) -> None:
    """Print rates and their ratio to the first."""
    base = next(iter(rates.values()))
    print(f"\n{what}")
    for name, value in rates.items():
        print(f"  {name:30s} {value:9.0f} {unit}/s   x {value / base:6.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    titles = load_code_set(CodeSetParams(source="package")).sample(20_000, random_state=0)
    print(f"native bfloat16: {'yes' if supports_bfloat16() else 'no'}")
    show(
        "Encoding official titles",
        "texts",
        encoding(titles["title"].tolist()[: options.texts], options.repeats),
    )
    show(
        "Training, three texts a pair (query, title, hard negative)", "pairs", training(titles, options.steps)
    )


if __name__ == "__main__":
    main()
