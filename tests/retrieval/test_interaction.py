"""The interaction cross-encoder: word by word over a static encoder's vectors."""

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder

from codisearch.errors import ModelError
from codisearch.retrieval.interaction import WordInteraction
from codisearch.retrieval.static import StaticNgramEmbedding
from codisearch.retrieval.trained import TrainedModel, open_cross_encoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PAIRS = [
    ("dolor de asma", "Asthma"),
    ("asthma", "Asthma"),
    ("left throat", "Pain in throat | Throat pain"),
    ("chest", "Pain in throat and chest"),
]
WORDS = st.sampled_from(["pain", "throat", "chest", "asthma", "kidney", "type", "2", "dolor"])
PHRASES = st.lists(WORDS, min_size=1, max_size=5)


@pytest.fixture(scope="module")
def static(static_encoder: "SentenceTransformer") -> StaticNgramEmbedding:
    """Return the static encoder's module."""
    return static_encoder[0]


@pytest.fixture(scope="module")
def module(static: StaticNgramEmbedding) -> WordInteraction:
    """Return a network with random weights, in the state in which it scores."""
    torch.manual_seed(0)
    return WordInteraction(static, hidden=8).eval()


def scores_of(module: WordInteraction, pairs: list[tuple[str, str]]) -> list[float]:
    """Return the scores of pairs that are scored together."""
    with torch.inference_mode():
        return module(module.preprocess(pairs))["scores"].squeeze(1).tolist()


def test_coverage_by_hand(module: WordInteraction) -> None:
    """A word that is met exactly falls into the last bin, one halfway between two bins into both alike."""
    best = torch.tensor([[1.0, 0.5, 0.9]])
    importance = torch.tensor([[0.6, 0.2, 0.0]])  # the third is no word
    shares, weights, mean = module._coverage(best, importance)
    near = np.exp(-0.5)  # a bin's width from its centre
    assert weights[0, 5].item() == pytest.approx(0.6, abs=1e-5)
    assert weights[0, 2].item() == pytest.approx(0.2 * near, abs=1e-5)  # centre 0.4
    assert weights[0, 3].item() == pytest.approx(0.2 * near + 0.6 * np.exp(-8), abs=1e-5)  # centre 0.6
    assert shares[0, 5].item() == pytest.approx(0.6 / 0.8, abs=1e-5)
    assert mean.item() == pytest.approx((0.6 + 0.1) / 0.8, abs=1e-5)


def test_comparison_by_hand(module: WordInteraction) -> None:
    """An extra word of the document leaves the query covered, and the document half covered."""
    vectors = torch.cat([torch.zeros(1, 3), torch.eye(3)])
    importance = torch.ones(4)
    query, field = torch.tensor([[1, 0]]), torch.tensor([[1, 2]])
    told_share, _, told_mean, extra_share, extra_weight, extra_mean, length = module._compare(
        vectors, importance, importance, query, field
    )
    assert told_share[0, 5].item() == pytest.approx(1.0, abs=1e-4)
    assert told_mean.item() == pytest.approx(1.0, abs=1e-4)
    assert extra_share[0].tolist() == pytest.approx([0.5, 0.0677, 0.0, 0.0, 0.0677, 0.5], abs=1e-3)
    assert extra_weight[0, 0].item() == pytest.approx(1.0, abs=1e-4)
    assert extra_mean.item() == pytest.approx(0.5, abs=1e-4)
    assert length.item() == pytest.approx(np.log(3))


def test_fields(module: WordInteraction) -> None:
    """A document is a title and the alias that matched; the title stands for an alias that is missing."""
    features = module.preprocess([("Asthma, pain", "Pain | Chest pain"), ("pain", "Chest")])
    assert set(features) == {"input_ids", "ngram_ids", "query_words", "title_words", "alias_words"}
    assert features["query_words"].tolist() == [[1, 2], [2, 0]]
    assert features["title_words"].tolist() == [[2], [3]]
    assert features["alias_words"].tolist() == [[3, 2], [3, 0]]
    assert len(features["input_ids"]) == 4  # no word, asthma, pain, chest


def test_prompt_and_text_alone(module: WordInteraction) -> None:
    """A prompt stands before the query; a text alone is a query with nothing to read beside it."""
    assert module.preprocess([("pain", "asthma")], prompt="chest ")["query_words"].tolist() == [[1, 2]]
    alone = module.preprocess(["chest pain"])
    assert alone["query_words"].tolist() == [[1, 2]]
    assert alone["title_words"].tolist() == [[0]]


