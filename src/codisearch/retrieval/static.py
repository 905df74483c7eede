"""A static encoder: the mean of sub-word vectors plus the mean of hashed character n-gram vectors.

It has no attention and no position, so it encodes thousands of phrases a second on one core. Sub-word vectors
start from those of a trained transformer; n-gram vectors (Bojanowski et al. 2017,
https://arxiv.org/abs/1607.04606) start near zero and learn what the vocabulary of an English model cannot
hold: stems that medical Romance words share with the English titles, endings, typos and missing accents.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules.input_module import InputModule
from sklearn.feature_extraction import FeatureHasher
from tokenizers import Tokenizer
from torch import Tensor, nn

Ids = npt.NDArray[np.int32]

_WORD: Final = re.compile(r"\w+")
_SIZES: Final = (3, 4, 5)
_CACHED_TEXTS: Final = 250_000
_NOTHING: Final[Ids] = np.zeros(0, dtype=np.int32)
_INITIAL_SPREAD: Final = 0.02


def fold(text: str) -> str:
    """Return `text` in lower case without accents: `Torácico` becomes `toracico`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def character_ngrams(word: str) -> Iterator[str]:
    """Yield a folded word between angle brackets, and its 3- to 5-grams: `<gota>`, `<go`, `got`, ..."""
    marked = f"<{word}>"
    yield marked
    for size in _SIZES:
        if size < len(marked):
            yield from (marked[start : start + size] for start in range(len(marked) - size + 1))


class StaticNgramEmbedding(InputModule):
    """Sentence-transformers module of a static encoder over sub-words and hashed character n-grams.

    Features are `input_ids` of shape (batch, sub-words) and `ngram_ids` of shape (batch, n-grams), padded
    with 0, which is no row of either table; so a batch can be cut into mini-batches, as cached losses do.

    Args:
        tokenizer: A fast tokenizer; its ids are shifted by one to leave 0 for padding.
        token_vectors: (vocabulary, dimension) vectors that sub-words start from.
        buckets: How many n-gram vectors there are; 0 leaves n-grams out.
        seed: Seeds the n-gram vectors.
    """

    config_keys: list[str] = ["buckets", "dimension", "vocabulary"]  # noqa: RUF012

    def __init__(self, tokenizer: Tokenizer, token_vectors: Tensor, buckets: int, seed: int = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.vocabulary, self.dimension = token_vectors.shape
        self.buckets = buckets
        self.tokenizer = tokenizer
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        tokens = torch.cat([torch.zeros(1, self.dimension), token_vectors.float()])
        generator = torch.Generator().manual_seed(seed)
        ngrams = torch.randn(buckets + 1, self.dimension, generator=generator) * _INITIAL_SPREAD
        ngrams[0] = 0.0
        self.tokens = nn.EmbeddingBag.from_pretrained(tokens, freeze=False, mode="mean")
        self.ngrams = nn.EmbeddingBag.from_pretrained(ngrams, freeze=False, mode="mean")
        self._hasher = FeatureHasher(max(buckets, 1), input_type="string", alternate_sign=False)
        self._cache: dict[str, tuple[Ids, Ids]] = {}
        self._words: dict[str, Ids] = {}

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, Tensor]:  # noqa: ANN401
        """Return padded `input_ids` and `ngram_ids` of texts, and an `attention_mask` over the sub-words."""
        texts = [f"{prompt}{text}" for text in inputs] if prompt else list(inputs)
        self._remember(texts)
        rows = [self._cache[text] for text in texts]
        input_ids = _pad([row[0] for row in rows])
        return {
            "input_ids": input_ids,
            "ngram_ids": _pad([row[1] for row in rows]),
            "attention_mask": (input_ids > 0).long(),
        }

    def _remember(self, texts: list[str]) -> None:
        """Work out the ids of texts that were not met before; forget the oldest half when they are many."""
        new = [text for text in dict.fromkeys(texts) if text not in self._cache]
        if len(self._cache) + len(new) > _CACHED_TEXTS:
            self._cache = dict(islice(self._cache.items(), _CACHED_TEXTS // 2, None))
            new = [text for text in dict.fromkeys(texts) if text not in self._cache]
        if not new:
            return
        encodings = self.tokenizer.encode_batch(new, add_special_tokens=False)
        words = [_WORD.findall(fold(text)) if self.buckets else [] for text in new]
        self._remember_words([word for row in words for word in row])
        for text, encoding, row in zip(new, encodings, words, strict=True):
            ngrams = np.concatenate([self._words[word] for word in row]) if row else _NOTHING
            self._cache[text] = (np.asarray(encoding.ids, dtype=np.int32) + 1, ngrams)

    def _remember_words(self, words: list[str]) -> None:
        """Hash the n-grams of words that were not met before: far fewer than texts, so worth keeping."""
        new = [word for word in dict.fromkeys(words) if word not in self._words]
        if len(self._words) + len(new) > _CACHED_TEXTS:
            self._words.clear()
            new = list(dict.fromkeys(words))
        if not new:
            return
        hashed = self._hasher.transform(character_ngrams(word) for word in new)
        for number, word in enumerate(new):
            buckets = hashed.indices[hashed.indptr[number] : hashed.indptr[number + 1]]
            self._words[word] = buckets.astype(np.int32) + 1

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:  # noqa: ANN401
        """Add `sentence_embedding`, of shape (batch, dimension)."""
        embedding = _mean_of(self.tokens, features["input_ids"])
        if self.buckets:
            embedding = embedding + _mean_of(self.ngrams, features["ngram_ids"])
        features["sentence_embedding"] = embedding
        return features

    @property
    def max_seq_length(self) -> int | None:
        """There is no limit: any length is averaged."""
        return None

    def get_embedding_dimension(self) -> int:
        """Return the number of components of an embedding."""
        return self.dimension

    def save(self, output_path: str, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Write weights, tokenizer and configuration into a folder."""
        folder = Path(output_path)
        save_file(
            {name: tensor.contiguous() for name, tensor in self.state_dict().items()},
            folder / "model.safetensors",
        )
        self.tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "config.json").write_text(json.dumps({"buckets": self.buckets}), encoding="utf-8")

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", *_: Any, **__: Any) -> "StaticNgramEmbedding":  # noqa: ANN401
        """Read a module back from the folder that `save` wrote."""
        folder = Path(model_name_or_path) / subfolder
        weights = load_file(folder / "model.safetensors")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        module = cls(tokenizer, weights["tokens.weight"][1:], config["buckets"])
        module.load_state_dict(weights)
        return module


def _mean_of(table: nn.EmbeddingBag, padded: Tensor) -> Tensor:
    """Return the mean vector of each row's ids, five times as fast as a bag over rows with their padding."""
    filled = padded > 0
    ends = filled.sum(dim=1).cumsum(dim=0)
    offsets = torch.cat([ends.new_zeros(1), ends[:-1]])
    vectors: Tensor = table(padded[filled], offsets)
    return vectors


def _pad(rows: Sequence[Ids]) -> Tensor:
    """Return rows of ids as one (rows, longest) tensor, filled up with 0."""
    width = max(1, *(len(row) for row in rows)) if rows else 1
    padded = np.zeros((len(rows), width), dtype=np.int64)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = row
    return torch.from_numpy(padded)
