"""Training on several devices equals training on one: the same batches, losses, gradients, decisions and weights."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from zoo.adapt.devices.sharing import ONE, OneDevice
from zoo.adapt.training.batches import Batches, ExampleBatches
from zoo.adapt.training.checkpoint import Checkpoint
from zoo.adapt.training.loop import train
from zoo.adapt.training.settings import OutOfMemory, Settings, Training
from zoo.contract.backbone import SilentProgress
from zoo.engines.group import ProcessFailed, run_group
from zoo.engines.member import Member
from zoo.errors import UnsupportedModel

WIDTH, CLASSES = 4, 3
WEIGHTS = np.array([0.3, 1.0, 2.5])
SETTINGS = Settings(epochs=3, learning_rate=0.02, head_learning_rate=0.05, weight_decay=0.1, evaluate_start=True)


class Device(OneDevice):
    """One of several, for what needs no other process."""

    def __init__(self, rank: int, count: int) -> None:
        self.rank, self.count = rank, count


class Backbone:
    """Vectors as they are; those of texts have a length."""

    def preprocess(self, item: Any) -> torch.Tensor:
        return torch.as_tensor(item, dtype=torch.float32)

    def collate(self, items: Any) -> torch.Tensor:
        return torch.stack(list(items))


class WithLength(Backbone):
    def length(self, item: torch.Tensor) -> int:
        return int(100 * item[0].abs())


class Network(nn.Module):
    """Two layers; a third has no effect on the output, as the pooling of many published models."""

    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.pretrained = nn.Linear(WIDTH, 8)
        self.unused = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.head = nn.Linear(8, CLASSES)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(torch.tanh(self.norm(self.pretrained(batch))))
        return found


def batches(count: int, size: int, backbone: Any = None, weights: Any = None) -> Batches:
    generator = np.random.default_rng(count)
    inputs, targets = generator.normal(size=(count, WIDTH)), generator.integers(CLASSES, size=count)
    return Batches(backbone or Backbone(), list(inputs), targets, size, "cpu", weights=weights)


def trained(
    devices: OneDevice,
    count: int,
    size: int,
    settings: Settings = SETTINGS,
    *,
    weighted: bool = False,
    network: Network | None = None,
    backbone: Any = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Training, dict[str, np.ndarray]]:
    """A training, and the weights that it ends with."""
    network, weights = network or Network(), WEIGHTS if weighted else None
    tensor = None if weights is None else torch.tensor(weights, dtype=torch.float32)
    parts = batches(count, size, backbone, weights), batches(11, 4)
    wanted = parts[1].targets.numpy()
    found = train(
        network,
        network.pretrained,
        *parts,
        loss=lambda outputs, targets: functional.cross_entropy(outputs, targets, weight=tensor),
        score=lambda outputs: float((outputs.argmax(axis=1) == wanted).mean()),
        settings=settings,
        progress=SilentProgress(),
        checkpoint=checkpoint,
        devices=devices,
    )
    return found, {name: value.numpy() for name, value in network.state_dict().items()}


def together(function: Any, patience: float = 60.0, count: int = 2) -> Any:
    """The result of a function of the devices in the first of several processes."""
    return run_group(functools.partial(_together, function, patience), [{"OMP_NUM_THREADS": "1"}] * count, print)


def _together(function: Any, patience: float, member: Member) -> Any:
    from zoo.adapt.devices.data_parallel import SeveralDevices

    return function(SeveralDevices(member, "cpu", patience=patience))


CASES: dict[str, dict[str, Any]] = {
    "an uneven last batch": {"count": 23, "size": 8},
    "a single sample left over": {"count": 25, "size": 8},
    "a process without samples": {"count": 3, "size": 1},
    "accumulated gradients, and fewer at the end": {
        "count": 26,
        "size": 4,
        "settings": replace(SETTINGS, accumulate=3),
    },
    "weighted classes": {"count": 23, "size": 6, "weighted": True},
    "sorted by length": {"count": 23, "size": 4, "backbone": WithLength()},
}


def every_case(devices: OneDevice) -> dict[str, Any]:
    assert devices.once(lambda: f"drawn by {devices.rank}") == "drawn by 0"
    return {name: trained(devices, **case) for name, case in CASES.items()}


def test_losses_decisions_and_weights_equal_those_of_one_device() -> None:
    """Two real processes, in one start for all cases."""
    several, alone = together(every_case), every_case(ONE)
    for name in CASES:
        (training, weights), (expected, known) = several[name], alone[name]
        figures, wanted = (
            np.array([(epoch.training_loss, epoch.validation_loss, epoch.score) for epoch in one.epochs])
            for one in (training, expected)
        )
        assert len(figures) == SETTINGS.epochs, name
        np.testing.assert_allclose(figures, wanted, atol=1e-4, err_msg=name)
        assert training.best.number == expected.best.number, name
        for tensor, value in known.items():
            np.testing.assert_allclose(weights[tensor], value, atol=1e-4, err_msg=f"{name}: {tensor}")


def interrupted(devices: OneDevice, path: Path) -> str:
    """A training whose process fails in its second epoch, after the first was saved."""
    network, passed = Network(), []

    def stop(*_: Any) -> None:
        passed.append(network.training)
        if sum(passed) > 4:
            raise RuntimeError("the power fails")

    network.pretrained.register_forward_pre_hook(stop)
    with pytest.raises(RuntimeError, match="the power fails"):
        trained(devices, 23, 8, network=network, checkpoint=Checkpoint(path, every=0))
    return "stopped"


def resumed(devices: OneDevice, path: Path) -> Any:
    return trained(devices, 23, 8, checkpoint=Checkpoint(path, every=0))


@pytest.mark.slow
@pytest.mark.parametrize("first", ["one", "two"])
def test_a_training_resumes_on_another_number_of_devices(first: str, tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    stop, resume = (functools.partial(one, path=path) for one in (interrupted, resumed))
    if first == "one":
        stop(ONE)
        assert path.exists()
        training, weights = together(resume)
    else:
        together(stop)
        assert path.exists()
        training, weights = resume(ONE)
    assert not path.exists()
    whole, known = trained(ONE, 23, 8)
    assert [epoch.number for epoch in training.epochs] == [epoch.number for epoch in whole.epochs]
    assert training.epochs[-1].validation_loss == pytest.approx(whole.epochs[-1].validation_loss, abs=1e-4)
    for name, value in known.items():
        np.testing.assert_allclose(weights[name], value, atol=1e-4)


def refused(devices: OneDevice) -> tuple[str, str]:
    """Errors that all processes raise alike: batch statistics, and weights on another device."""
    with pytest.raises(UnsupportedModel) as statistics:
        trained(devices, 23, 8, network=Network(norm=True))
    with pytest.raises(UnsupportedModel) as place:
        trained(devices, 23, 8, network=Network().to("meta"))
    return statistics.value.message, place.value.message


def unlike(devices: OneDevice) -> None:
    devices.same(("a split", devices.rank))


@pytest.mark.slow
def test_what_cannot_be_divided_is_refused() -> None:
    statistics, place = together(refused)
    assert statistics.startswith("Batch normalisation would estimate its statistics from a part of each batch")
    assert place.startswith("The model keeps its weights on meta")
    with pytest.raises(ProcessFailed, match="do not divide the data in the same way"):
        together(unlike)


def out_of_memory(devices: OneDevice) -> None:
    network = Network()

    def full(*_: Any) -> None:
        if devices.rank == 1 and network.training:
            raise torch.OutOfMemoryError("CUDA out of memory")

    network.pretrained.register_forward_pre_hook(full)
    trained(devices, 23, 8, network=network)


def hangs(devices: OneDevice) -> None:
    if devices.rank == 1:
        import time

        time.sleep(60)
    devices.total(1.0)


@pytest.mark.slow
def test_memory_that_runs_out_in_one_process_ends_all_with_that_error() -> None:
    with pytest.raises(OutOfMemory, match="ran out of memory while training"):
        together(out_of_memory)


@pytest.mark.slow
def test_a_process_that_does_not_answer_is_not_waited_for_without_end() -> None:
    with pytest.raises(ProcessFailed, match=r"Process 1 of 2 could not exchange results .*Timed out"):
        together(hangs, patience=3.0)


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize(("samples", "size"), [(23, 8), (25, 8), (7, 7), (9, 2), (5, 1), (1, 4), (2, 4)])
@pytest.mark.parametrize("kind", ["plain", "with length", "weighted", "examples"])
def test_the_parts_of_a_batch_add_up_to_it(kind: str, samples: int, size: int, count: int) -> None:
    def one() -> Any:
        if kind == "examples":
            return ExampleBatches(Examples(), list(range(samples)), list(range(samples)), size, "cpu")
        weights = WEIGHTS if kind == "weighted" else None
        return batches(samples, size, WithLength() if kind == "with length" else Backbone(), weights)

    whole = [rows(batch) for batch, _ in one().shuffled(np.random.default_rng(7))]
    parts = [list(one().shared(np.random.default_rng(7), Device(rank, count))) for rank in range(count)]
    assert len(whole) == one().steps
    assert {len(part) for part in parts} == {len(whole)}
    for number, wanted in enumerate(whole):
        each = [part[number] for part in parts]
        found = [row for batch, _, share in each if share for row in rows(batch)]
        assert sorted(found) == sorted(wanted)
        assert sum(share for *_, share in each) == pytest.approx(1)
        if kind != "weighted":
            assert [share * len(wanted) for *_, share in each if share] == pytest.approx(
                [len(rows(batch)) for batch, _, share in each if share]
            )


def rows(batch: Any) -> list[Any]:
    return [tuple(row) for row in batch.tolist()] if batch.ndim > 1 else batch.tolist()


class Examples:
    """A learner whose examples are their numbers."""

    def example(self, item: int, target: int) -> int:
        return item

    def collate(self, examples: Any) -> torch.Tensor:
        return torch.tensor(examples)


@pytest.mark.parametrize("count", [2, 3])
def test_batches_in_order_are_divided_as_they_are(count: int) -> None:
    whole = [rows(batch) for batch, _ in batches(23, 4)]
    parts = [[rows(batch) for batch, _ in batches(23, 4).in_order(Device(rank, count))] for rank in range(count)]
    assert [parts[at % count][at // count] for at in range(len(whole))] == whole
