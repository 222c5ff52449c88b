"""Intervals have a width where all samples agree, stay inside the range of their figure, and contain the true value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.contract.estimator import Measured
from zoo.selection.measure.layer_statistics import LayerStatistics, Targets
from zoo.transfer import builtin_estimators
from zoo.transfer.intervals import difference, proportion, student_t
from zoo.transfer.measure import find_estimator, measure
from zoo.transfer.scores.linear_probe import linear_probe


def classes_apart(n: int, distance: float, seed: int = 0, dimensions: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Three normal classes in equal shares."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % 3
    return rng.normal(size=(n, dimensions)) + distance * np.eye(dimensions)[targets], targets


@pytest.mark.parametrize("name", ["linear-probe", "logistic-probe", "knn", "lda", "sfda", "ped", "ncti-ncc"])
def test_a_figure_of_one_has_an_interval(name):
    features, targets = classes_apart(60, 40.0)

    found = measure([name], features, targets)[name]

    assert found.value == pytest.approx(1.0, abs=1e-6)
    assert 0.9 < found.low < 0.96
    assert found.value <= found.high <= 1.0


def test_folds_that_agree_by_chance_do_not_make_it_certain():
    right = np.tile([1.0] * 8 + [0.0] * 2, 5)  # each tenth of the samples has two errors

    found = proportion(right)

    assert found.value == 0.8
    assert found.high - found.low > 0.2


@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_the_interval_of_a_proportion_is_wilsons(counts):
    n, hits = counts
    right = (np.arange(n) < hits).astype(float)

    found = proportion(right)

    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.high - found.low > 0.5 / n
    samples = n - 1 if 0 < hits < n else n
    for end in {found.low, found.high} - {0.0, 1.0}:
        reach = student_t(n - 1) * math.sqrt(end * (1 - end) / samples)
        assert abs(found.value - end) == pytest.approx(reach, abs=1e-9)


@given(st.integers(10, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.integers(2, 5))
def test_copies_of_a_sample_that_belong_together_count_once(counts, copies):
    n, hits = counts
    right = (np.arange(n) < hits).astype(float)

    once, copied = proportion(right), proportion(np.repeat(right, copies), np.repeat(np.arange(n), copies))

    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


@pytest.mark.parametrize("seed", range(3))
def test_no_interval_leaves_the_range_of_its_estimator(seed):
    features, targets = classes_apart(24, (0.0, 1.0, 30.0)[seed], seed)
    probabilities = np.abs(features) / np.abs(features).sum(axis=1, keepdims=True)
    names = [estimator.name for estimator in builtin_estimators()]

    for name, found in measure(names, features, targets, probabilities=probabilities).items():
        least, most = find_estimator(name).bounds
        assert least <= found.low <= found.high <= most, name


def test_figures_from_sums_keep_to_their_range_too(monkeypatch):
    monkeypatch.setattr("zoo.selection.measure.layer_statistics.STREAMED_FROM", 10)
    features, targets = classes_apart(30, 0.0)
    names = [e.name for e in builtin_estimators() if e.from_statistics and not e.measure]

    class Data:
        target_kind, classes = "class", ("a", "b", "c")

    Data.targets = targets
    kept = Targets.of(Data, range(30), names)
    for name, found in LayerStatistics.of(features, range(30), kept).estimate(names, kept, 0).items():
        least, most = find_estimator(name).bounds
        assert kept.streamed
        assert least <= found.low <= found.high <= most, name


@pytest.mark.parametrize("distance", [2.0, 4.0, 6.0])
def test_the_interval_of_a_probe_holds_its_mean_accuracy(distance):
    draws = [linear_probe(*classes_apart(60, distance, seed)) for seed in range(60)]
    expected = np.mean([draw.mean for draw in draws])

    held = np.mean([draw.interval[0] <= expected <= draw.interval[1] for draw in draws])

    assert held >= 0.88


def test_the_side_that_was_cut_does_not_make_a_difference_certain():
    found = difference(Measured(0.98, 0.9, 1.0), Measured(0.97, 0.89, 1.0))

    assert found.error == pytest.approx(math.hypot(0.08, 0.08) / student_t(9))
