"""What holds for every estimator: invariances, awkward features, few samples, many classes, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.errors import InvalidInput
from zoo.transfer import Estimator, Statistics, builtin_estimators, score
from zoo.transfer import measure as module
from zoo.transfer.intervals import student_t
from zoo.transfer.measure import measure

ESTIMATORS = {estimator.name: estimator for estimator in builtin_estimators()}
OF_FEATURES = [name for name, e in ESTIMATORS.items() if e.takes == "features"]
STREAMED = [name for name, e in ESTIMATORS.items() if e.from_statistics]
DRAWN = {"nleep", "linear-probe", "logistic-probe", "ridge"}
"""Folds, or a start, are drawn by position, so that another order of samples gives another, as good, value."""

AXES = {"linear-probe", "logistic-probe", "parc", "energy", "ped"}
"""Defined by the axes of the features: standardised, or taken one by one."""


def make(seed, n=90, d=6, k=3):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    return rng.normal(size=(n, d)) + rng.normal(size=(k, d))[y], y


def inputs(name, x):
    """Features, or probabilities for the estimators that take them."""
    if ESTIMATORS[name].takes == "features":
        return x
    weights = np.exp(x - x.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", ESTIMATORS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_renumbering_the_classes_changes_nothing(name, seed):
    x, y = make(seed)
    renamed = np.array([5, 0, 70])[y]
    tolerance = 0.03 if name in DRAWN - {"nleep"} else 1e-9
    assert score(name, inputs(name, x), renamed) == pytest.approx(score(name, inputs(name, x), y), abs=tolerance)


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name not in DRAWN])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_samples_changes_nothing(name, seed):
    x, y = make(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    assert score(name, inputs(name, x)[order], y[order]) == pytest.approx(
        score(name, inputs(name, x), y), rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("name", [name for name in OF_FEATURES if name not in AXES])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_rotation_of_the_features_changes_nothing(name, seed):
    x, y = make(seed)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))[0]
    assert score(name, x @ rotation, y) == pytest.approx(score(name, x, y), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("name", STREAMED)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 90), min_size=1, max_size=6))
def test_shards_give_the_whole(name, seed, cuts):
    x, y = make(seed)
    whole = Statistics(3, 6)
    for rows in np.split(np.arange(90), sorted(cuts)):
        whole.merge(Statistics(3, 6).update(x[rows], y[rows]))
    assert ESTIMATORS[name].from_statistics(whole) == pytest.approx(score(name, x, y), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", OF_FEATURES)
def test_awkward_features_give_a_finite_number(name):
    x, y = make(0)
    x = x.astype(np.float32)
    awkward = {
        "constant and duplicated": np.hstack([x, x[:, :2], np.full((90, 1), 0.1, np.float32)]),
        "all constant": np.full((90, 3), 0.1),
        "all zero": np.zeros((90, 3)),
        "half precision": x.astype(np.float16),
        "far away": x + np.float32(1e4),
        "one dimension": x[:, :1],
        "twins": np.repeat(x[:30], 3, axis=0),
    }
    for what, features in awkward.items():
        assert np.isfinite(score(name, features, y)), what


@pytest.mark.parametrize("name", [name for name in OF_FEATURES if name != "energy"])
@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_huge_and_tiny_scales_give_a_finite_number(name, scale):
    x, y = make(1)
    assert np.isfinite(score(name, x * scale, y))


@pytest.mark.parametrize("name", OF_FEATURES)
def test_more_dimensions_than_samples_and_one_sample_a_class(name):
    x, y = make(2, n=24, d=60)
    assert np.isfinite(score(name, x, y))
    assert np.isfinite(score(name, x, np.arange(24)))


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name not in {"nleep", "logistic-probe"}])
def test_a_thousand_classes(name):
    x, y = make(3, n=2000, d=12, k=1000)
    assert np.isfinite(score(name, inputs(name, x), y))


@pytest.mark.parametrize("name", OF_FEATURES)
def test_features_are_left_as_they_are(name):
    x, y = make(4)
    before = x.copy()
    measure([name], x, y)
    assert np.array_equal(x, before)


@pytest.mark.parametrize("name", [name for name in OF_FEATURES if name != "energy"])
def test_better_features_score_higher(name):
    rng = np.random.default_rng(0)
    y = np.arange(200) % 4
    clean = rng.normal(size=(4, 8))[y]
    good, bad = clean + 0.4 * rng.normal(size=(200, 8)), clean + 3.0 * rng.normal(size=(200, 8))
    # At one overall scale, as some estimators do not know of scale.
    assert score(name, good / good.std(), y) > score(name, bad / bad.std(), y)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_interval_holds_the_value(name):
    x, y = make(5)
    measured = measure([name], x, y, probabilities=inputs("leep", x))[name]
    assert measured.value == pytest.approx(score(name, inputs(name, x), y), abs=1e-9)
    assert measured.low <= measured.value <= measured.high
    assert np.mean(measured.parts) == pytest.approx(measured.value, abs=1e-9)


@pytest.mark.parametrize("name", [name for name, e in ESTIMATORS.items() if "classes" in e.target_kinds])
def test_several_labels_a_sample(name):
    x, y = make(6)
    labels = np.stack([y == 0, y != 1, np.zeros(90)], axis=1).astype(int)
    measured = measure([name], x, labels)[name]
    assert measured.low <= measured.value <= measured.high
    assert measured.value == pytest.approx(score(name, x, labels[:, :2].astype(bool)), abs=1e-12)


@pytest.mark.parametrize("name", [name for name, e in ESTIMATORS.items() if "number" in e.target_kinds])
def test_several_numbers_per_sample(name):
    x, _ = make(7)
    measured = measure([name], x, np.stack([x[:, 0], x[:, 1] * 100 + 7], axis=1))[name]
    assert measured.low <= measured.value <= measured.high


def test_classes_only_estimators_refuse_other_targets():
    x, y = make(8)
    with pytest.raises(InvalidInput, match="'sfda' needs class indices, and the targets are several labels"):
        score("sfda", x, np.stack([y == 0, y == 1], axis=1))
    with pytest.raises(InvalidInput, match="'parc' needs class indices or several labels"):
        score("parc", x, y.astype(float))


@pytest.mark.parametrize(
    ("features", "targets", "message"),
    [
        (np.ones((3, 2)), np.array([[0, 1], [1, 2], [0, 0]]), r"0 or 1; those of sample 1"),
        (np.ones((3, 2)), np.zeros((3, 2), int), "All 3 samples have the same target"),
        (np.ones((3, 2)), np.zeros((3, 0)), "at least one target per sample"),
        (np.ones((3, 2)), np.array([[0.5, np.inf], [1, 2], [0, 0]]), "target of sample 0 .* infinite"),
    ],
)
def test_bad_tables_of_targets_are_named(features, targets, message):
    with pytest.raises(InvalidInput, match=message):
        score("logme", features, targets)


def test_probabilities_are_asked_for_and_checked():
    x, y = make(9)
    with pytest.raises(InvalidInput, match="'leep' needs the probabilities of the classes"):
        measure(["logme", "leep"], x, y)
    with pytest.raises(InvalidInput, match=r"sample 0 .* not to 1"):
        score("leep", x, y)
    with pytest.raises(InvalidInput, match="90 samples, but probabilities for 5"):
        measure(["leep"], x, y, probabilities=np.ones((5, 1)))


def test_groups_are_never_split():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 5)
    x = rng.normal(size=(60, 8))[groups] + 0.01 * rng.normal(size=(300, 8))
    y = rng.integers(0, 2, 60)[groups]  # says nothing: only copies of a sample know its class
    for name in ("linear-probe", "logistic-probe", "knn"):
        apart, together = measure([name], x, y)[name].value, measure([name], x, y, groups=groups)[name].value
        assert together < 0.7, name
        assert name != "knn" or apart > 0.9
    narrow, wide = (
        measure(["logme"], x, y)["logme"],
        measure(["logme"], x, y, groups=[f"s{g}" for g in groups])["logme"],
    )
    assert wide.value == pytest.approx(narrow.value)
    assert wide.high - wide.low > narrow.high - narrow.low
    with pytest.raises(InvalidInput, match="one group per sample"):
        measure(["knn"], x, y, groups=[1, 2])
    with pytest.raises(InvalidInput, match="in one group"):
        measure(["knn"], x, y, groups=np.zeros(300))


def test_few_groups_are_not_split_either():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(6), 20)
    x = rng.normal(size=(6, 8))[groups] + 0.01 * rng.normal(size=(120, 8))
    y = np.array([0, 1, 1, 0, 1, 0])[groups]  # says nothing: only other samples of a group know its class
    for name in ("linear-probe", "logistic-probe", "knn"):
        apart, together = measure([name], x, y)[name], measure([name], x, y, groups=groups)[name]
        assert apart.value > 0.9, name
        assert together.value < 0.7, name
        assert (together.low, together.high) == (None, None), name


def test_intervals_of_many_samples_cost_no_more_than_those_of_2000():
    sizes = []

    def spread(features, targets):
        sizes.append(len(targets))
        return float(features.mean())

    x = np.random.default_rng(0).normal(size=(20_000, 1))
    sample = module.Sample(np.arange(20_000) % 2, None, 0)
    measured = module._measure_alone(Estimator("mean", "Mean", spread), x, sample)
    assert sizes == [20_000, *[1800] * 10]
    assert measured.high - measured.value == pytest.approx(student_t(9) / np.sqrt(20_000), rel=0.6)
    assert np.std(measured.parts, ddof=1) * student_t(9) / np.sqrt(10) == pytest.approx(measured.high - measured.value)
