"""How long one search takes, beside the plain way to do it, and how often each finds the right code.

The plain way is `SentenceTransformer.encode`, an exact FAISS search and `CrossEncoder.predict` in fp32, with
the same models and the same weight of the second stage. Both take turns query by query, so that whatever else
the machine does slows both.

    python benchmarks/search_latency.py [--bundle data/06_models/bundle] [--queries 500] [--depth 50]
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pandas as pd
import torch

from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.retriever import Retriever

_TOP = 5
_ALIASES_PER_CODE = 8

Search = Callable[[str], list[str]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=Path("data/06_models/bundle"))
    parser.add_argument(
        "--test-queries", type=Path, default=Path("data/07_model_output/test_queries.parquet")
    )
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--depth", type=int, default=50, help="codes that the second stage reads")
    arguments = parser.parse_args()
    queries = pd.read_parquet(arguments.test_queries).sample(arguments.queries, random_state=0)
    bundle = Bundle.load(arguments.bundle)
    chosen = bundle.manifest.fusion
    deep = _with_depth(bundle, arguments.depth)
    own, own_deep = Retriever(bundle), Retriever(deep)
    ways: dict[str, Search] = {
        "search, first stage": lambda query: _codes(own, query, rerank=False),
        f"search, reranking {chosen.depth}": lambda query: _codes(own, query, rerank=True),
        f"search, reranking {arguments.depth}": lambda query: _codes(own_deep, query, rerank=True),
        "plain, first stage": _plain(bundle, None),
        f"plain, reranking {arguments.depth}": _plain(deep, deep.manifest.fusion),
    }
    print(_measure(ways, queries["query"].tolist(), queries["codes"].tolist()).to_string())


def _measure(ways: dict[str, Search], queries: Sequence[str], codes: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Return milliseconds and recall of each way."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    right: dict[str, list[bool]] = {name: [] for name in ways}
    for search in ways.values():
        for query in queries[:5]:
            search(query)
    for query, wanted in zip(queries, codes, strict=True):
        for name, search in ways.items():
            started = time.perf_counter()
            found = search(query)
            seconds[name].append(time.perf_counter() - started)
            right[name].append(bool(set(found) & set(wanted)))
    rows = {}
    for name in ways:
        p50, p95, p99 = 1000 * np.percentile(seconds[name], [50, 95, 99])
        rows[name] = {"p50 ms": p50, "p95 ms": p95, "p99 ms": p99, f"recall@{_TOP}": np.mean(right[name])}
    table = pd.DataFrame(rows).T
    plain = [name for name in ways if name.startswith("plain")]
    table["times as fast as plain"] = [
        table.loc[plain["reranking" in name], "p50 ms"] / table.loc[name, "p50 ms"] for name in ways
    ]
    return table.round(3)


def _with_depth(bundle: Bundle, depth: int) -> Bundle:
    fusion = Fusion(depth=depth, weight=bundle.manifest.fusion.weight)
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"fusion": fusion}))


def _codes(retriever: Retriever, query: str, *, rerank: bool) -> list[str]:
    return [hit.code for hit in retriever.search(query, top=_TOP, rerank=rerank)]


def _plain(bundle: Bundle, fusion: Fusion | None) -> Search:
    """Return the plain way to search; without a fusion the first stage alone."""
    encoder, reranker = bundle.encoder.model, bundle.reranker.model
    index = faiss.IndexFlatIP(bundle.manifest.dimension)
    index.add(bundle.index.reconstruct_n(0, bundle.index.ntotal))
    code_of_alias = bundle.aliases["code"].tolist()
    titles = dict(zip(bundle.codes["code"], bundle.codes["title"], strict=True))

    def search(query: str) -> list[str]:
        depth = fusion.depth if fusion else _TOP
        vector = encoder.encode([query], normalize_embeddings=True)
        scores, ids = index.search(np.asarray(vector, dtype=np.float32), _ALIASES_PER_CODE * depth)
        best: dict[str, float] = {}
        for score, place in zip(scores[0].tolist(), ids[0].tolist(), strict=True):
            best.setdefault(code_of_alias[place], score)
        codes = list(best)[:depth]
        if fusion is None:
            return codes[:_TOP]
        pairs = [(query, titles[code]) for code in codes]
        logits = reranker.predict(pairs, activation_fn=torch.nn.Identity())
        liked = torch.softmax(torch.as_tensor(logits).float(), dim=0).numpy()
        fused = np.array([best[code] for code in codes]) + fusion.weight * (liked - liked.max())
        return [codes[place] for place in np.argsort(-fused, kind="stable")[:_TOP]]

    return search


if __name__ == "__main__":
    main()
