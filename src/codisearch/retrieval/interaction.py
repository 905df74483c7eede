"""An interaction cross-encoder: it reads query and candidate word by word over a static encoder's vectors.

Every word of the query is compared with every word of the candidate. How well each word is covered by the
other side's best match is put into soft bins (kernel pooling, Xiong et al. 2017,
https://arxiv.org/abs/1706.06613) of the best match alone (Khattab and Zaharia 2020,
https://arxiv.org/abs/2004.12832), in both directions: a word of the title that the query does not say, such
as `left` or `recurrent`, costs as much as the network finds such words to matter. It has some 14,000 weights
beside the word vectors, so it learns from a thousand queries in seconds where a transformer needs minutes.

What it does not read is the cosine of the whole phrases. The first stage was trained on the queries that the
groups are made of and ranks them almost perfectly, so the network would only learn to trust that cosine;
`reranker.fuse` adds it where it is as reliable as it looks.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules.input_module import InputModule
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from codisearch.retrieval.reranker import SEPARATOR
from codisearch.retrieval.static import StaticNgramEmbedding

_WORD: Final = re.compile(r"\w+")
_NO_WORD: Final = 0
_CENTRES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_WIDTH: Final = 0.1
_UNMATCHED: Final = -1.0  # below every cosine that matters
_EPSILON: Final = 1e-6
_IMPORTANCE_UNITS: Final = 16
_FIELDS: Final = 2
_FEATURES: Final = _FIELDS * (4 * len(_CENTRES) + 3)
_WEIGHTS: Final = "model.safetensors"
_CONFIG: Final = "config.json"
_WORDS: Final = "words"


class WordInteraction(InputModule):
    """Sentence-transformers module that scores pairs of query and document; the only one of its CrossEncoder.

    A document has two fields, the official title and the alias that matched (`reranker.Documents`); without
    an alias the title stands for both.

    Features are those of `StaticNgramEmbedding` for the different words of a batch, and `query_words`,
    `title_words` and `alias_words` of shape (batch, words): numbers of those words, 0 where there is none.

    Args:
        static: The encoder whose word vectors are read; it is copied, never changed.
        hidden: Units of the layer that judges the features.
        dropout: Share of inputs dropped in training.
        max_words: Words of a field that are read.
        frozen: Whether the word vectors stay as they are. They are kept in half precision then.
    """

    config_keys: list[str] = ["hidden", "dropout", "max_words", "frozen"]  # noqa: RUF012

    def __init__(
        self,
        static: StaticNgramEmbedding,
        hidden: int = 32,
        dropout: float = 0.1,
        max_words: int = 24,
        frozen: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.hidden, self.dropout, self.max_words, self.frozen = hidden, dropout, max_words, frozen
        self.words = StaticNgramEmbedding(
            cast(Tokenizer, static.tokenizer), static.tokens.weight.detach().cpu()[1:], static.buckets
        )
        self.words.load_state_dict(static.state_dict())
        self.tokenizer = self.words.tokenizer
        for weights in self.words.parameters():
            if frozen:  # rounded now, so that what is saved is what was trained on
                weights.data = weights.data.half().float()
            weights.requires_grad_(not frozen)
        self.query_importance = _importance(static.dimension, dropout)
        self.document_importance = _importance(static.dimension, dropout)
        self.scale = nn.BatchNorm1d(_FEATURES, affine=False)
        self.linear = nn.Linear(_FEATURES, 1)
        self.judge = nn.Sequential(
            nn.Linear(_FEATURES, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1)
        )
        self.register_buffer("centres", torch.tensor(_CENTRES), persistent=False)

    def preprocess(
        self,
        inputs: Sequence[Any],
        prompt: str | None = None,
        **_: Any,  # noqa: ANN401
    ) -> dict[str, Tensor]:
        """Return the features of (query, document) pairs; a text alone counts as a query without a document.

        Pairs are what is scored; the trainer also counts the lengths of the texts of each column.
        """
        numbers: dict[str, int] = {"": _NO_WORD}
        known: dict[str, list[int]] = {}

        def read(text: str) -> list[int]:
            if text not in known:
                words = _WORD.findall(text.casefold())[: self.max_words]
                known[text] = [numbers.setdefault(word, len(numbers)) for word in words]
            return known[text]

        queries, titles, aliases = [], [], []
        for pair in inputs:
            query, document = (pair, "") if isinstance(pair, str) else pair
            title, _separator, alias = document.partition(SEPARATOR)
            queries.append(read(f"{prompt or ''}{query}"))
            titles.append(read(title))
            aliases.append(read(alias or title))
        words = self.words.preprocess(list(numbers))
        return {
            "input_ids": words["input_ids"],
            "ngram_ids": words["ngram_ids"],
            "query_words": _pad(queries),
            "title_words": _pad(titles),
            "alias_words": _pad(aliases),
        }

    def forward(self, features: dict[str, Tensor], **_: Any) -> dict[str, Tensor]:  # noqa: ANN401
        """Add `scores`, of shape (batch, 1): higher fits better."""
        query = features["query_words"]
        # Half precision is too coarse for the bins, and there is nothing to gain from it.
        with torch.autocast(query.device.type, enabled=False):
            vectors = functional.normalize(self.words(dict(features))["sentence_embedding"].float(), dim=1)
            asked = torch.sigmoid(self.query_importance(vectors)).squeeze(1)
            said = torch.sigmoid(self.document_importance(vectors)).squeeze(1)
            found = []
            for name in ("title_words", "alias_words"):
                found += self._compare(vectors, asked, said, query, features[name])
            scaled = self.scale(torch.cat(found, dim=1))
            features["scores"] = self.judge(scaled) + self.linear(scaled)
        return features

    def _compare(
        self, vectors: Tensor, asked: Tensor, said: Tensor, query: Tensor, field: Tensor
    ) -> list[Tensor]:
        """Return what one field tells: how well each side covers the other, and how long it is."""
        in_query, in_field = query != _NO_WORD, field != _NO_WORD
        cosines = vectors[query] @ vectors[field].transpose(1, 2)
        cosines = cosines.masked_fill(~(in_query[:, :, None] & in_field[:, None, :]), _UNMATCHED)
        told = self._coverage(cosines.amax(dim=2), asked[query] * in_query)
        extra = self._coverage(cosines.amax(dim=1), said[field] * in_field)
        return [*told, *extra, in_field.sum(dim=1, keepdim=True).float().log1p()]

    def _coverage(self, best: Tensor, importance: Tensor) -> list[Tensor]:
        """Return how important words are spread over the bins of their best match.

        Args:
            best: (batch, words) cosine of each word with the other side's most similar one.
            importance: (batch, words) from 0 to 1, 0 where there is no word.

        Returns:
            The spread in shares, the spread in absolute weight, and the mean match.
        """
        bins = torch.exp(-((best[..., None] - self.centres) ** 2) / (2 * _WIDTH**2))
        weight = (bins * importance[..., None]).sum(dim=1)
        total = importance.sum(dim=1, keepdim=True) + _EPSILON
        return [weight / total, weight, (best * importance).sum(dim=1, keepdim=True) / total]

    def save(self, output_path: str, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Write weights, word vectors and configuration into a folder."""
        folder = Path(output_path)
        (folder / _WORDS).mkdir(exist_ok=True)
        self.words.save(str(folder / _WORDS))
        if self.frozen:
            halves = {name: tensor.half() for name, tensor in self.words.state_dict().items()}
            save_file(halves, folder / _WORDS / _WEIGHTS)
        own = {name: tensor for name, tensor in self.state_dict().items() if not _is_of_words(name)}
        save_file(own, folder / _WEIGHTS)
        self.save_config(str(folder), _CONFIG)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", *_: Any, **__: Any) -> "WordInteraction":  # noqa: ANN401
        """Read a module back from the folder that `save` wrote."""
        folder = Path(model_name_or_path) / subfolder
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        module = cls(StaticNgramEmbedding.load(str(folder / _WORDS)), **config)
        missing, unexpected = module.load_state_dict(load_file(folder / _WEIGHTS), strict=False)
        wrong = [*unexpected, *(name for name in missing if not _is_of_words(name))]
        if wrong:
            raise ValueError(f"weights that are missing or unknown: {', '.join(wrong)}")
        return module


def _is_of_words(name: str) -> bool:
    """Tell whether a weight belongs to the word vectors, which have a folder of their own."""
    return name.startswith(f"{_WORDS}.")


def _importance(dimension: int, dropout: float) -> nn.Sequential:
    """Return a network that says from a word's vector how much the word matters."""
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(dimension, _IMPORTANCE_UNITS),
        nn.Tanh(),
        nn.Linear(_IMPORTANCE_UNITS, 1),
    )


def _pad(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return rows of word numbers as one (rows, longest) tensor, at least one wide."""
    width = max(1, *(len(row) for row in rows))
    padded: npt.NDArray[np.int64] = np.full((len(rows), width), _NO_WORD, dtype=np.int64)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = row
    return torch.from_numpy(padded)
