"""The static encoder over sub-words and hashed character n-grams."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from codisearch.retrieval import static
from codisearch.retrieval.static import StaticNgramEmbedding, character_ngrams, fold

WORDS = ("[UNK]", "gota", "asma", "pecho")
VECTORS = torch.tensor([[9.0, 9.0], [1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])


def make(buckets: int = 512, seed: int = 0) -> StaticNgramEmbedding:
    """Return an encoder of three words in two dimensions."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return StaticNgramEmbedding(tokenizer, VECTORS, buckets, seed)


def embed(module: StaticNgramEmbedding, *texts: str) -> np.ndarray:
    """Return the vectors of texts that go through together."""
    with torch.no_grad():
        return module.forward(module.preprocess(texts))["sentence_embedding"].numpy()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Torácico", "toracico"),
        ("ÇÑü", "cnu"),
        ("Straße", "strasse"),
        ("ﬁn", "fin"),
        ("", ""),
        ("E11.9", "e11.9"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    """Case, accents and ligatures go, letters and digits stay."""
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """Folding a folded text of Latin letters gives it back, whatever came."""
    latin = "".join(letter for letter in text if ord(letter) < 0x250)
    assert fold(fold(latin)) == fold(latin)


@pytest.mark.parametrize(
    ("word", "grams"),
    [
        ("a", ["<a>"]),
        ("pie", ["<pie>", "<pi", "pie", "ie>", "<pie", "pie>"]),
        ("gota", ["<gota>", "<go", "got", "ota", "ta>", "<got", "gota", "ota>", "<gota", "gota>"]),
    ],
)
def test_ngrams(word: str, grams: list[str]) -> None:
    """The marked word comes first, then its 3-, 4- and 5-grams, and the whole is not repeated."""
    assert list(character_ngrams(word)) == grams


def test_means_of_sub_words() -> None:
    """Without n-grams a text is the mean of its words: of (1, 0) and (0, 2) that is (0.5, 1)."""
    vectors = embed(make(buckets=0), "gota", "gota asma", "gota gota pecho")
    np.testing.assert_allclose(vectors, [[1, 0], [0.5, 1], [5 / 3, 4 / 3]], atol=1e-6)


def test_ngrams_are_added() -> None:
    """The mean of a word's n-gram rows is added to that of its sub-words."""
    module = make()
    with torch.no_grad():
        module.ngrams.weight[:] = 0
        ids = module.preprocess(["gota"])["ngram_ids"][0]
        module.ngrams.weight[ids] = torch.tensor([0.5, -1.0])
    np.testing.assert_allclose(embed(module, "gota"), [[1.5, -1.0]], atol=1e-6)


def test_accents_and_case_share_ngrams() -> None:
    """A word with and without its accents has the same n-grams; another word has others."""
    ids = [set(row.tolist()) for row in make().preprocess(["Tórax", "torax", "femur"])["ngram_ids"]]
    assert ids[0] == ids[1] != ids[2]


def test_padding() -> None:
    """Shorter rows are filled with 0, which the mask leaves out, and no id is 0."""
    features = make().preprocess(["gota", "gota asma pecho"])
    assert features["input_ids"].tolist() == [[2, 0, 0], [2, 3, 4]]
    assert features["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert (features["ngram_ids"][1] > 0).all()


def test_company_does_not_matter() -> None:
    """A text has the same vector alone and beside longer ones, also when it is empty or the last."""
    module = make()
    texts = ["gota", "", "gota asma pecho", "zzz"]
    together = embed(module, *texts)
    np.testing.assert_allclose(together, [embed(module, text)[0] for text in texts], atol=1e-6)


def test_empty_text() -> None:
    """A text without words is the zero vector; no text at all gives no row."""
    np.testing.assert_array_equal(embed(make(), "", "   "), np.zeros((2, 2)))
    assert make().preprocess([])["input_ids"].shape == (0, 1)


def test_prompt() -> None:
    """A prompt stands before every text."""
    module = make()
    assert module.preprocess(["asma"], prompt="gota ")["input_ids"].tolist() == [[2, 3]]


def test_round_trip(tmp_path: Path) -> None:
    """A saved encoder comes back with the same vectors and the same weights."""
    module = make(seed=5)
    module.save(str(tmp_path))
    loaded = StaticNgramEmbedding.load(str(tmp_path))
    texts = ["gota", "pecho asma", "otitis"]
    np.testing.assert_array_equal(embed(loaded, *texts), embed(module, *texts))
    assert (loaded.buckets, loaded.dimension, loaded.vocabulary) == (512, 2, 4)
    assert json.loads((tmp_path / "config.json").read_text()) == {"buckets": 512}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]


def test_seed_decides_the_ngrams() -> None:
    """N-gram vectors start near zero and from the seed, and row 0 is zero."""
    one, same, other = (make(seed=seed).ngrams.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.shape == (513, 2)
    assert one[0].tolist() == [0, 0]
    assert one.detach().std().item() == pytest.approx(0.02, rel=0.2)


def test_any_length() -> None:
    """There is no longest input, and the dimension is that of the token vectors."""
    module = make()
    assert module.max_seq_length is None
    assert module.get_embedding_dimension() == 2


@pytest.mark.parametrize("limit", [1, 3, 4, 6])
def test_forgetting_changes_no_vector(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """When more texts or words come than are kept, old ones are worked out again, with the same vectors."""
    batches = [["gota", "asma"], ["pecho", "gota"], ["gota", "uno dos tres", "asma"], ["dos", "gota"]]
    expected = [embed(make(), *batch) for batch in batches]
    monkeypatch.setattr(static, "_CACHED_TEXTS", limit)
    module = make()
    for batch, vectors in zip(batches, expected, strict=True):
        np.testing.assert_allclose(embed(module, *batch), vectors, atol=1e-6)


def test_gradients_reach_both_tables() -> None:
    """Both tables learn, and only the rows that a text touches."""
    module = make()
    module.forward(module.preprocess(["gota"]))["sentence_embedding"].sum().backward()
    touched = module.tokens.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist()
    assert touched == [2]
    ngrams = module.ngrams.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist()
    assert ngrams == sorted(module.preprocess(["gota"])["ngram_ids"][0].tolist())
