"""Weights with tensors that their architecture does not have are reported; heads that are dropped on purpose are not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

import zoo
from zoo.cli import run
from zoo.errors import WeightsNotice

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c")


def bert(folder: Path, kind: str) -> None:
    config = transformers.BertConfig(vocab_size=len(WORDS), max_position_embeddings=32, **SMALL)
    getattr(transformers, kind)(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)


def vit(folder: Path, kind: str) -> None:
    config = transformers.ViTConfig(image_size=16, patch_size=8, **SMALL)
    getattr(transformers, kind)(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder)


def wav2vec2(folder: Path, kind: str) -> None:
    config = transformers.Wav2Vec2Config(
        conv_dim=(16, 16),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_feat_extract_layers=2,
        classifier_proj_size=8,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        codevector_dim=8,
        proj_codevector_dim=8,
        num_codevectors_per_group=4,
        **SMALL,
    )
    getattr(transformers, kind)(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)


CHECKPOINTS = [
    (bert, "BertModel", "encoder.layer.2.output.dense.weight"),
    (bert, "BertForMaskedLM", "bert.encoder.layer.2.output.dense.weight"),
    (bert, "BertForSequenceClassification", "bert.adapter.weight"),
    (bert, "BertForPreTraining", "extra.weight"),
    (vit, "ViTModel", "layers.2.mlp.fc2.weight"),
    (vit, "ViTForImageClassification", "vit.extra.weight"),
    (vit, "ViTForMaskedImageModeling", "extra.weight"),
    (wav2vec2, "Wav2Vec2Model", "encoder.layers.2.attention.k_proj.weight"),
    (wav2vec2, "Wav2Vec2ForSequenceClassification", "wav2vec2.extra.weight"),
    (wav2vec2, "Wav2Vec2ForPreTraining", "extra.weight"),
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def messages(folder: Path) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert zoo.load(f"file:{folder}").backbone.layers
    return [str(one.message) for one in caught if issubclass(one.category, WeightsNotice)]


def add(folder: Path, *names: str) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {**tensors, **{name: torch.zeros(2, 2) for name in names}}, folder / "model.safetensors", {"format": "pt"}
    )


@pytest.mark.parametrize(("make", "kind", "name"), CHECKPOINTS, ids=[kind for _, kind, _ in CHECKPOINTS])
def test_a_tensor_too_many_is_named_and_a_head_is_not(
    make: Callable[[Path, str], None], kind: str, name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    make(folder, kind)
    assert messages(folder) == []
    add(folder, name)
    assert messages(folder) == [
        f"The weights of 'file:{folder}' hold a tensor that the architecture in its config.json does not have, which "
        f"is left out: {name}."
    ]


def test_heads_that_the_saved_architecture_lacks_are_dropped_in_silence(tmp_path: Path) -> None:
    """As BERT's own checkpoints hold the head for the next sentence, and say that they are for masked words."""
    bert(tmp_path / "masked", "BertForMaskedLM")
    add(tmp_path / "masked", "cls.seq_relationship.weight", "bert.embeddings.position_ids")
    assert messages(tmp_path / "masked") == []
    bert(tmp_path / "base", "BertModel")
    add(tmp_path / "base", "lm_head.weight", "classifier.dense.weight", "encoder.layer.0.rotary.inv_freq")
    assert messages(tmp_path / "base") == []


def test_the_command_says_it_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vit(tmp_path / "vit", "ViTForImageClassification")
    add(tmp_path / "vit", "vit.extra.weight", "vit.other.weight")
    Image.fromarray(np.zeros((16, 16, 3), dtype=np.uint8)).save(tmp_path / "black.png")
    capsys.readouterr()
    assert run(["predict", f"file:{tmp_path / 'vit'}", str(tmp_path / "black.png")]) == 0
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line for line in lines if "which are left out: vit.extra.weight and 1 more." in line] == lines
    assert len(lines) == 1
