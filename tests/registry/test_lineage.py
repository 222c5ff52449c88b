"""Lineage: base models, derivatives by relation, and copies of weights."""

from __future__ import annotations

import pytest

from zoo.entities import ModelCard, ModelFile
from zoo.registry import Registry
from zoo.registry.index.lineage import bases_of, weights_of
from zoo.registry.writing.checking import check


def card(id: str, **fields) -> ModelCard:
    return ModelCard(id, "language", **fields)


@pytest.mark.parametrize(
    ("fields", "bases"),
    [
        ({}, {}),
        ({"base_model": "hf:a/base"}, {"hf:a/base": "derived"}),
        ({"base_model": "hf:a/base", "tags": ("gguf",)}, {"hf:a/base": "quantized"}),
        ({"base_model": "hf:a/base", "library": "peft"}, {"hf:a/base": "adapter"}),
        ({"base_model": "hf:a/base", "tags": ("base_model:finetune:a/base",)}, {"hf:a/base": "finetune"}),
        (
            {"tags": ("base_model:merge:a/one", "base_model:merge:b/two", "base_model:a/one")},
            {"hf:a/one": "merge", "hf:b/two": "merge"},
        ),
        ({"base_model": "hf:own/name"}, {}),
    ],
)
def test_what_a_model_was_made_from(fields, bases) -> None:
    assert bases_of(card("hf:own/name", **fields)) == bases


def test_a_family(any_registry: Registry) -> None:
    any_registry.add(
        [
            card("hf:a/root"),
            card("hf:a/base", base_model="hf:a/root", downloads=9),
            *(card(f"hf:b/tuned-{n}", tags=("base_model:finetune:a/base",), downloads=n) for n in range(7)),
            card("hf:b/small", base_model="hf:a/base", tags=("gptq",)),
            card("hf:b/mixed", tags=("base_model:merge:a/base", "base_model:merge:c/elsewhere")),
        ]
    )
    family = any_registry.family(any_registry.card("hf:a/base"))

    assert [(base.id, base.relation, base.known) for base in family.bases] == [("hf:a/root", "derived", True)]
    assert dict(family.counts) == {"finetune": 7, "quantized": 1, "merge": 1}
    assert family.children["finetune"][:2] == ("hf:b/tuned-6", "hf:b/tuned-5")
    mixed = any_registry.family(any_registry.card("hf:b/mixed"))
    assert [(base.id, base.known) for base in mixed.bases] == [("hf:a/base", True), ("hf:c/elsewhere", False)]
    assert mixed.ancestors == ("hf:a/root",)
    assert check(any_registry.path) == []


def test_a_circle_ends(registry: Registry) -> None:
    registry.add([card("hf:a/one", base_model="hf:a/two"), card("hf:a/two", base_model="hf:a/one")])

    assert registry.family(registry.card("hf:a/one")).ancestors == ()


def test_a_family_follows_its_cards(any_registry: Registry) -> None:
    any_registry.add([card("hf:a/base"), card("hf:b/tuned", base_model="hf:a/base")])
    any_registry.add([card("hf:b/tuned", base_model="hf:other/base")])
    assert dict(any_registry.family(any_registry.card("hf:a/base")).counts) == {}
    any_registry.remove("hf:b/tuned")
    assert check(any_registry.path) == []


def test_the_same_weights_under_two_names(any_registry: Registry) -> None:
    def files(*names: str) -> tuple[ModelFile, ...]:
        return tuple(ModelFile(name, 1, f"{n}" * 64) for n, name in enumerate(names))

    any_registry.add(
        [
            card("hf:a/model", files=files("model.safetensors", "config.json")),
            card("hf:b/copy", files=files("renamed.safetensors")),
            card(
                "hf:c/older-format-beside",
                files=(*files("model.safetensors"), ModelFile("pytorch_model.bin", 1, "f" * 64)),
            ),
            card("hf:d/other", files=(ModelFile("model.safetensors", 1, "e" * 64),)),
            card("hf:e/unknown", files=(ModelFile("model.safetensors", 1),)),
        ]
    )

    same = any_registry.family(any_registry.card("hf:a/model")).same_weights
    assert same == ("hf:b/copy", "hf:c/older-format-beside")
    assert weights_of(any_registry.card("hf:e/unknown")) is None
