import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from zoo.contract import estimator
from zoo.errors import DataError, InvalidInput, StorageError
from zoo.transfer import Statistics

SUMS = ("gram", "class_sums", "target_products", "counts", "mean", "scatter", "fourth_moment")


def textbook(x, y, classes):
    x = x.astype(np.float64)
    centred = x - x.mean(axis=0)
    outputs = np.eye(classes)[y] if classes else y[:, None].astype(float)
    return {
        "gram": x.T @ x,
        "class_sums": outputs.T @ x,
        "target_products": outputs.T @ outputs,
        "counts": outputs.sum(axis=0) if classes else np.array([len(y)]),
        "mean": x.mean(axis=0),
        "scatter": centred.T @ centred,
        "fourth_moment": ((centred**2).sum(axis=1) ** 2).sum(),
    }


def assert_same(a, b, rtol=1e-9):
    for name in SUMS:
        expected = getattr(b, name) if isinstance(b, Statistics) else b[name]
        assert_allclose(
            getattr(a, name), expected, rtol=rtol, atol=rtol * np.abs(expected).max(initial=0), err_msg=name
        )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("classes", [4, None])
def test_sums_are_those_of_the_textbook(shifted_classes, dtype, classes):
    x, y = shifted_classes(300, 7, 4)
    x = x.astype(dtype)
    y = y if classes else y * 1.5 + 100.0

    statistics = Statistics(classes, 7)
    for rows in np.array_split(np.arange(300), [1, 50, 51, 200]):
        statistics.update(x[rows], y[rows])

    assert statistics.n == 300
    assert_same(statistics, textbook(x, y, classes))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(0, 9), min_size=3, max_size=3),
    far=st.sampled_from([0.0, 1.0, -300.0]),
    classes=st.sampled_from([3, None]),
)
def test_merge_is_associative_and_equals_one_pass(seed, sizes, far, classes):
    rng = np.random.default_rng(seed)
    shards = []
    for size in sizes:
        # Each shard lies elsewhere, so each has its own origin.
        x = rng.normal(size=(size, 4)) + far * rng.normal(size=4)
        shards.append((x, rng.integers(0, 3, size) if classes else rng.normal(size=size) + far))

    def of(index):
        return Statistics(classes, 4).update(*shards[index])

    left = of(0).merge(of(1)).merge(of(2))
    right = of(0).merge(of(1).merge(of(2)))
    backwards = of(2).merge(of(1)).merge(of(0))
    whole = Statistics(classes, 4).update(*(np.concatenate(part) for part in zip(*shards, strict=True)))

    assert left.n == sum(sizes)
    for other in (right, backwards, whole):
        assert_same(left, other)


def test_without_undoes_merge(shifted_classes):
    x, y = shifted_classes(200, 5, 3)
    first = Statistics(3, 5).update(x[:120], y[:120])
    second = Statistics(3, 5).update(x[120:] + 7, y[120:])
    whole = first.copy().merge(second)

    assert_same(whole.without(second), first)
    assert whole.n == 200
    with pytest.raises(InvalidInput, match="cannot be subtracted"):
        first.without(whole)


def test_a_distant_mean_costs_no_digits():
    rng = np.random.default_rng(0)
    near = rng.normal(size=(5000, 3))
    far = near + 1e6

    scatter = Statistics(2, 3).update(far, np.arange(5000) % 2).scatter

    centred = near - near.mean(axis=0)
    assert_allclose(scatter, centred.T @ centred, rtol=1e-8, atol=1e-5)
    # Subtracting n mean mean' from X'X has no digit left to give here.
    assert np.abs(far.T @ far - 5000 * np.outer(far.mean(axis=0), far.mean(axis=0)) - scatter).max() > 1e-2


@pytest.mark.parametrize("classes", [3, None])
def test_saved_statistics_continue_where_they_stopped(tmp_path, shifted_classes, classes):
    x, y = shifted_classes(90, 6, 3)
    y = y if classes else y.astype(float)
    Statistics(classes, 6, full_dimension=9).update(x[:40], y[:40]).save(tmp_path / "s.safetensors")

    loaded = Statistics.load(tmp_path / "s.safetensors").update(x[40:], y[40:])

    assert (loaded.n, loaded.classes, loaded.full_dimension) == (90, classes, 9)
    assert_same(loaded, Statistics(classes, 6).update(x, y))
    assert [path.name for path in tmp_path.iterdir()] == ["s.safetensors"]


