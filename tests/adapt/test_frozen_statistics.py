"""What is frozen stays as it was pretrained, the statistics of its batch normalisation too."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_models import TASKS, TinyBackbone, tiny_data
from torch import nn

from zoo.adapt.strategies import adapt
from zoo.adapt.training.methods import train_mode
from zoo.contract.backbone import SilentProgress
from zoo.entities import Plan


def changed_buffers(folder: Path, strategy: str, kind: str) -> set[str]:
    """The blocks of which a buffer is another after training."""
    backbone = TinyBackbone(norm=True)
    before = {name: buffer.clone() for name, buffer in backbone.module.named_buffers()}
    options: dict[str, object] = {"keep": "fine-tuned"} if kind == "class" else {}
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
