"""A backbone of six small blocks with its learners, and data for it: trains in milliseconds by the core's own loop."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from zoo.contract.kind import Kind
from zoo.entities import Dataset, ModelCard
from zoo.kinds.known import kind_of
from zoo_scientific.forecasting.series import LEVELS, Forecast, Future, Series

TASKS = {
    "class": "image-classification",
    "number": "sentence-similarity",
    "text": "automatic-speech-recognition",
    "series": "time-series-forecasting",
}
WIDTH = 4


class Vectors(Kind):
    """The kind of the inputs; ``seen`` counts those that were augmented."""

    name = "vector"
    augmentations = {"light": "noise of deviation 0.1", "strong": "noise of deviation 1"}  # noqa: RUF012
    seen = 0

    @classmethod
    def in_use(cls, monkeypatch: pytest.MonkeyPatch) -> Vectors:
        """One in place of the kind of vectors without augmentation, until the end of the test."""
        kind = cls()
        monkeypatch.setattr(
            "zoo.adapt.training.augmentation.kind_of", lambda name: kind if name == "vector" else kind_of(name)
        )
        return kind

    def augment(self, item: Any, geometry: Any, strength: str, generator: np.random.Generator) -> tuple[Any, Any]:
        self.seen += 1
        noise = generator.normal(0, 0.1 if strength == "light" else 1.0, len(item))
        return [float(a + b) for a, b in zip(item, noise, strict=True)], geometry


class Trunk(nn.Module):
    """Blocks in a row; counts the samples that it sees in evaluation mode, and its and its blocks' training passes."""

    def __init__(self, norm: bool, blocks: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Linear(WIDTH, WIDTH)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH) if norm else nn.LayerNorm(WIDTH), nn.Tanh()
                )
                for _ in range(blocks)
            )
        )
        self.evaluated = self.passed = 0
        self._learned = [0] * blocks
        for at, block in enumerate(self.blocks):
            block[-1].register_forward_pre_hook(functools.partial(self._count, at))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        if not self.training:
            self.evaluated += len(batch)
        self.passed += self.training
        states = self.stem(batch)
        for block in self.blocks:
            states = states + 0.1 * block(states)
        return states

    @property
    def learned(self) -> int:
        """Training passes of the block that had most."""
        return max(self._learned)

    def _count(self, at: int, *_: Any) -> None:
        self._learned[at] += self.training


class TinyBackbone:
    """Its last ``new`` module is what was trained besides the trunk."""

    input_kind = "vector"
    layers = ("last",)
    embedding_dimension = WIDTH

    def __init__(self, *, norm: bool = False, blocks: int = 6) -> None:
        self.card = ModelCard("file:tiny", "tests")
        self.module = Trunk(norm, blocks).eval()
        self.new: Any = None
        self.largest = 0

    def preprocess(self, item: Any) -> torch.Tensor:
        return torch.tensor(item.values if isinstance(item, Series) else item, dtype=torch.float32)

    def collate(self, items: Sequence[torch.Tensor]) -> torch.Tensor:
        self.largest = max(self.largest, len(items))
        return torch.stack(list(items))

    def features(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        with torch.inference_mode():
            return {"last": self.module(batch)}

    def head(self, task: Any, classes: int) -> nn.Module:
        self.new = nn.Linear(WIDTH, classes)
        return nn.Sequential(self.module, self.new)

    def learner(self, task: str, classes: Sequence[str]) -> TinyLearner:
        self.new = nn.Linear(WIDTH, 1)
        return TinyLearner(self, task)


class TinyLearner:
    """Gives a text of as many words as its one output says, or a forecast of that value."""

    classes: tuple[str, ...] = ()

    def __init__(self, backbone: TinyBackbone, task: str) -> None:
        self._backbone, self._task, self.pretrained = backbone, task, backbone.module
        self.module = SquaredError(nn.Sequential(backbone.module, backbone.new))

    def example(self, item: Any, target: Any) -> tuple[torch.Tensor, float]:
        wanted = target.values[0] if isinstance(target, Future) else len(target.split())
        return self._backbone.preprocess(item), float(wanted)

    def collate(self, examples: Sequence[tuple[torch.Tensor, float]]) -> tuple[torch.Tensor, torch.Tensor]:
        inputs = self._backbone.collate([item for item, _ in examples])
        return inputs, torch.tensor([wanted for _, wanted in examples])

    def predict(self, inputs: Sequence[Any]) -> list[Any]:
        with torch.inference_mode():
            found = self.module.net(torch.stack([self._backbone.preprocess(item) for item in inputs]))[:, 0].tolist()
        if self._task == TASKS["text"]:
            return [" ".join(["word"] * round(min(max(value, 0), 9))) for value in found]
        return [Forecast("s", ("1",), np.full((1, len(LEVELS)), value)) for value in found]


class SquaredError(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return (self.net(batch[0])[:, 0] - batch[1]).square().unsqueeze(1)


def tiny_data(kind: str, count: int = 60) -> Dataset:
    """Vectors whose first number decides the target."""
    vectors = np.random.default_rng(0).normal(size=(count, WIDTH)).astype(np.float32)
    first, inputs = vectors[:, 0], vectors.tolist()
    targets: list[Any]
    if kind == "class":
        targets = (first > 0).astype(int).tolist()
    elif kind == "number":
        targets = first.tolist()
    elif kind == "text":
        targets = [" ".join(["word"] * (2 + round(2 * float(np.tanh(value))))) for value in first]
    else:
        times = np.arange(WIDTH + 1)
        inputs = [Series("s", np.asarray(item, dtype=np.float64), times, 1, 1) for item in inputs]
        targets = [Future(np.array([float(value)]), 1.0) for value in first]
    classes = ("no", "yes") if kind == "class" else ()
    return Dataset("tiny", "vector", inputs, targets, classes, f"fingerprint of {kind}", kind)
