"""Small bundles of given codes and aliases."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from codisearch.retrieval.bundle import Bundle, new_manifest
from codisearch.retrieval.confidence import ConditionalLogit, Confidence, Threshold
from codisearch.retrieval.encoder import encode
from codisearch.retrieval.evidence import FEATURES, QUERY_FEATURES
from codisearch.retrieval.index import build_faiss
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.trained import TrainedModel

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from tokenizers import Tokenizer

DIMENSION = 32


def score_alone(none_intercept: float = 10.0) -> ConditionalLogit:
    """Return a model for which the score counts and nothing else; 80 % precise answers need 50 %.

    The score is multiplied by 20, so that with the default a score of 0.5 is as likely as none of the codes.
    """
    return ConditionalLogit(
        weights=tuple(20.0 if name == "score" else 0.0 for name in FEATURES),
        none_weights=(0.0,) * len(QUERY_FEATURES),
        none_intercept=none_intercept,
        thresholds=(Threshold(precision=0.8, probability=0.5, coverage=0.7),),
    )


def static_encoder_of(tokenizer: "Tokenizer", seed: int = 1) -> "SentenceTransformer":
    """Return a static encoder with random vectors, so that texts with common words are near each other."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize

    from codisearch.retrieval.static import StaticNgramEmbedding

    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(tokenizer.get_vocab_size(), DIMENSION, generator=generator)
    return SentenceTransformer(
        modules=[StaticNgramEmbedding(tokenizer, vectors, 512), Normalize()], device="cpu"
    )


def make_bundle(
    encoder: "SentenceTransformer",
    cross_encoder: "CrossEncoder",
    codes: pd.DataFrame,
    aliases: pd.DataFrame,
    *,
    titles: Sequence[tuple[str, str, str]] = (),
    confusables: Sequence[tuple[str, str, str, str]] = (),
    index: str = "Flat",
    fusion: Fusion | None = None,
    release: str = "tiny",
    logit: ConditionalLogit | None = None,
) -> Bundle:
    """Return a bundle; what `codes` lacks beside `code`, `title` and `billable` is empty."""
    empty = pd.Series([[] for _ in range(len(codes))], codes.index)
    filled = codes.assign(
        **{
            name: codes.get(name, default)
            for name, default in (
                ("parent", ""),
                ("chapter", "01"),
                ("inclusion_terms", empty),
                ("excludes", empty),
            )
        }
    )
    names = ["code", "title", "billable", "parent", "chapter", "inclusion_terms", "excludes"]
    model = logit or score_alone()
    return Bundle(
        encoder=TrainedModel("bi_encoder", encoder, "# Bi-encoder", {"fingerprint": "e" * 16}),
        reranker=TrainedModel("cross_encoder", cross_encoder, "# Cross-encoder", {"fingerprint": "r" * 16}),
        index=build_faiss(encode(encoder, aliases["alias"].tolist()), index),
        aliases=aliases,
        codes=filled[names].astype(dict.fromkeys(("code", "title", "parent", "chapter"), "str")),
        titles=pd.DataFrame(titles, columns=["code", "language", "title"], dtype="str"),
        confusables=pd.DataFrame(
            confusables, columns=["code", "confusable", "qualifier", "difference"], dtype="str"
        ),
        confidence=Confidence(two_stage=model, first_stage=model),
        manifest=new_manifest(
            release=release,
            codes=len(codes),
            aliases=len(aliases),
            alias_sources={str(name): int(count) for name, count in aliases["source"].value_counts().items()},
            dimension=DIMENSION,
            index=index,
            fusion=fusion or Fusion(depth=5, weight=0.1),
            encoder="e" * 16,
            reranker="r" * 16,
        ),
    )
