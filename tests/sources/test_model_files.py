"""Which of a repository's files are pulled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.catalog.licenses import of_hub_tag
from zoo.sources.files.model_files import choose, format_of


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        (
            "config.json model.safetensors pytorch_model.bin tf_model.h5 flax_model.msgpack",
            "config.json model.safetensors",
        ),
        ("config.json pytorch_model.bin tf_model.h5 training_args.bin optimizer.pt", "config.json pytorch_model.bin"),
        ("config.json model.safetensors model.fp16.safetensors", "config.json model.safetensors"),
        ("config.json weights.safetensors", "config.json weights.safetensors"),
        ("config.json onnx/model.onnx onnx/model_int8.onnx", "config.json onnx/model.onnx"),
        ("config.json model.safetensors onnx/model.onnx openvino/model.xml", "config.json model.safetensors"),
        (
            "config.json model.safetensors modules.json 1_Pooling/config.json 2_Dense/model.safetensors",
            "1_Pooling/config.json 2_Dense/model.safetensors config.json model.safetensors modules.json",
        ),
        (
            "model_index.json unet/config.json unet/diffusion_pytorch_model.safetensors unet/model.bin",
            "model_index.json unet/config.json unet/diffusion_pytorch_model.safetensors",
        ),
        (
            "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json "
            "pytorch_model.bin.index.json pytorch_model-00001-of-00001.bin",
            "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json",
        ),
        ("config.json model.safetensors checkpoint-500/model.safetensors", "config.json model.safetensors"),
        (
            "config.json modeling_x.py photo.png .gitattributes model.safetensors",
            "config.json model.safetensors",
        ),
        (
            "README.md config.cfg en-any-py3-none-any.whl meta.json ner/cfg ner/model tokenizer vocab/vectors x.py",
            "config.cfg meta.json ner/cfg ner/model tokenizer vocab/vectors",
        ),
        (
            "model.safetensors open_clip_config.json open_clip_model.safetensors adapter_model.safetensors",
            "model.safetensors open_clip_config.json open_clip_model.safetensors",
        ),
        ("README.md model.gguf", ""),
    ],
)
def test_what_is_chosen(paths: str, chosen: str) -> None:
    assert choose(paths.split()) == tuple(chosen.split())


@given(st.lists(st.sampled_from(["a.json", "m.safetensors", "m.bin", "x/m.bin", "0_T/m.pt", "m.onnx", "c.py", "d.h5"])))
def test_what_is_chosen_is_there_and_needs_no_code(paths: list[str]) -> None:
    chosen = choose(paths)
    assert set(chosen) <= set(paths)
    assert not any(path.endswith(".py") for path in chosen)
    if any(format_of(path) for path in paths if "/" not in path):
        assert any(format_of(path) for path in chosen)


@pytest.mark.parametrize(
    ("tag", "identifier"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("MIT", "MIT"),
        ("llama3", "other"),
        (["mit"], "MIT"),
        (["mit", "gpl"], "other"),
        (None, None),
        ([], None),
        (7, "other"),
    ],
)
def test_licences(tag: object, identifier: str | None) -> None:
    assert of_hub_tag(tag) == identifier
