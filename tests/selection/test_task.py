"""What the data offer, and how to start with that much."""

from __future__ import annotations

import pytest

from zoo.data import read
from zoo.entities import Dataset
from zoo.selection.request.language import languages
from zoo.selection.request.strategy import FULL_FROM, PROBE_BELOW, ZERO_SHOT_BELOW, advise
from zoo.selection.request.task import analyse

GERMAN = "Der alte Mann ging langsam durch den verschneiten Wald und dachte an früher, Nummer {}."
ENGLISH = "The old man walked slowly through the snowy forest and thought of earlier days, number {}."


def test_images_are_described_by_classes_and_sizes():
    task, analysis = analyse(read("sklearn:digits"))

    assert (task.name, analysis.guessed) == ("image-classification", True)
    assert analysis.per_class == {"smallest": 174, "median": pytest.approx(179.5, abs=2), "largest": 183}
    assert analysis.profile["images"]["median"] == [8, 8]
    assert analysis.languages == {}


def test_texts_are_described_by_language_and_length(tmp_path):
    table = tmp_path / "letters.csv"
    rows = [f'"{(GERMAN if n % 4 else ENGLISH).format(n)}",{"a" if n % 2 else "b"}' for n in range(80)]
    table.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")

    _, analysis = analyse(read(str(table)))

    assert analysis.languages == {"de": 0.75, "en": 0.25}
    assert analysis.profile["words"]["maximum"] == 16
    assert analysis.workload("cpu").words == 16
    assert analysis.to_dict()["advice"]["strategy"] == "linear-probe"


def test_languages_of_a_kind_of_text_that_a_plugin_adds(poetry):
    verses = [f"The rose number {number} speaks of love and rain." for number in range(20)]
    dataset = Dataset("verses", "verse", verses, [0, 1] * 10, ("a", "b"), "verses")

    _, analysis = analyse(dataset, "verse-classification")

    assert analysis.languages == {"en": 1.0}


def test_texts_too_short_to_tell_have_no_language():
    assert languages(["ok", "no", "yes"] * 10) == {}


@pytest.mark.parametrize(
    ("samples", "classes", "strategy"),
    [
        (10 * (ZERO_SHOT_BELOW - 1), 10, "zero-shot"),
        (10 * ZERO_SHOT_BELOW, 10, "linear-probe"),
        (10 * (PROBE_BELOW - 1), 10, "linear-probe"),
        (10 * FULL_FROM, 10, "full"),
        (60, 0, "linear-probe"),
        (5_000, 0, "full"),
    ],
)
def test_the_strategy_follows_the_samples_per_class(samples: int, classes: int, strategy: str):
    advice = advise(samples, classes)

    assert advice.strategy == strategy
    assert f"{advice.per_class:,.0f} samples" in advice.reason


def test_the_data_need_says_how_many_samples_are_missing():
    advice = advise(200, 10)

    assert advice.needed == PROBE_BELOW
    assert advice.data_need == "About 300 more samples (50 per class) make fine-tuning worth trying."


def test_a_large_model_that_takes_adapters_starts_with_lora():
    assert advise(10_000, 10, parameters=300_000_000, adaptable=True).strategy == "lora"
    assert advise(10_000, 10, parameters=20_000_000, adaptable=True).strategy == "full"


def test_without_labels_only_zero_shot_is_left():
    assert advise(100, 0, labelled=False).strategy == "zero-shot"
