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
from zoo.plugins import plugins

TEXT = plugins().tasks["text-classification"]


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
        (texts([0, 0, 0], ("a",)), "have the same class"),
        (texts([0, 1, 2]), "class of its own"),
        (texts([0, 0, 1]), "only one sample"),
        (Dataset("some", "text", ["a", "b"], None, (), "f", "none"), "no labels"),
        (Dataset("some", "text", ["a", "b"], [0.5, 1.5], (), "f", "number"), "are numbers"),
        (Dataset("some", "image", [1, 2], [0, 1], ("a", "b"), "f"), "contains images"),
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


@st.composite
def copied(draw: st.DrawFn) -> tuple[Dataset, list[float]]:
    """A data set of up to 40 distinct texts in up to nine copies each, in any order, the copies with one label."""
    distinct = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=40))
    rows = [(f"text {n}", label) for n, (label, count) in enumerate(distinct) for _ in range(count)]
    order = draw(st.permutations(rows))
    data = Dataset(
        "some", "text", [text for text, _ in order], [label for _, label in order], ("a", "b", "c", "d"), "f"
    )
    return data, draw(FRACTIONS)


@given(copied(), st.integers(0, 5))
@settings(deadline=None)
def test_copies_are_never_split_and_the_sizes_still_come_out(example, seed) -> None:
    data, fractions = example

    parts = split(data, fractions, seed)

    assert sorted(text for part in parts for text in part.inputs) == sorted(data.inputs)
    assert [part.fingerprint for part in parts] == [part.fingerprint for part in split(data, fractions, seed)]
    distinct = [set(part.inputs) for part in parts]
    assert sum(map(len, distinct)) == len(set().union(*distinct))
    labels = {
        label: {text for text, own in zip(data.inputs, data.targets, strict=True) if own == label}
        for label in set(data.targets)
    }
    largest = max(data.inputs.count(text) for text in set(data.inputs))
    for part, fraction in zip(parts, fractions, strict=True):
        assert len(part) == pytest.approx(fraction * len(data), abs=(len(labels) + len(fractions)) * largest)
        for label, texts_of_it in labels.items():
            if len(texts_of_it) >= len(fractions):
                assert label in part.targets


def test_many_equal_copies_come_out_to_the_sample() -> None:
    data = texts([0] * 150 + [1] * 150)
    data = Dataset("some", "text", [f"text {n // 5}" for n in range(300)], list(data.targets), ("a", "b"), "f")
    for seed in range(5):
        assert [len(part) for part in split(data, (0.65, 0.15, 0.2), seed)] == [195, 45, 60]


def test_one_text_of_half_the_samples_goes_where_most_are_wanted() -> None:
    data = Dataset("some", "text", ["the same"] * 50 + [f"text {n}" for n in range(50)], [0.5] * 100, (), "f", "number")
    for seed in range(5):
        train, validation, test = split(data, (0.65, 0.15, 0.2), seed)
        assert list(train.inputs).count("the same") == 50
        assert [len(train), len(validation), len(test)] == [65, 15, 20]


def test_a_few_copies_move_few_other_samples() -> None:
    inputs = [f"text {n}" for n in range(200)]
    plain, repeated = (
        split(Dataset("some", "text", found, [0, 1] * 100, ("a", "b"), "f"), (0.65, 0.15, 0.2))
        for found in (inputs, [*inputs[:199], inputs[1]])
    )
    for one, other in zip(plain, repeated, strict=True):
        assert len(set(one.inputs.indices) ^ set(other.inputs.indices)) <= 4


def test_copies_that_contradict_each_other_stay_together_with_the_rarest_class() -> None:
    inputs = [f"text {n}" for n in range(90)] + ["x", "x", "x", "y", "y", "y", "z", "z", "z"]
    targets = [0] * 90 + [0, 0, 1] * 3

    parts = split(Dataset("some", "text", inputs, targets, ("a", "b"), "f"), (0.6, 0.2, 0.2))

    for part in parts:
        assert list(part.targets).count(1) == 1
        assert len({text for text in part.inputs if text in "xyz"}) == 1


def test_without_copies_the_parts_are_those_that_always_were() -> None:
    parts = split(texts([0, 1, 2, 0, 1, 0] * 5), (0.6, 0.2, 0.2), seed=7)
    assert [list(part.inputs.indices) for part in parts] == [
        [3, 4, 6, 9, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 25, 26, 28, 29],
        [0, 1, 2, 7, 15, 18],
        [5, 8, 16, 17, 19, 27],
    ]


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
