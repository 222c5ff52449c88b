"""A run is compared with what is simpler: the model without training, and the best earlier run on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

import zoo
from zoo.adapt.results.sentences import gains, losses
from zoo.adapt.strategies import adapt
from zoo.cli import run as command
from zoo.contract.backbone import SilentProgress
from zoo.entities import Plan
from zoo.kinds.classes import Labels

STATIC = "pkg:wordllama/64"


class KnowsTheWords:
    """A real text model that answers without training too, by a word of the text."""

    def __init__(self, backbone: Any, word: str) -> None:
        self.__dict__.update({name: getattr(backbone, name) for name in dir(backbone) if not name.startswith("__")})
        self._word = word

    def zero_shot(self, inputs: Sequence[Any], labels: Sequence[str]) -> list[Labels]:
        """The first label for texts with the word, the second for others."""
        return [Labels.of(labels if self._word in text else labels[::-1], (0.9, 0.1)) for text in inputs]


@pytest.mark.parametrize("word", ["the", "no such word"])
def test_the_answer_without_training_is_a_rival(reviews: str, word: str) -> None:
    data = zoo.read(reviews)
    backbone = KnowsTheWords(zoo.load(STATIC).backbone, word)
    run = adapt(backbone, data, Plan(task="text-classification"), SilentProgress())

    value, low, high = run.plan["gains"]["zero-shot model"]
    rival = run.plan["rivals"]["zero-shot model"]["accuracy"]
    assert value == pytest.approx(run.metrics["accuracy"] - rival)
    assert low <= value <= high
    assert any("zero-shot model" in sentence for sentence in (*gains(run), *losses(run)))


def test_a_loss_to_the_model_without_training_comes_first_with_the_next_step(reviews: str) -> None:
    run = zoo.tune(STATIC, reviews, save_run=False)
    plan = {**run.plan, "gains": {"zero-shot model": [-0.1, -0.2, 0.01]}, "rivals": {"zero-shot model": {}}}
    assert losses(replace(run, plan=plan)) == [
        "Worse than the zero-shot model: accuracy -0.100 (95 % interval -0.200 to +0.010); it may be chance.",
        f"Next: use the model without training: zoo predict {STATIC} INPUT --labels ...",
    ]


def test_an_error_that_is_lower_is_a_gain_with_a_minus(reviews: str) -> None:
    run = replace(zoo.tune(STATIC, reviews, save_run=False), metrics={"rmse": 1.0})
    run = replace(run, plan={**run.plan, "gains": {"baseline": [0.5, 0.2, 0.8]}})
    assert gains(run) == ["Gain over the baseline: rmse -0.500 (95 % interval -0.800 to -0.200)."]


def test_the_best_earlier_run_on_the_same_data_is_named(reviews: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = zoo.tune("pkg:wordllama/256", reviews)
    second = zoo.tune(STATIC, reviews)
    assert second.plan["earlier"]["id"] == first.id
    [label] = [name for name in second.plan["gains"] if name != "baseline"]
    assert label == f"best earlier run on these data ({first.id}, pkg:wordllama/256 by linear-probe)"
    assert second.plan["gains"][label][0] == pytest.approx(second.metrics["accuracy"] - first.metrics["accuracy"])

    # Other test samples: it is named, but there is no paired difference.
    third = zoo.tune(STATIC, reviews, seed=5, test=0.1, validation=0.1)
    assert third.plan["earlier"]["id"] in {first.id, second.id}
    assert command(["tune", STATIC, reviews]) == 0
    assert "best earlier run on these data" in capsys.readouterr().out
