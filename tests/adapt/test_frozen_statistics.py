"""What is frozen stays as it was pretrained, the statistics of its batch normalisation too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_models import TASKS, TinyBackbone, tiny_data
from torch import nn

import zoo
from zoo.adapt.strategies import adapt
from zoo.adapt.training import methods
from zoo.adapt.training.loop import train
from zoo.adapt.training.methods import train_mode
from zoo.adapt.training.settings import Settings
from zoo.contract.backbone import SilentProgress
from zoo.entities import Plan

KEPT = "fine-tuned"


def changed_buffers(folder: Path, strategy: str, kind: str) -> set[str]:
    """The blocks of which a buffer is another after training."""
    backbone = TinyBackbone(norm=True)
    before = {name: buffer.clone() for name, buffer in backbone.module.named_buffers()}
    # A fitted head would keep all statistics.
    options: dict[str, object] = {"keep": KEPT, "head": "random"} if kind == "class" else {}
    if strategy == "lora":
        options["merge"] = True
    plan = Plan(
        strategy,
        TASKS[kind],
        2,
        learning_rate=0.01,
        output=str(folder),
        batch_size=8,
        **options,  # type: ignore[arg-type]
    )

    adapt(backbone, tiny_data(kind), plan, SilentProgress())

    after = load_file(folder / "model.safetensors")
    found = {name: next(tensor for key, tensor in after.items() if key.endswith(f"0.{name}")) for name in before}
    assert len(before) == 18
    return {name.split(".")[1] for name in before if not torch.equal(before[name], found[name])}


@pytest.mark.parametrize("kind", ["class", "text"])
@pytest.mark.parametrize(
    ("strategy", "trained"), [("partial", {"4", "5"}), ("lora", set()), ("full", {"0", "1", "2", "3", "4", "5"})]
)
def test_statistics_change_where_weights_are_trained_alone(
    tmp_path: Path, strategy: str, trained: set[str], kind: str
) -> None:
    assert changed_buffers(tmp_path / "tuned", strategy, kind) == trained


def test_a_new_head_beside_frozen_weights_leaves_their_statistics_alone(tmp_path: Path) -> None:
    assert changed_buffers(tmp_path / "tuned", "linear-probe", "text") == set()


def test_dropout_continues_and_layers_without_weights_belong_to_what_is_before_them() -> None:
    class Scaled(nn.BatchNorm1d):
        """As in timm: a normalisation with parts."""

        def __init__(self) -> None:
            super().__init__(4)
            self.act = nn.Dropout()

    module = nn.Sequential(
        nn.BatchNorm1d(4, affine=False),
        nn.Linear(4, 4),
        nn.BatchNorm1d(4, affine=False),
        nn.Dropout(),
        Scaled(),
        nn.InstanceNorm1d(4, track_running_stats=True),
        nn.Linear(4, 4),
        nn.BatchNorm1d(4, affine=False),
    )
    for layer in module[:6]:
        layer.requires_grad_(False)

    train_mode(module)

    assert [layer.training for layer in module] == [False, True, False, True, False, False, True, True]
    assert module[4].act.training
    assert module.training
    module.requires_grad_(True)
    train_mode(module)
    assert all(layer.training for layer in module.modules())


class Bytes:
    """Two batches of random images of 48 pixels with their classes."""

    device, batch_size = "cpu", 4

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self._images = torch.randint(0, 256, (2, 4, 3, 48, 48), dtype=torch.uint8, generator=generator)

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        yield from ((images, torch.tensor([0, 1, 2, 0])) for images in self._images)

    def shuffled(self, generator: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        yield from self


@pytest.mark.parametrize("method", ["last_blocks", "head_alone", "everything"])
def test_a_real_network_changes_where_it_is_trained_alone(method: str) -> None:
    """EfficientNet-Lite0: seven stages of blocks with batch normalisation between a stem and a last convolution."""
    backbone = zoo.load("pkg:efficientnet-lite0", device="cpu").backbone
    module, trunk = backbone.head("image-classification", 3), backbone.module
    before = {name: tensor.clone() for name, tensor in trunk.state_dict().items()}
    with methods.borrowed(trunk) as borrowed:
        borrowed.attach(getattr(methods, method), module, "file:net")
        batches = Bytes()
        train(
            module,
            trunk,
            batches,
            batches,
            loss=nn.functional.cross_entropy,
            score=lambda outputs: 0.0,
            settings=Settings(1, 0.01, 0.01),
            progress=SilentProgress(),
        )
        changed = {name for name, tensor in trunk.state_dict().items() if not torch.equal(tensor, before[name])}

    trained = {name for name in before if not name.startswith("network.classifier")}  # its own is not used
    if method == "last_blocks":
        below = tuple(f"network.{part}" for part in ("conv_stem", "bn1", *(f"blocks.{stage}" for stage in range(5))))
        trained = {name for name in trained if not name.startswith(below)}
    assert changed == (set() if method == "head_alone" else trained)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trunk.state_dict().items())


@pytest.mark.parametrize(("head", "kept"), [("probe", True), ("auto", True), ("random", False)])
def test_statistics_stay_under_a_head_that_was_fitted_to_them(tmp_path: Path, head: str, kept: bool) -> None:
    backbone = TinyBackbone(norm=True)
    before = {name: buffer.clone() for name, buffer in backbone.module.named_buffers()}
    plan = Plan("full", TASKS["class"], 2, head=head, learning_rate=0.01, output=str(tmp_path / "tuned"), keep=KEPT)

    run = adapt(backbone, tiny_data("class"), plan, SilentProgress())

    after = load_file(tmp_path / "tuned" / "model.safetensors")
    found = {name: next(tensor for key, tensor in after.items() if key.endswith(f"0.{name}")) for name in before}
    assert all(torch.equal(before[name], found[name]) for name in before) == kept
    assert run.plan.get("statistics") == ("pretrained" if kept else None)
    assert run.plan["head_learning_rate"] == run.plan["learning_rate"] * (1 if kept else 10)
