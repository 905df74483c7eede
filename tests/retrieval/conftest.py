"""A tiny bundle: a static encoder and a two-layer cross-encoder, both with random weights, and 13 codes."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from bundles import make_bundle, static_encoder_of

from codisearch.retrieval.aliases import SOURCES, build_aliases
from codisearch.retrieval.bundle import Bundle
from codisearch.retrieval.reranker import Fusion
from codisearch.retrieval.retriever import Retriever
from codisearch.retrieval.trained import open_cross_encoder

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
    from tokenizers import Tokenizer

    return static_encoder_of(Tokenizer.from_str(tiny_tokenizer._tokenizer.to_str()))


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
    excludes = [["type 1 diabetes (E10.-)"] if code == "E11" else [] for code in tiny_code_set["code"]]
    return make_bundle(
        static_encoder,
        cross_encoder,
        tiny_code_set.assign(excludes=pd.Series(excludes, tiny_code_set.index)),
        aliases,
        titles=[(code, language, title) for code, title, language in NATIONAL_TITLES if code != "Z99.9"],
        confusables=[("R07.9", "R07.0", "site", "Pain in the throat is not chest pain.")],
        index="SQfp16",
        fusion=Fusion(depth=5, weight=0.1),
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
