"""Properties that are 0 or 1: the rare ones are in every part, weigh more, and their rank decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.adapt.experiment import prepare
from zoo.adapt.head_objective import HeadTargets
from zoo.adapt.linear_head import fit
from zoo.entities import Dataset, Plan

PLAN = Plan(task="molecular-property-prediction")


def molecules(targets: list[float]) -> Dataset:
    return Dataset("drugs", "molecule", ["C" * (1 + at) for at in range(len(targets))], targets, target_kind="number")


def test_the_rare_are_in_every_part_and_decide_by_their_rank() -> None:
    experiment = prepare(molecules([1.0] * 4 + [0.0] * 96), PLAN)

    assert [metric.name for metric in experiment.metrics] == ["roc_auc", "rmse"]
    for part in (experiment.train, experiment.validation, experiment.test):
        assert 1.0 in experiment.targets[list(part)]


def test_the_rare_weigh_more_in_probe_and_loss() -> None:
    experiment = prepare(molecules([1.0] * 10 + [0.0] * 190), PLAN)
    weights = experiment.class_weights()
    assert weights is not None
    train = list(experiment.train)
    targets = experiment.targets[train]
    counts = np.bincount(targets.astype(int))
    # Without information, the best constant is the weighted mean.
    head = fit(experiment, np.zeros((len(train), 2)), targets, 1.0)
    assert head.outputs(np.zeros((1, 2))) == pytest.approx(weights[1] * counts[1] / (weights @ counts))

    scaled = HeadTargets(experiment)
    loss = scaled.loss(torch.tensor(weights))
    standardised = torch.tensor((np.array([0.0, 1.0]) - scaled.centre) / scaled.scale)
    errors = [
        loss(standardised[:, None] + torch.tensor(wrong)[:, None], standardised) for wrong in ([1.0, 0.0], [0.0, 1.0])
    ]
    assert float(errors[1] / errors[0]) == pytest.approx(weights[1] / weights[0])


def test_other_numbers_and_even_shares_are_left_as_they_are() -> None:
    even, measured = (
        prepare(molecules([1.0, 0.0] * 50), PLAN),
        prepare(molecules(np.linspace(0, 1, 100).tolist()), PLAN),
    )

    assert even.class_weights() is None
    assert measured.class_weights() is None
    assert [metric.name for metric in measured.metrics] == ["rmse"]
