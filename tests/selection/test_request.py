"""A request: what values mean, however they are written, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

import zoo
from zoo.errors import InvalidInput
from zoo.selection.request.layers import parse_layers
from zoo.selection.request.request import DEFAULT_ESTIMATORS, FINE_TUNING_ESTIMATORS, names, seconds


@pytest.mark.parametrize(("value", "expected"), [(None, None), (90, 90), ("90", 90.0), ("2m", 120.0), ("1h", 3600.0)])
def test_times(value: float | str | None, expected: float | None) -> None:
    assert seconds("budget", value) == expected


@pytest.mark.parametrize(
    "value", ["mit, apache-2.0", ["mit", "apache-2.0"], ("mit,apache-2.0",), ("mit", "apache-2.0")]
)
def test_names(value: Any) -> None:
    assert names(value if value != ("mit,apache-2.0",) else list(value[0].split(","))) == ("mit", "apache-2.0")
    assert names(()) == names(None) == ()


def test_layers_as_text_or_in_a_sequence() -> None:
    assert parse_layers("layer1.mean, layer2.*") == parse_layers(["layer1.mean", "layer2.*"])
    assert parse_layers(["last"]) == parse_layers("last") == parse_layers(None) == ()
    assert parse_layers(["all"]) == ("*",)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_size": "100 apples"}, "max_size must be a whole number or an amount, not '100 apples'"),
        ({"max_parameters": "many"}, "max_parameters must be a whole number or an amount, not 'many'"),
        ({"budget": "soon"}, "budget: 'soon' is not a time"),
        ({"budget": 0}, "Invalid budget 0 s: it must be positive"),
        ({"budget": "-1s"}, "Invalid budget -1 s: it must be positive"),
        ({"confirm": 2, "measure": False}, "Only measured candidates can be confirmed"),
    ],
)
def test_values_that_mean_nothing_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        zoo.recommend("nowhere.csv", **given)


def test_the_strategy_chooses_the_estimators(poetry, poems) -> None:
    by_default = zoo.recommend(poems, task="poem-classification")
    trained = zoo.recommend(poems, task="poem-classification", strategy="full")
    chosen = zoo.recommend(poems, task="poem-classification", strategy="full", estimator="hscore,logme")

    assert tuple(by_default.candidates[0].measured) == DEFAULT_ESTIMATORS
    assert tuple(trained.candidates[0].measured) == FINE_TUNING_ESTIMATORS
    assert tuple(chosen.candidates[0].measured) == ("hscore", "logme")


def test_limits_as_the_command_line_takes_them(poetry, poems) -> None:
    task = "poem-classification"

    assert [c.id for c in zoo.recommend(poems, task=task, license="apache-2.0").candidates] == ["poems:sloppy"]
    assert [c.id for c in zoo.recommend(poems, task=task, max_size="10k").candidates] == ["poems:sloppy"]
    assert [c.id for c in zoo.recommend(poems, task=task, deny_license=["MIT"]).candidates] == ["poems:sloppy"]
