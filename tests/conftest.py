"""Shared fixtures: a tiny code set, tiny pairs, tiny real models, and no network."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pandas as pd
import pytest

if TYPE_CHECKING:
    from transformers import BertConfig, PreTrainedTokenizerFast

TINY_CODES = [
    ("E10", "", "Type 1 diabetes mellitus", False, []),
    ("E10.9", "E10", "Type 1 diabetes mellitus without complications", True, ["Juvenile diabetes"]),
    ("E11", "", "Type 2 diabetes mellitus", False, ["Diabetes due to insulin resistance"]),
    ("E11.2", "E11", "Type 2 diabetes mellitus with kidney complications", False, []),
    ("E11.21", "E11.2", "Type 2 diabetes mellitus with diabetic nephropathy", True, []),
    ("E11.22", "E11.2", "Type 2 diabetes mellitus with chronic kidney disease", True, []),
    ("E11.9", "E11", "Type 2 diabetes mellitus without complications", True, []),
    ("I10", "", "Essential (primary) hypertension", True, ["High blood pressure"]),
    ("J45", "", "Asthma", False, []),
    ("J45.9", "J45", "Other and unspecified asthma", True, ["Asthmatic bronchitis", "Late onset asthma"]),
    ("R07", "", "Pain in throat and chest", False, []),
    ("R07.0", "R07", "Pain in throat", True, []),
    ("R07.9", "R07", "Chest pain, unspecified", True, []),
]
TINY_PAIRS = [
    ("diabetes tipo 2", "E11.9", "es", "formal", "train"),
    ("DM2", "E11.9", "es", "shorthand", "train"),
    ("sugar in the blood", "E11.9", "en", "lay", "train"),
    ("diabete", "E10.9", "it", "lay", "train"),
    ("diabete", "E11.9", "it", "lay", "train"),
    ("hipertensión arterial", "I10", "es", "formal", "train"),
    ("pressió alta", "I10", "ca", "lay", "train"),
    ("asma bronquial", "J45.9", "es", "formal", "train"),
    ("dor no peito", "R07.9", "pt", "lay", "train"),
    ("dolor torácico", "R07.9", "es", "formal", "validation"),
    ("mal de gorge", "R07.0", "fr", "lay", "validation"),
    ("nefropatía diabética", "E11.21", "es", "formal", "validation"),
    ("asma", "J45.9", "es", "formal", "test"),
]


@pytest.fixture(scope="session")
def tiny_code_set() -> pd.DataFrame:
    """Return 13 codes of five categories, in the columns of CODE_SET."""
    columns = ["code", "parent", "title", "billable", "inclusion_terms"]
    frame = pd.DataFrame(TINY_CODES, columns=columns).astype({"code": str, "parent": str, "title": str})
    frame = frame.assign(category=frame["code"].str[:3], chapter=frame["code"].str[:1], release="tiny")
    names = ["code", "title", "category", "chapter", "parent", "billable", "inclusion_terms", "release"]
    return frame[names]


@pytest.fixture(scope="session")
def tiny_pairs() -> pd.DataFrame:
    """Return 13 pairs in three splits, in the columns of PAIRS; one query has two codes."""
    frame = pd.DataFrame(TINY_PAIRS, columns=["query", "code", "language", "style", "split"], dtype=str)
    ids = [f"p{number:02}" for number in range(len(frame))]
    return frame.assign(
        pair_id=ids,
        noise="",
        source="test",
        prompt_hash="",
        created="2026-01-01",
        duplicate_of="",
        cluster=range(len(frame)),
        seen=True,
    )


@pytest.fixture(scope="session")
def tiny_tokenizer() -> "PreTrainedTokenizerFast":
    """Return a word-piece tokenizer whose words are those of the tiny code set, and letters for all else."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = [chr(number) for number in range(ord("a"), ord("z") + 1)]
    words = sorted({word.strip("(),").lower() for code in TINY_CODES for word in code[2].split()})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = list(dict.fromkeys([*special, *words, *letters, *(f"##{letter}" for letter in letters)]))
    ids = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=64, **dict(zip(names, special, strict=True))
    )


def _tiny_config(vocabulary: int) -> "BertConfig":
    from transformers import BertConfig

    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=1,
    )


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: "PreTrainedTokenizerFast") -> Path:
    """Return the folder of a two-layer BERT with random weights, as a sentence-transformers model."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertModel

    bare, whole = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    BertModel(_tiny_config(len(tiny_tokenizer))).save_pretrained(bare)
    tiny_tokenizer.save_pretrained(bare)
    body = Transformer(str(bare))
    SentenceTransformer(modules=[body, Pooling(32)], device="cpu").save_pretrained(str(whole))
    return whole


@pytest.fixture(scope="session")
def tiny_cross_encoder(
    tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: "PreTrainedTokenizerFast"
) -> Path:
    """Return the folder of a two-layer BERT that scores pairs, with random weights."""
    import torch
    from transformers import BertForSequenceClassification

    folder = tmp_path_factory.mktemp("cross_encoder")
    torch.manual_seed(0)
    BertForSequenceClassification(_tiny_config(len(tiny_tokenizer))).save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder
