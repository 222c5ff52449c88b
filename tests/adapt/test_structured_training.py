"""Structured targets are trained by the same loop as classes: short memory and a power cut do not change the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import TASKS, SquaredError, TinyBackbone, TinyLearner, tiny_data

from zoo.adapt.strategies import adapt
from zoo.adapt.training import checkpoint
from zoo.contract.backbone import SilentProgress
from zoo.entities import Plan, Run
from zoo.errors import StorageError


class CutOff(Exception):
    """The power failed."""


def trained(**options: Any) -> tuple[Run, TinyBackbone]:
    backbone = TinyBackbone()
    plan = Plan(**{"strategy": "full", "task": TASKS["text"], "epochs": 5, "learning_rate": 0.003, **options})
    return adapt(backbone, tiny_data("text"), plan, SilentProgress()), backbone


def test_short_memory_halves_the_batches_and_adds_their_gradients_up(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = SquaredError.forward

    def short(self: SquaredError, batch: Any) -> torch.Tensor:
        if self.training and len(batch[0]) > 8:
            raise torch.OutOfMemoryError
        return plain(self, batch)

    monkeypatch.setattr(SquaredError, "forward", short)
    halved, small = trained(batch_size=32)
    asked, wanted = trained(batch_size=8, accumulate=4)

    assert (halved.plan["batch_size"], halved.plan["accumulate"]) == (8, 4)
    assert halved.metrics == asked.metrics
    assert torch.equal(small.new.weight, wanted.new.weight)


def test_a_training_that_was_cut_off_goes_on_to_the_same_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    whole, first = trained()
    answers, plain = [0], TinyLearner.predict

    def cut(self: TinyLearner, inputs: Any) -> Any:
        answers[0] += 1
        if answers[0] == 4:
            raise CutOff
        return plain(self, inputs)

    with monkeypatch.context() as patched:
        patched.setattr(TinyLearner, "predict", cut)
        with pytest.raises(CutOff):
            trained()
    assert list(home.glob("checkpoints/*.pt"))
    resumed, second = trained()

    assert (resumed.metrics, resumed.epochs) == (whole.metrics, whole.epochs)
    assert torch.equal(first.new.weight, second.new.weight)
    assert not list(home.glob("checkpoints/*.pt"))


def test_a_full_disk_is_noticed_before_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.adapt.saved import saving

    monkeypatch.setattr(saving.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(StorageError, match="MB free"):
        trained(output=str(tmp_path / "tuned"))