def test_longest_text(static: StaticNgramEmbedding) -> None:
    """Words beyond the limit are not read."""
    short = WordInteraction(static, max_words=2)
    assert short.preprocess([("pain in throat", "pain in chest")])["query_words"].tolist() == [[1, 2]]


@settings(max_examples=25, deadline=None)
@given(PHRASES, PHRASES, st.randoms(use_true_random=False))
def test_order_and_company_do_not_matter(module: WordInteraction, query, document, random) -> None:
    """A pair scores the same in any order of its words, and whatever is scored beside it."""
    pair = (" ".join(query), " ".join(document))
    expected = scores_of(module, [pair])[0]
    random.shuffle(query)
    random.shuffle(document)
    shuffled = (" ".join(query), " ".join(document))
    together = scores_of(module, [*PAIRS, shuffled])
    assert together[-1] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("pair", [("", ""), ("?!", "Asthma"), ("asthma", " | ")])
def test_nothing_to_read(module: WordInteraction, pair: tuple[str, str]) -> None:
    """A side without any word gives a score like any other."""
    assert np.isfinite(scores_of(module, [pair])).all()


def test_scores_as_a_cross_encoder(module: WordInteraction) -> None:
    """The library's class predicts and ranks with it, in the order of the pairs."""
    model = CrossEncoder(modules=[module])
    assert model.num_labels == 1
    expected = scores_of(module, PAIRS)
    np.testing.assert_allclose(
        model.predict(PAIRS, batch_size=2, activation_fn=torch.nn.Identity()), expected, atol=1e-5
    )
    ranked = model.rank("asthma", ["Pain in throat", "Asthma"])
    assert {hit["corpus_id"] for hit in ranked} == {0, 1}


def test_half_precision_around_it(module: WordInteraction) -> None:
    """Autocast, which scoring uses where the processor has it, does not touch the scores."""
    expected = scores_of(module, PAIRS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert scores_of(module, PAIRS) == expected


def test_frozen_words(static: StaticNgramEmbedding) -> None:
    """Frozen word vectors get no gradient, and the encoder that they come from is not changed."""
    before = copy.deepcopy(static.state_dict())
    module = WordInteraction(static)
    module(module.preprocess(PAIRS))["scores"].sum().backward()
    assert all(weights.grad is None for weights in module.words.parameters())
    assert module.judge[0].weight.grad.abs().sum() > 0
    for name, weights in static.state_dict().items():
        assert torch.equal(weights, before[name])


def test_words_that_learn(static: StaticNgramEmbedding, tmp_path: Path) -> None:
    """Word vectors that are not frozen get gradients, and are saved in full precision."""
    module = WordInteraction(static, frozen=False)
    module(module.preprocess(PAIRS))["scores"].sum().backward()
    assert module.words.tokens.weight.grad.abs().sum() > 0
    assert static.tokens.weight.grad is None
    module.save(str(tmp_path))
    weights = load_file(tmp_path / "words" / "model.safetensors")
    assert torch.equal(weights["tokens.weight"], module.words.tokens.weight)


def test_round_trip(module: WordInteraction, tmp_path: Path) -> None:
    """A saved model gives the very same scores; word vectors are halves, and nothing is a pickle."""
    folder = tmp_path / "model"
    TrainedModel("cross_encoder", CrossEncoder(modules=[module]), "# Card", {}).save(folder)
    loaded = TrainedModel.load(folder, "cross_encoder").model
    assert isinstance(loaded[0], WordInteraction)
    assert loaded[0].get_config_dict() == module.get_config_dict()
    assert scores_of(loaded[0].eval(), PAIRS) == scores_of(module, PAIRS)
    assert load_file(folder / "words" / "model.safetensors")["tokens.weight"].dtype == torch.float16
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".md", ".safetensors"}


def test_weights_that_do_not_fit(module: WordInteraction, tmp_path: Path) -> None:
    """A folder whose weights lack one is refused by name."""
    CrossEncoder(modules=[module]).save_pretrained(str(tmp_path), create_model_card=False)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["linear.bias"]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"Cannot load the cross-encoder .*linear\.bias"):
        open_cross_encoder(str(tmp_path))


def test_damaged_module_list(tmp_path: Path) -> None:
    """A list of modules that is no JSON is a model error, not a traceback."""
    (tmp_path / "modules.json").write_text(json.dumps([])[:1], encoding="utf-8")
    with pytest.raises(ModelError, match="Cannot load the cross-encoder"):
        open_cross_encoder(str(tmp_path))
