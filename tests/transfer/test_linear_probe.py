"""The linear probe against scikit-learn's ridge, its folds, and what it must not see."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from zoo.errors import InvalidInput
from zoo.transfer.intervals import assign_groups
from zoo.transfer.scores.linear_probe import MANY, PENALTIES, linear_probe


def naive(x, y, folds, seed):
    """Fold by fold with scikit-learn, the penalty by explicit hat matrices."""
    fold_of = assign_groups(y if y.dtype.kind == "i" else np.zeros(len(y), int), folds, seed)
    outputs = np.eye(y.max() + 1)[y] if y.dtype.kind == "i" else y[:, None]
    values = []
    for fold in range(folds):
        train, test = fold_of != fold, fold_of == fold
        mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
        z, n = (x[train] - mean) / deviation, train.sum()
        errors = []
        for penalty in PENALTIES:
            hat = z @ np.linalg.solve(z.T @ z + n * penalty * np.eye(z.shape[1]), z.T) + 1 / n
            left = 1 - np.diag(hat) if n < MANY * z.shape[1] else np.full(n, 1 - np.trace(hat) / n)
            errors.append((((outputs[train] - hat @ outputs[train]) / left[:, None]) ** 2).sum())
        model = Ridge(alpha=n * PENALTIES[int(np.argmin(errors))]).fit(z, outputs[train])
        predicted = model.predict((x[test] - mean) / deviation).reshape(test.sum(), -1)
        if y.dtype.kind == "i":
            values.append((predicted.argmax(axis=1) == y[test]).mean())
        else:
            values.append(1 - ((predicted[:, 0] - y[test]) ** 2).mean() / y.var())
    return values


@pytest.mark.parametrize(("n", "d"), [(200, 12), (60, 58), (50, 90)])
@pytest.mark.parametrize("kind", ["class", "number"])
def test_folds_are_those_of_plain_ridge(shifted_classes, n, d, kind):
    x, y = shifted_classes(n, d, 3)
    x = x.astype(np.float64) * np.linspace(0.1, 10, d) + 5
    y = y if kind == "class" else x[:, 0] + np.random.default_rng(1).normal(size=n)

    result = linear_probe(x, y, folds=4, seed=3)

    assert_allclose(result.values, naive(x, y, 4, 3), rtol=1e-7)
    assert result.mean == pytest.approx(np.mean(result.values))
    assert result.penalty in PENALTIES or len({*result.values}) > 1


@pytest.mark.parametrize("d", [220, 240, 260])
def test_near_copies_do_not_have_it_learn_by_heart(d):
    """A penalty by the average leverage tells half of these right."""
    generator = np.random.default_rng(0)
    centres = 0.3 * generator.normal(size=(4, d))
    y = generator.integers(0, 4, 285)
    x = centres[y] + generator.normal(size=(285, d))
    copied = np.concatenate([np.arange(285), np.arange(15)])
    x = x[copied] + 0.01 * generator.normal(size=(300, d))

    assert linear_probe(x, y[copied], groups=copied).mean > 0.95


def test_groups_are_balanced_in_every_stratum():
    y = np.array([0] * 23 + [1] * 7 + [2] * 50)
    group = assign_groups(y, 5, seed=0)
    for k in range(3):
        sizes = np.bincount(group[y == k], minlength=5)
        assert sizes.max() - sizes.min() <= 1
    assert np.ptp(np.bincount(group)) <= 1
    assert not np.array_equal(group, assign_groups(y, 5, seed=1))


def test_random_targets_are_not_predicted():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 300)), rng.integers(0, 4, 400)
    assert linear_probe(x, y).mean < 0.35
    assert linear_probe(x, rng.normal(size=400)).mean < 0.05


def test_separable_classes_are_learnt(shifted_classes):
    x, y = shifted_classes(300, 40, 3)
    x[np.arange(300), y] += 20
    assert linear_probe(x, y).mean == 1.0
    assert linear_probe(x, x[:, 5].astype(float)).mean > 0.99


def test_scaling_a_feature_changes_nothing(shifted_classes):
    x, y = shifted_classes(200, 10, 3)
    x = x.astype(np.float64)
    for scaled in (x * 10.0 ** np.arange(-5, 5), np.hstack([x, np.full((200, 2), 0.1)])):
        assert linear_probe(scaled, y).values == linear_probe(x, y).values


def test_interval_holds_the_mean_and_narrows_with_samples(shifted_classes):
    x, y = shifted_classes(4000, 10, 3)
    few, many = linear_probe(x[:100], y[:100], folds=10), linear_probe(x, y, folds=10)
    for result in (few, many):
        low, high = result.interval
        assert low <= result.mean <= high <= 1.0
    assert np.ptp(many.interval) < np.ptp(few.interval)


def test_rare_classes_and_few_samples(shifted_classes):
    x, _ = shifted_classes(9, 4, 2)
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2])
    assert 0.0 <= linear_probe(x, y).mean <= 1.0
    assert len(linear_probe(x[:3], [0, 1, 1]).values) == 3
    assert 0.0 <= linear_probe(np.hstack([x, x, x]), y).mean <= 1.0
    with pytest.raises(InvalidInput, match="at least 2 folds"):
        linear_probe(x, y, folds=1)
