"""What an answer warns of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from zoo.answers import Candidate
from zoo.data import read
from zoo.entities import BenchmarkScore, Dataset, ModelCard
from zoo.plugins import plugins
from zoo.selection.explain.arguments import Context
from zoo.selection.explain.caveats import chance_level, disagreement, no_better_than_raw, small_as_good, stale
from zoo.selection.explain.leakage import contaminated, dataset_key, leakage
from zoo.selection.measure.baseline import Baseline, baseline
from zoo.selection.request.task import Analysis

TASK = plugins().tasks["image-classification"]
ANALYSIS = Analysis(
    TASK.name, "vision", True, {"name": "fashion-mnist:500"}, profile={"classes": {"cat": 60, "dog": 40}}
)


def candidate(name: str, score: float, error: float = 0.02, **fields) -> Candidate:
    return Candidate(
        1, f"pkg:{name}", score, (score - error, score + error), measured={"linear-probe": score}, **fields
    )


def context(*cards: ModelCard, **fields) -> Context:
    return Context(**{"task": TASK, "analysis": ANALYSIS, "cards": {card.id: card for card in cards}, **fields})


def test_features_at_chance_level_are_negative_transfer():
    found = list(chance_level([candidate("good", 0.9), candidate("lost", 0.61)], context()))

    assert found == [
        "Negative transfer is likely with 1 candidate, pkg:lost the first: its cross-validated linear-probe accuracy of "
        "0.61 is not above always predicting 'cat' (0.6)."
    ]


def test_when_even_the_best_is_at_chance_level_that_is_reported_first():
    [sentence] = chance_level([candidate("lost", 0.6)], context())

    assert sentence.startswith("No candidate is clearly better than always predicting 'cat' (0.6)")


def test_a_first_that_the_other_estimators_doubt_is_reported():
    def estimates(name: str, probe: float, logme: float, hscore: float) -> Candidate:
        return replace(candidate(name, probe), measured={"linear-probe": probe, "logme": logme, "hscore": hscore})

    others = [estimates("a", 0.9, 0.3, 8.0), estimates("b", 0.85, 0.2, 7.9), estimates("c", 0.8, 0.25, 7.0)]
    doubted, agreed = estimates("drawn", 0.95, 0.1, 6.0), estimates("drawn", 0.95, 0.1, 9.0)

    [sentence] = disagreement([doubted, *others], context())
    assert sentence.startswith("pkg:drawn is first by its cross-validated linear-probe accuracy, and in the lower half")
    assert not list(disagreement([agreed, *others], context()))
    assert not list(disagreement([doubted, *others[:2]], context())), "three have no lower half to speak of"


def test_raw_features_as_good_as_pretrained_ones_are_reported():
    raw = Baseline("linear-probe", "counts of words", 0.89, 0.85, 0.93, 400)

    [sentence] = no_better_than_raw([candidate("best", 0.9)], context(), raw)

    assert sentence.startswith("Pretraining makes almost no difference here: counts of words alone reach")
    assert list(no_better_than_raw([candidate("best", 0.95)], context(), raw)) == []


def test_raw_features_are_compared_by_what_they_predict_whoever_decides():
    """LogME grows with the dimension of the features, an accuracy does not."""
    raw = Baseline("linear-probe", "counts of words", 0.89, 0.85, 0.93, 400)
    by_logme = Candidate(1, "pkg:best", 0.2, (0.1, 0.3), measured={"logme": 0.2, "linear-probe": 0.91})

    [sentence] = no_better_than_raw([by_logme], context(), raw)
    assert "linear-probe accuracy of 0.89 on 400 samples, pkg:best 0.91" in sentence
    better = replace(by_logme, measured={"logme": 0.2, "linear-probe": 0.94})
    assert list(no_better_than_raw([better], context(), raw)) == []
    assert baseline(read("sklearn:digits:60"), ["logme", "hscore"]) is None
    assert baseline(read("sklearn:digits:60"), ["logme", "knn"]).estimator == "knn"


def test_a_tiny_model_tied_with_large_ones_is_reported():
    everyone = [candidate("large", 0.9, parameters=90_000_000), candidate("middle", 0.89, parameters=20_000_000)]

    tiny = candidate("tiny", 0.88, parameters=2_000_000, tied=True)

    [sentence] = small_as_good([*everyone, tiny])

    assert "pkg:tiny with 2.0M parameters reaches 0.88, the best 0.9" in sentence
    assert list(small_as_good([*everyone, replace(tiny, tied=False)])) == []


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("fashion-mnist:500", "fashionmnist"),
        ("/home/me/Fashion_MNIST/", "fashionmnist"),
        ("sklearn:digits", "digits"),
        ("photos/train", ""),
        ("data.csv", ""),
        ("reviews.csv", ""),
        ("crystals", ""),
    ],
)
def test_what_a_data_set_is_called(name: str, key: str):
    assert dataset_key(name) == key


@pytest.mark.parametrize(
    "card",
    [
        ModelCard("hf:someone/vit-base-fashion-mnist", "vision"),
        ModelCard("hf:someone/vit", "vision", pretraining=("ImageNet-1k", "Fashion-MNIST")),
    ],
)
def test_a_model_that_names_the_data_set_leaks(card: ModelCard):
    [sentence] = leakage(card, context(card))

    assert sentence.startswith(f"Possible leakage: {card.id} names '")


def test_a_base_model_that_names_the_data_set_leaks_too():
    base = ModelCard("hf:someone/base", "vision", pretraining=("Fashion-MNIST",))
    card = ModelCard("hf:someone/vit", "vision", base_model=base.id)

    [sentence] = leakage(card, context(card, base))

    assert "the model that hf:someone/vit came from" in sentence
    assert list(leakage(replace(card, base_model=None), context(card))) == []


def test_a_model_that_only_reports_well_is_suspected():
    measured = [candidate(name, 0.9 - place / 100) for place, name in enumerate("abcdef")]
    figures = dict(zip("abcdef", [0.80, 0.79, 0.78, 0.77, 0.76, 0.95], strict=True))
    scores = {
        f"pkg:{name}": [BenchmarkScore(f"pkg:{name}", TASK.name, "ImageNet-1k", "accuracy", value, source="s")]
        for name, value in figures.items()
    }

    [sentence] = contaminated(measured, context(scores=scores))

    assert sentence.startswith("pkg:f reports accuracy 0.95 on ImageNet-1k")


def test_a_report_on_the_same_data_set_is_compared_with_the_measurement():
    score = BenchmarkScore("pkg:a", TASK.name, "Fashion-MNIST", "accuracy", 0.97, source="a blog")

    [sentence] = contaminated([candidate("a", 0.8)], context(scores={"pkg:a": [score]}))

    assert "reports an accuracy of 0.97 on Fashion-MNIST" in sentence
    assert "reaches 0.8 here (a blog)" in sentence


def test_old_and_unpinned_cards_are_reported():
    old = ModelCard("hf:a/b", "vision", released="2018-01")

    new = ModelCard("hf:a/c", "vision", released="2025", revision="abc")
    today = date(2026, 11, 24)

    aged, unpinned = stale([old, new], today)

    assert aged.startswith("hf:a/b (2018-01) is more than 5 years old; newer models may do better")
    assert unpinned == "The card of hf:a/b pins no revision and no hash: its files can change."
    assert list(stale([new], today)) == []
    both, _ = stale([old, ModelCard("hf:a/d", "vision", released="2019")], today)
    assert both.startswith("hf:a/b (2018-01) and hf:a/d (2019) are more than 5 years old")


def test_the_baseline_of_images_is_measured_on_their_pixels():
    found = baseline(read("sklearn:digits:200"), ["linear-probe"])

    assert found.features == "pixels of 16 x 16 images"
    assert 0.7 < found.low <= found.value <= found.high <= 1


def test_the_baseline_of_texts_counts_words():
    texts = [f"{word} number {n}" for word in ("rose", "rain") for n in range(30)]
    data = Dataset("poems", "text", texts, [0] * 30 + [1] * 30, ("love", "weather"))

    assert baseline(data, ["linear-probe"]).value == pytest.approx(1.0)


def test_other_kinds_of_input_have_no_baseline():
    sounds = Dataset("sounds", "audio", [np.zeros(8)] * 4, [0, 1, 0, 1], ("a", "b"))

    assert baseline(sounds, ["linear-probe"]) is None
