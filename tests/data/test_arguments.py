"""Arguments for the reading of data that would be ignored are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import zoo
from zoo.entities import Dataset
from zoo.errors import InvalidInput

DATA = Dataset("poems", "text", ("a", "b"), (0, 1), classes=("x", "y"), target_kind="class")
MODEL = "pkg:wordllama/64"
CALLS: dict[str, Callable[..., Any]] = {
    "tune": lambda data, **wrong: zoo.tune(MODEL, data, **wrong),
    "evaluate": lambda data, **wrong: zoo.evaluate(MODEL, data, task="text-classification", **wrong),
    "recommend": zoo.recommend,
    "Model.extract": lambda data, **wrong: zoo.load(MODEL).extract(data, **wrong),
    "Model.shards": lambda data, **wrong: zoo.load(MODEL).shards(data, **wrong),
}


@pytest.mark.parametrize("data", [DATA, "poems.csv"], ids=["read", "named"])
@pytest.mark.parametrize("name", CALLS)
def test_an_unknown_argument_is_refused(name: str, data: Dataset | str) -> None:
    with pytest.raises(InvalidInput) as caught:
        CALLS[name](data, target_columns="label")

    assert caught.value.message == f"{name}() has no argument 'target_columns'."
    assert "target_column" in caught.value.hint


@pytest.mark.parametrize("name", CALLS)
def test_an_argument_of_the_reading_is_refused_where_the_data_are_read_already(name: str) -> None:
    with pytest.raises(InvalidInput, match="'target_column' has no effect"):
        CALLS[name](DATA, target_column="label")