def test_a_damaged_or_missing_file_is_named(tmp_path, shifted_classes):
    path = tmp_path / "s.safetensors"
    with pytest.raises(StorageError, match=r"s\.safetensors"):
        Statistics.load(path)
    Statistics(3, 6).update(*shifted_classes(30, 6, 3)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="does not hold statistics"):
        Statistics.load(path)
    path.write_bytes(whole.replace(b"zoo-statistics-2", b"zoo-statistics-9"))
    with pytest.raises(DataError, match="zoo-statistics-9"):
        Statistics.load(path)
    with pytest.raises(StorageError):
        Statistics(3, 6).save(tmp_path / "missing" / "s.safetensors")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinite"), (-np.inf, "infinite")])
def test_the_sample_with_a_bad_feature_is_named_and_nothing_added(dtype, value, name):
    statistics = Statistics(2, 3).update(np.ones((10, 3)), np.arange(10) % 2)
    x = np.zeros((5, 3), dtype)
    x[4, 1] = value
    with pytest.raises(InvalidInput, match=rf"sample 14 .*{name}"):
        statistics.update(x, np.zeros(5, int))
    assert statistics.n == 10
    assert_allclose(statistics.gram, np.full((3, 3), 10.0))


def test_finite_values_whose_sum_overflows_are_not_infinite():
    x = np.full((4, 3), 3e38, np.float32)
    x[0] = 0
    assert np.isfinite(Statistics(2, 3).update(x, [0, 1, 0, 1]).fourth_moment)


@pytest.mark.parametrize(
    ("features", "targets", "message"),
    [
        (np.ones(3), [0, 1, 1], "n samples x d dimensions"),
        (np.ones((3, 5)), [0, 1, 1], "5 dimensions instead of 2"),
        (np.ones((3, 2)), [0, 1], "one target per sample"),
        (np.ones((3, 2)), [0, 1, 2], r"sample 2 .* is 2; class indices go from 0 to 1"),
        (np.ones((3, 2)), [0, -1, 1], r"sample 1 .* is -1"),
        (np.ones((3, 2)), [0.0, 1.0, 1.0], "floating-point"),
        (np.ones((3, 2)), ["a", "b", "b"], "must be real numbers"),
        (np.ones((3, 2), complex), [0, 1, 1], "must be real numbers"),
        ([[1, 2], [3]], [0, 1], "cannot be read as an array"),
        (np.full((3, 2), 1e90), [0, 1, 1], "fourth moments overflow"),
    ],
)
def test_bad_batches_are_refused(features, targets, message):
    with pytest.raises(InvalidInput, match=message):
        Statistics(2, 2).update(features, targets)


def test_bad_numbers_and_shapes_are_refused():
    with pytest.raises(InvalidInput, match=r"target of sample 1 .* is NaN"):
        Statistics(None, 2).update(np.ones((3, 2)), [0.0, np.nan, 1.0])
    with pytest.raises(InvalidInput, match="cannot be combined"):
        Statistics(3, 2).merge(Statistics(3, 4))
    with pytest.raises(InvalidInput, match="at least 1 dimension"):
        Statistics(3, 0)
    with pytest.raises(InvalidInput, match="at least 1 class"):
        Statistics(0, 2)


def test_empty_batches_and_empty_shards_change_nothing(shifted_classes):
    x, y = shifted_classes(20, 3, 2)
    statistics = Statistics(2, 3).update(x[:0], y[:0]).update(x, y).update(x[:0], y[:0])
    assert_same(Statistics(2, 3).merge(statistics).merge(Statistics(2, 3)), Statistics(2, 3).update(x, y))


def test_they_satisfy_the_protocol_of_the_estimator_contract(shifted_classes):
    x, y = shifted_classes(20, 3, 2)
    assert isinstance(Statistics(2, 3).update(x, y), estimator.Statistics)
    assert isinstance(Statistics(None, 3), estimator.Statistics)
