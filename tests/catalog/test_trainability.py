"""Which models take adapters, by their cards."""

from __future__ import annotations

import pytest

from zoo.catalog.trainability import takes_adapters
from zoo.entities import ModelCard


@pytest.mark.parametrize(
    ("id", "architecture", "library", "expected"),
    [
        ("hf:google/vit-base-patch16-224", "vit_base_patch16_224", "timm", True),
        ("hf:someone/roberta-large", None, "transformers", True),
        ("hf:someone/mobilevit", "resnet50", "timm", False),
        ("pkg:mobilenet-v2", "mobilenet_v2", "torchvision", False),
        ("pkg:minilm-int8", "minilm", "onnx", False),
        ("openai:gpt-4o-mini", "gpt", "api", False),
        ("pkg:wordllama/64", "wordllama", "static", False),
    ],
)
def test_transformers_that_can_be_trained_take_adapters(
    id: str, architecture: str | None, library: str, expected: bool
) -> None:
    assert takes_adapters(ModelCard(id, "any", architecture=architecture, library=library)) is expected
