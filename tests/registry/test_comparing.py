"""Comparing models."""

from __future__ import annotations

import pytest

from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import InvalidInput
from zoo.registry import Registry
from zoo.registry.comparing import compare


def test_shared_benchmarks_come_first_with_their_best(registry: Registry) -> None:
    a, b = ModelCard("hf:x/a", "vision"), ModelCard("hf:x/b", "vision")
    scores = [
        BenchmarkScore(model.id, "t", dataset, "m", value, higher_is_better=higher)
        for model, dataset, value, higher in [
            (a, "Accuracy", 0.9, True),
            (b, "Accuracy", 0.8, True),
            (a, "Error", 5.0, False),
            (b, "Error", 3.0, False),
            (a, "Alone", 1.0, True),
            (a, "Tie", 1.0, True),
            (b, "Tie", 1.0, True),
        ]
    ]
    registry.add([a, b, *scores])

    result = compare(registry, ["hf:x/a", "x/b"])

    assert [card.id for card in result.models] == ["hf:x/a", "hf:x/b"]
    assert [(s.dataset, s.best) for s in result.benchmarks] == [
        ("Accuracy", "hf:x/a"),
        ("Error", "hf:x/b"),
        ("Tie", None),
        ("Alone", None),
    ]
    assert result.to_frame().loc[("t", "Error", "test", "m"), "hf:x/b"] == 3.0


def test_one_model_twice_cannot_be_compared(registry: Registry) -> None:
    registry.add([ModelCard("hf:x/a", "vision")])
    with pytest.raises(InvalidInput, match="two different models"):
        compare(registry, ["hf:x/a", "hf:x/a"])
