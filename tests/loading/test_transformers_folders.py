"""A folder of transformers: its parts, and sentences about damaged or incomplete weights."""

import warnings
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from zoo.entities import ModelCard
from zoo.errors import UnsupportedModel, WeightsNotice
from zoo.loading.transformers import IGNORE, REFUSE, load_config, load_model, load_published_head, load_tokenizer

CARD = ModelCard(id="file:m", domain="language")
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 8}
TENSOR = "encoder.layer.0.output.dense.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    transformers.BertModel(transformers.BertConfig(**SMALL)).save_pretrained(tmp_path)
    return tmp_path


def change(folder: Path, **tensors: torch.Tensor | None) -> None:
    path = folder / "model.safetensors"
    found = {**load_file(path), **tensors}
    save_file({name: tensor for name, tensor in found.items() if tensor is not None}, path, {"format": "pt"})


def load(folder: Path, **options: object) -> torch.nn.Module:
    return load_model(transformers.AutoModel, CARD, folder, **options)


def test_weights_are_read_in_the_precision_asked_for(folder: Path) -> None:
    assert load(folder, dtype=torch.bfloat16).dtype is torch.bfloat16
    assert load_config(folder).hidden_size == 16


def test_missing_tensors_are_refused_unless_they_are_unneeded(folder: Path) -> None:
    change(folder, **{TENSOR: None})
    with pytest.raises(UnsupportedModel, match=f"'file:m' lack 1 tensor of its architecture, such as {TENSOR}"):
        load(folder)
    load(folder, unneeded=("output.dense",))


def test_tensors_of_another_shape_are_refused(folder: Path) -> None:
    change(folder, **{TENSOR: torch.zeros(16, 31)})
    with pytest.raises(UnsupportedModel, match=f"{TENSOR} has a different shape .16 x 31 instead of 16 x 32"):
        load(folder)


def test_unexpected_tensors_are_warned_of_ignored_or_refused(folder: Path) -> None:
    change(folder, **{"adapter.weight": torch.zeros(2)})
    with pytest.warns(WeightsNotice, match=r"left out: adapter\.weight"):
        load(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(folder, unexpected=IGNORE)
    with pytest.raises(UnsupportedModel, match=r"hold 1 tensor that its architecture does not have, such as adapter"):
        load(folder, unexpected=REFUSE)


def test_damaged_files_give_one_sentence(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(UnsupportedModel, match="transformers cannot load 'file:m': ") as caught:
        load(folder)
    assert caught.value.hint == "Run: zoo verify file:m"
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(UnsupportedModel, match="The tokenizer of 'file:m' cannot be loaded"):
        load_tokenizer(CARD, folder, "language")


def test_a_head_is_loaded_only_where_the_weights_have_it(folder: Path, tmp_path: Path) -> None:
    kind = transformers.AutoModelForSequenceClassification
    assert load_published_head(kind, folder) is None
    transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL)).save_pretrained(tmp_path / "own")
    assert load_published_head(kind, tmp_path / "own").classifier.out_features == 2
