"""Profile, checks and splits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.data import check, fitting_tasks, profile, sample, split, stratified_order, task_for
from zoo.entities import Dataset
from zoo.errors import DataError, InvalidInput, UnknownTask
from zoo.tasks import TASKS

TEXT = TASKS["text-classification"]


def texts(targets, classes=("a", "b", "c"), **fields) -> Dataset:
    return Dataset("some", "text", [f"text {n}" for n in range(len(targets))], list(targets), classes, "f", **fields)


def test_a_profile_counts() -> None:
    data = Dataset("some", "text", ["one two", "one two", "three", "four five six"], [0, 1, 0, 0], ("a", "b"), "f")

    found = profile(data)

    assert dict(found.classes) == {"a": 3, "b": 1}
    assert found.imbalance == 3
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / math.log(2)
    assert found.balance == pytest.approx(entropy)
    assert (found.words.minimum, found.words.maximum) == (1, 3)
    assert (found.repeated, found.conflicting) == (1, 1)
    assert found.duplicates[0].labels == ("a", "b")
    assert found.bytes == len("one two" * 2 + "three" + "four five six")
    assert found.warnings


def test_a_profile_of_images_tells_their_sizes() -> None:
    found = profile(zoo.read("sklearn:digits"))
    assert (found.images.smallest, found.images.largest, dict(found.images.modes)) == ((8, 8), (8, 8), {"L": 1797})
    assert any("tiny" in warning for warning in found.warnings)


def test_a_profile_of_numbers() -> None:
    data = Dataset("some", "text", ["a", "b", "c"], [1.0, 2.0, 6.0], (), "f", "number")
    assert set(profile(data).numbers.values()) >= {1.0, 3.0, 6.0}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (texts([]), "no samples"),
        (texts([0, 0, 0], ("a",)), "of one class"),
        (texts([0, 1, 2]), "class of its own"),
        (texts([0, 0, 1]), "one sample only"),
        (Dataset("some", "text", ["a", "b"], None, (), "f", "none"), "no labels"),
        (Dataset("some", "text", ["a", "b"], [0.5, 1.5], (), "f", "number"), "are numbers"),
        (Dataset("some", "image", [1, 2], [0, 1], ("a", "b"), "f"), "holds images"),
    ],
)
def test_data_that_cannot_serve_a_task_is_refused_in_a_sentence(data: Dataset, text: str) -> None:
    with pytest.raises(DataError, match=text):
        check(data, TEXT)


def test_data_that_can_serve_is_not_refused() -> None:
    check(texts([0, 0, 1, 1, 2, 2]), TEXT)


def test_the_task_is_guessed_or_looked_up() -> None:
    data = texts([0, 0, 1, 1])
    assert task_for(data).name == "text-classification"
    assert "text-classification" in fitting_tasks(data)
    with pytest.raises(UnknownTask, match="text-classification"):
        task_for(data, "text-clasification")
    with pytest.raises(DataError, match="No task is known"):
        task_for(Dataset("some", "smell", [1], [0], ("a",), "f"))
    with pytest.raises(DataError, match=r"has no labels.*--target-column"):
        task_for(Dataset("some", "text", ["a"], None, (), "f", "none"))


TARGETS = st.lists(st.integers(0, 3), min_size=1, max_size=120)
FRACTIONS = st.lists(st.integers(1, 10), min_size=1, max_size=4).map(
    lambda parts: [part / sum(parts) for part in parts]
)


@given(TARGETS, FRACTIONS, st.integers(0, 5))
@settings(deadline=None)
def test_a_split_is_disjoint_whole_stratified_and_settled(targets, fractions, seed) -> None:
    data = texts(targets, ("a", "b", "c", "d"))

    parts = split(data, fractions, seed)
    again = split(data, fractions, seed)

    everything = [text for part in parts for text in part.inputs]
    assert sorted(everything) == sorted(data.inputs)
    assert [part.fingerprint for part in parts] == [part.fingerprint for part in again]
    for part, fraction in zip(parts, fractions, strict=True):
        assert len(part) == pytest.approx(fraction * len(data), abs=len(set(targets)) + len(fractions))
        for label in set(targets):
            share = list(part.targets).count(label)
            assert share == pytest.approx(fraction * targets.count(label), abs=len(fractions))


def test_seeds_give_different_splits() -> None:
    data = texts([0, 1] * 50)
    assert split(data, (0.5, 0.5), 0)[0].fingerprint != split(data, (0.5, 0.5), 1)[0].fingerprint


def test_rare_classes_are_in_every_part() -> None:
    parts = split(texts([0] * 97 + [1] * 3), (0.6, 0.2, 0.2))
    assert all(1 in part.targets for part in parts)


@pytest.mark.parametrize("fractions", [(), (0.5, 0.6), (1.5, -0.5), (math.nan, 1.0)])
def test_bad_fractions_are_refused(fractions) -> None:
    with pytest.raises(InvalidInput, match="fractions"):
        split(texts([0, 1]), fractions)


@given(TARGETS, st.integers(1, 130))
@settings(deadline=None)
def test_a_sample_has_the_size_asked_for_and_something_of_every_class(targets, count) -> None:
    part = sample(texts(targets, ("a", "b", "c", "d")), count)
    assert len(part) == min(count, len(targets))
    if count >= len(set(targets)):
        assert set(part.targets) == set(targets)
    for label in set(targets):
        assert part.targets.count(label) == pytest.approx(len(part) * targets.count(label) / len(targets), abs=4)


@given(TARGETS, st.integers(0, 2**32))
@settings(deadline=None)
def test_smaller_samples_are_among_larger_ones(targets, seed) -> None:
    data = texts(targets, ("a", "b", "c", "d"))
    order = stratified_order(data, seed)
    assert sorted(order) == list(range(len(targets)))
    for count in range(1, len(targets)):
        assert set(sample(data, count, seed).inputs) == {data.inputs[position] for position in order[:count]}
