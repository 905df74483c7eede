"""A tiny bundle: a static encoder and a two-layer cross-encoder, both with random weights, and 13 codes."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from codisearch.retrieval.aliases import SOURCES, build_aliases
from codisearch.retrieval.bundle import Bundle, new_manifest
from codisearch.retrieval.encoder import encode
from codisearch.retrieval.index import build_faiss
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.retriever import Retriever
from codisearch.retrieval.trained import TrainedModel, open_cross_encoder

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from transformers import PreTrainedTokenizerFast

INDEX_ALIASES = [("Hypertension, benign", "I10", "en"), ("Sugar sickness", "E11.9", "en")]
NATIONAL_TITLES = [
    ("I10", "Hipertensión esencial (primaria)", "es"),
    ("I10", "Hypertension essentielle (primitive)", "fr"),
    ("J45.9", "Asma, no especificada", "es"),
    ("R07.9", "Douleur thoracique, sans précision", "fr"),
    ("Z99.9", "A code of no release", "fr"),
]


@pytest.fixture(scope="session")
def index_aliases() -> pd.DataFrame:
    """Return two entries of an Alphabetic Index."""
    return pd.DataFrame(INDEX_ALIASES, columns=["alias", "code", "language"], dtype="str")


@pytest.fixture(scope="session")
def national_titles() -> pd.DataFrame:
    """Return titles in two languages, one of them of a code that does not exist."""
    return pd.DataFrame(NATIONAL_TITLES, columns=["code", "title", "language"], dtype="str")


@pytest.fixture(scope="session")
def aliases(
    tiny_code_set: pd.DataFrame,
    tiny_pairs: pd.DataFrame,
    index_aliases: pd.DataFrame,
    national_titles: pd.DataFrame,
) -> pd.DataFrame:
    """Return the aliases of all sources."""
    return build_aliases(tiny_code_set, tiny_pairs, index_aliases, national_titles, SOURCES)


@pytest.fixture(scope="session")
def static_encoder(tiny_tokenizer: "PreTrainedTokenizerFast") -> "SentenceTransformer":
    """Return a static encoder with random vectors, so that texts with common words are near each other."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize
    from tokenizers import Tokenizer

    from codisearch.retrieval.static import StaticNgramEmbedding

    tokenizer = Tokenizer.from_str(tiny_tokenizer._tokenizer.to_str())
    vectors = torch.randn(len(tiny_tokenizer), 32, generator=torch.Generator().manual_seed(1))
    return SentenceTransformer(
        modules=[StaticNgramEmbedding(tokenizer, vectors, 512), Normalize()], device="cpu"
    )


@pytest.fixture(scope="session")
def cross_encoder(tiny_cross_encoder: Path) -> "CrossEncoder":
    """Return the tiny cross-encoder with a last layer large enough for opinions that differ."""
    import torch

    model = open_cross_encoder(str(tiny_cross_encoder), max_length=32)
    with torch.no_grad():
        model[0].auto_model.classifier.weight.mul_(100)
    return model


@pytest.fixture(scope="session")
def tiny_bundle(
    static_encoder: "SentenceTransformer",
    cross_encoder: "CrossEncoder",
    aliases: pd.DataFrame,
    tiny_code_set: pd.DataFrame,
) -> Bundle:
    """Return a bundle whose second stage reads five codes."""
    manifest = new_manifest(
        release="tiny",
        codes=len(tiny_code_set),
        aliases=len(aliases),
        alias_sources=aliases["source"].value_counts().to_dict(),
        dimension=32,
        index="SQfp16",
        fusion=Fusion(depth=5, weight=0.1),
        encoder="e" * 16,
        reranker="r" * 16,
    )
    return Bundle(
        encoder=TrainedModel("bi_encoder", static_encoder, "# Bi-encoder", {"fingerprint": "e" * 16}),
        reranker=TrainedModel("cross_encoder", cross_encoder, "# Cross-encoder", {"fingerprint": "r" * 16}),
        index=build_faiss(encode(static_encoder, aliases["alias"].tolist()), "SQfp16"),
        aliases=aliases,
        codes=tiny_code_set[["code", "title", "billable"]],
        manifest=manifest,
    )


@pytest.fixture(scope="session")
def bundle_folder(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the saved bundle; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    tiny_bundle.save(folder)
    return folder


@pytest.fixture(scope="session")
def retriever(bundle_folder: Path) -> Retriever:
    """Return a retriever over the saved bundle."""
    return Retriever.load(bundle_folder)
