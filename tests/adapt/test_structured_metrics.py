"""Metrics of texts, entities, answers and forces: definitions, invariances, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import DataError
from zoo.kinds.known import kinds
from zoo.kinds.metrics import metric
from zoo.kinds.metrics.texts import edit_distance
from zoo_scientific.materials.forces import EnergyAndForces

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=7)


@pytest.mark.parametrize(("first", "second", "edits"), [("kitten", "sitting", 3), ("", "ab", 2), ("flaw", "lawn", 2)])
def test_edit_distances_of_the_textbook(first: str, second: str, edits: int) -> None:
    assert edit_distance(first, second) == edits


@given(WORDS, WORDS, WORDS)
def test_the_edit_distance_is_a_metric(first: list[str], second: list[str], third: list[str]) -> None:
    distance = edit_distance(first, second)
    assert (distance == 0) == (first == second)
    assert distance == edit_distance(second, first) <= max(len(first), len(second))
    assert distance <= edit_distance(first, third) + edit_distance(third, second)
    assert distance == edit_distance(first[::-1], second[::-1])


def test_error_rates_count_over_all_texts() -> None:
    said, heard = ["The cat sat.", "hello world"], ["the cat sad", "hello"]
    assert metric("word_error_rate").compute(said, heard) == 2 / 5
    assert metric("character_error_rate").compute(said, heard) == 7 / 22
    assert metric("word_error_rate").compute(said, [text.upper() for text in said]) == 0


def test_translation_metrics_are_those_of_sacrebleu() -> None:
    ground_truth = ["the small red house is very old", "a dog sleeps under the large table today"]
    assert metric("bleu").compute(ground_truth, ground_truth) == pytest.approx(100)
    assert metric("chrf").compute(ground_truth, ground_truth) == pytest.approx(100)
    assert 0 < metric("bleu").compute(ground_truth, ["the small red house is old", *ground_truth[1:]]) < 100


def test_answer_metrics_are_those_of_squad() -> None:
    known = [("the Eiffel Tower", "Eiffel Tower in Paris"), ("1889",)]
    assert metric("exact_match").compute(known, [("Eiffel tower!",), ("in 1889",)]) == 0.5
    assert metric("answer_f1").compute(known, [("Eiffel tower!",), ("in 1889",)]) == pytest.approx((1 + 2 / 3) / 2)


def test_forces_are_averaged_over_components() -> None:
    ground_truth = [EnergyAndForces(-1.0, np.zeros((2, 3))), EnergyAndForces(-2.0, np.ones((1, 3)))]
    found = [EnergyAndForces(-1.5, np.full((2, 3), 0.3)), EnergyAndForces(-2.0, np.ones((1, 3)))]
    assert metric("force_mae").compute(ground_truth, found) == pytest.approx(0.2)
    assert metric("energy_mae").compute(ground_truth, found) == 0.25
    with pytest.raises(DataError, match="an energy for each"):
        metric("energy_mae").compute([EnergyAndForces(float("nan"), np.zeros((1, 3)))], ground_truth[1:])


@pytest.mark.parametrize("name", ["word_error_rate", "bleu", "entity_f1", "answer_f1", "force_mae"])
def test_classes_and_numbers_are_refused(name: str) -> None:
    for values in (np.array([0, 1]), np.array([0.5, 1.5])):
        with pytest.raises(DataError):
            metric(name).compute(values, values)


def test_every_kind_guesses_without_a_model() -> None:
    assert set(kinds()) >= {"answers", "forces", "spans", "text"}
    assert kinds()["text"].baseline(["one", "two"], ["eins", "eins", "zwei"], "translation") == ["one", "two"]
    assert kinds()["text"].baseline([None, None], ["yes", "no", "yes"], "automatic-speech-recognition") == ["yes"] * 2
    assert kinds()["spans"].baseline(["two words"], [], "token-classification") == [("O", "O")]


def test_cider_is_that_of_the_reference_scorer() -> None:
    """Values by pycocoevalcap 1.2 of the same texts."""
    ground_truth = [
        "a red circle on the left",
        "a blue square on the right",
        "two dogs run over the green grass",
        "a man rides a brown horse on the beach",
        "a red circle on the right",
    ]
    found = [
        "a red square on the left",
        "a blue square on the right",
        "two dogs on grass",
        "a man on a horse on the the beach",
        "a green circle",
    ]
    assert metric("cider").compute(ground_truth, found) == pytest.approx(3.997265348403333)
    assert metric("cider").compute(ground_truth, ground_truth) == pytest.approx(10)
    assert metric("cider").compute(ground_truth, [""] * 5) == 0


@pytest.mark.parametrize(
    ("known", "answer", "expected"),
    [
        (["red"], "Red.", 1.0),
        (["red"], "blue", 0.0),
        (["a dog"], "dog", 1.0),
        (["2"], "two", 1.0),
        (["red", "red", "blue"], "red", 2 / 3),
        (["red"] * 10, "red", 1.0),
        (["red"] * 2 + ["blue"] * 8, "red", (2 * 1 / 3 + 8 * 2 / 3) / 10),
        (["red"] * 3 + ["blue"] * 7, "red", (3 * 2 / 3 + 7 * 1) / 10),
        (["red"] * 4 + ["blue"] * 6, "red", 1.0),
    ],
)
def test_an_answer_about_an_image_is_right_that_three_people_gave(
    known: list[str], answer: str, expected: float
) -> None:
    assert metric("vqa_accuracy").compute([known], [(answer,)]) == pytest.approx(expected)


def test_the_baseline_of_visual_questions_is_the_most_frequent_answer() -> None:
    known = [("red", "red"), ("blue",)]
    assert kinds()["answers"].baseline([None, None], known, "visual-question-answering") == [("red",)] * 2
