"""Metrics: known values, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.contract.metric import Metric
from zoo.errors import DataError, InvalidInput
from zoo.kinds.metrics import CLASSES as OF_CLASSES
from zoo.kinds.metrics import NUMBERS as OF_NUMBERS
from zoo.kinds.metrics import metric

KNOWN = [
    ("accuracy", [0, 1, 2, 2], [0, 1, 1, 2], 0.75),
    ("macro_f1", [0, 0, 1, 1], [0, 1, 1, 1], (2 / 3 + 4 / 5) / 2),
    ("matthews_correlation", [0, 0, 1, 1], [0, 1, 1, 1], 1 / 3**0.5),
    ("rmse", [1.0, 2.0], [2.0, 4.0], 2.5**0.5),
    ("roc_auc", [0.0, 1.0, 0.0, 1.0], [0.1, 0.9, 0.6, 0.4], 0.75),
    ("mean_absolute_error", [1.0, 2.0], [2.0, 4.0], 1.5),
    ("r2", [1.0, 2.0, 3.0], [1.0, 2.0, 2.0], 0.5),
    ("spearman", [1.0, 2.0, 3.0], [10.0, 30.0, 20.0], 0.5),
]
CLASSES = [m.name for m in OF_CLASSES]
NUMBERS = [m.name for m in OF_NUMBERS]


@pytest.mark.parametrize(("name", "targets", "predictions", "value"), KNOWN)
def test_values_worked_out_by_hand(name, targets, predictions, value) -> None:
    assert metric(name).compute(np.array(targets), np.array(predictions)) == pytest.approx(value)


def test_every_metric_has_a_known_value() -> None:
    assert {name for name, *_ in KNOWN} == {*CLASSES, *NUMBERS}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30), st.permutations(range(4)))
@settings(deadline=None, max_examples=50)
def test_renaming_classes_and_reordering_samples_changes_nothing(pairs, names) -> None:
    targets, predictions = np.array(pairs).T
    for name in CLASSES:
        value = metric(name).compute(targets, predictions)
        renamed = np.array(names)
        assert metric(name).compute(renamed[targets][::-1], renamed[predictions][::-1]) == pytest.approx(value)
        assert metric(name).compute(targets, targets) == pytest.approx(1.0) or len(set(targets)) == 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
@settings(deadline=None, max_examples=50)
def test_perfect_numbers_are_best(values) -> None:
    targets = np.array(values)
    assert metric("rmse").compute(targets, targets) == 0
    assert metric("mean_absolute_error").compute(targets, targets) == 0
    assert metric("r2").compute(targets, targets) == pytest.approx(1.0) or len(set(values)) == 1


@pytest.mark.parametrize("name", CLASSES)
def test_metrics_of_classes_refuse_numbers(name) -> None:
    with pytest.raises(DataError, match="is a metric of classes"):
        metric(name).compute(np.array([0.5, 1.5]), np.array([0.5, 1.5]))


@pytest.mark.parametrize("name", NUMBERS)
def test_metrics_of_numbers_refuse_classes_and_values_that_are_not_finite(name) -> None:
    with pytest.raises(DataError, match="is a metric of numbers"):
        metric(name).compute(np.array([0, 1]), np.array([0, 1]))
    with pytest.raises(DataError, match="not finite"):
        metric(name).compute(np.array([0.0, 1.0]), np.array([0.0, np.nan]))


def test_lengths_must_agree() -> None:
    with pytest.raises(DataError, match="equally many"):
        metric("accuracy").compute(np.array([0, 1]), np.array([0]))


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="accuracy"):
        metric("acuracy")
    assert isinstance(metric("accuracy"), Metric)


def test_roc_auc_needs_zeros_and_ones() -> None:
    assert metric("roc_auc").compute(np.array([0.0, 1.0]), np.array([0.5, 0.5])) == 0.5
    for targets in ([0.0, 0.5, 1.0], [1.0, 1.0], [0, 1]):
        with pytest.raises(DataError):
            metric("roc_auc").compute(np.array(targets), np.zeros(len(targets)))
