"""Which folders are classes, and which are splits or wrappers around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.layout import are_splits, find_layout, split_role

SPLIT_SETS = [
    ("train", "test"),
    ("Train", "VAL", "Test"),
    ("train2017", "val2017", "test2017"),
    ("fold_1", "fold_2", "fold10"),
    ("training", "validation"),
    ("train_images", "test_images"),
    ("TrainingSet", "TestSet"),
    ("trainset", "devset"),
    ("train", "valid", "holdout"),
    ("training data", "evaluation data"),
    ("split1", "split2"),
]
CLASSES = st.sets(st.sampled_from(["cat", "dog", "007", "exam", "Einstein", "tr", "image 1"]), min_size=2)


@pytest.mark.parametrize("names", SPLIT_SETS)
def test_splits_are_known_by_their_names(names: tuple[str, ...]) -> None:
    assert are_splits(names)
    assert find_layout([(name,) for name in names]).labelled is False


@pytest.mark.parametrize(
    "names", [("test", "exam", "quiz"), ("train", "bus", "tram"), ("dev", "test"), ("retrain", "protest"), ("cat",)]
)
def test_other_names_stay_classes(names: tuple[str, ...]) -> None:
    layout = find_layout([(name,) for name in names])
    assert [layout.label((name,)) for name in names] == list(names)


@given(st.sampled_from(SPLIT_SETS), CLASSES, st.lists(st.sampled_from(["archive", "ds", "data"]), max_size=2))
def test_classes_below_splits_are_found_in_any_wrapper(splits, classes, wrappers) -> None:
    places = [(*wrappers, split, name) for split in splits for name in classes]

    layout = find_layout(places)

    assert {layout.label(place) for place in places} == classes
    assert [note for note in layout.notes if all(f"'{split}' ({len(classes)})" in note for split in splits)]


@given(CLASSES, st.sampled_from(SPLIT_SETS))
def test_classes_above_splits_stay_classes(classes, splits) -> None:
    places = [(name, split) for name in classes for split in splits]
    layout = find_layout(places)
    assert {layout.label(place) for place in places} == classes
    assert any("are read as one data set" in note for note in layout.notes)


@pytest.mark.parametrize(
    "places",
    [
        [("images", "train"), ("images", "val"), ("labels", "train")],
        [("train", "images"), ("valid", "images")],
        [("train",), ("test",), ("masks",)],
        [("train",), ("train_masks",), ("test",), ("TestMasks",), ("scripts",)],
        [("photos",), ("masks",)],
        [("train",)],
    ],
)
def test_wrappers_and_companions_are_not_classes(places: list[tuple[str, ...]]) -> None:
    layout = find_layout(places)
    assert [layout.label(place) for place in places] == [None] * len(places)
    assert layout.notes


def test_folders_next_to_the_splits_hold_no_samples() -> None:
    layout = find_layout([("train", "cat"), ("test", "dog"), ("masks", "cat")])
    assert (layout.inside(("test", "dog")), layout.inside(("masks", "cat"))) == (True, False)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("dev", "test"), "'dev' and 'test' are read as classes"),
        (("train", "test", "extra"), "because of 'extra' next to them"),
        (("train", "bus"), "'train' is read as a class"),
    ],
)
def test_what_could_be_read_otherwise_is_said(names: tuple[str, ...], words: str) -> None:
    (note,) = find_layout([(name,) for name in names]).notes
    assert words in note


@pytest.mark.parametrize("names", [("seg_train", "seg_test"), ("cats-train", "cats-val", "cats-test")])
def test_splits_may_have_another_word_in_common(names: tuple[str, ...]) -> None:
    layout = find_layout([(name, name, label) for name in names for label in ("forest", "sea")])
    assert layout.label((names[0], names[0], "sea")) == "sea"
    assert all(f"'{name}' (2)" in note for name in names for note in layout.notes)
    assert len(layout.notes) == 1


@pytest.mark.parametrize(
    "names",
    [("trainA", "trainB", "testA", "testB"), ("train-clean", "test-clean", "dev-other"), ("A_train", "A_test", "B")],
)
def test_several_pairs_of_splits_are_in_doubt(names: tuple[str, ...]) -> None:
    layout = find_layout([(name,) for name in names])
    assert [layout.label((name,)) for name in names] == list(names)
    assert "are read as classes" in layout.notes[0]


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([(year, label) for year in ("2019", "2020") for label in ("cat", "dog")], True),
        ([(label, part) for label in ("cat", "dog") for part in ("images", "masks")], False),
        ([("cat", "left"), ("cat", "right"), ("dog", "left")], False),
        ([("cat", "a"), ("cat", "b"), ("cat",), ("dog", "a"), ("dog", "b")], False),
    ],
)
def test_classes_that_hold_the_same_folders_are_in_doubt(places: list[tuple[str, ...]], said: bool) -> None:
    notes = find_layout(places).notes
    assert [note for note in notes if note.startswith("All classes contain the same folders")] == list(notes)
    assert bool(notes) is said


@pytest.mark.parametrize("name", ["", "_", "trainer", "testament", "contest", "a train", "fold", "2017"])
def test_few_names_are_those_of_splits(name: str) -> None:
    assert bool(split_role(name)) is (name == "fold")


def test_two_encodings_of_an_accent_are_one_class() -> None:
    layout = find_layout([("Caf\u00e9",), ("Cafe\u0301",), ("Bar",)])
    assert layout.label(("Cafe\u0301",)) == layout.label(("Caf\u00e9",)) == "Caf\u00e9"
