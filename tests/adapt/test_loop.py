"""The training loop on a network that one can follow by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from zoo.adapt.training import batches
from zoo.adapt.training.loop import train
from zoo.adapt.training.optimizer import warm_up_and_cosine
from zoo.adapt.training.settings import Settings
from zoo.contract.backbone import SilentProgress
from zoo.errors import ZooError


class Lists:
    """Batches in memory."""

    device = "cpu"

    def __init__(self, inputs: torch.Tensor, targets: torch.Tensor, size: int = 8) -> None:
        self.parts = list(zip(inputs.split(size), targets.split(size), strict=True))
        self.served = 0

    def __len__(self) -> int:
        return len(self.parts)

    def shuffled(self, generator: np.random.Generator):
        self.served += 1
        yield from (self.parts[index] for index in generator.permutation(len(self.parts)))

    def __iter__(self):
        yield from self.parts


@pytest.fixture
def problem():
    torch.manual_seed(0)
    inputs = torch.randn(64, 4)
    targets = (inputs[:, 0] > 0).long()
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    return module, inputs, targets


def run(problem, scores=None, **settings):
    module, inputs, targets = problem
    given = iter(scores) if scores is not None else None

    def score(outputs: np.ndarray) -> float:
        return next(given) if given else float((outputs.argmax(1) == targets.numpy()).mean())

    served = Lists(inputs, targets)
    training = train(
        module,
        module[0],
        served,
        Lists(inputs, targets),
        loss=nn.functional.cross_entropy,
        score=score,
        settings=Settings(**{"epochs": 10, "learning_rate": 0.05, "head_learning_rate": 0.05, **settings}),
        progress=SilentProgress(),
    )
    return training, served


def test_it_learns(problem) -> None:
    training, _ = run(problem)

    assert training.best.score > 0.9
    assert training.epochs[-1].training_loss < training.epochs[0].training_loss


def test_patience_ends_it_and_the_best_weights_stay(problem) -> None:
    module = problem[0]
    weights: list[torch.Tensor] = []
    hook = module.register_forward_pre_hook(lambda *_: weights.append(module[0].weight.detach().clone()))

    training, batches = run(problem, scores=[0.5, 0.9, 0.8, 0.7, 0.6, 0.5], patience=3)
    hook.remove()

    assert (training.stopped, training.best.number, len(training.epochs), batches.served) == ("patience", 2, 5, 5)
    # Each epoch runs 8 training and 8 validation batches; the weights validated in epoch 2 are those kept.
    assert torch.equal(module[0].weight, weights[2 * 16 - 1])
    assert not module.training


def test_control_c_keeps_the_best_epoch_so_far(problem) -> None:
    def scores():
        yield 0.5
        yield 0.8
        raise KeyboardInterrupt

    training, _ = run(problem, scores=scores())

    assert (training.stopped, training.best.number) == ("interrupted", 2)


def test_control_c_before_the_first_epoch_is_passed_on(problem) -> None:
    def scores():
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        run(problem, scores=scores())


def test_a_loss_that_is_never_finite_says_what_to_do(problem) -> None:
    module, inputs, targets = problem
    with pytest.raises(ZooError, match="learning"):
        run((module, inputs * float("nan"), targets))


def test_the_learning_rate_rises_and_falls() -> None:
    rate = warm_up_and_cosine(100)

    rates = [rate(step) for step in range(100)]
    assert max(rates) == pytest.approx(1.0, abs=0.02)
    assert 0 < rates[0] < 0.2
    assert rates.index(max(rates)) == pytest.approx(10, abs=1)
    assert rates[-1] < 0.01
    peak = rates.index(max(rates))
    assert all(a < b for a, b in itertools.pairwise(rates[: peak + 1]) if b < 1)
    assert all(a >= b for a, b in itertools.pairwise(rates[peak:]))


def test_samples_are_prepared_once_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def make(position: int) -> dict[str, object]:
        made.append(position)
        return {"tokens": [position] * 4, "pixels": torch.zeros(2)}

    monkeypatch.setattr(batches, "KEPT_BYTES", 100)  # each takes 4 x 8 + 2 x 4
    prepared = batches.Prepared(make)
    for _ in range(2):
        assert [prepared[at]["tokens"][0] for at in range(3)] == [0, 1, 2]
    assert made == [0, 1, 2, 2]
