"""Arguments for reading data: unknown ones, and those without effect, are refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import zoo
from zoo.contract.reader import ReadOptions
from zoo.data.arguments import read_options
from zoo.entities import Dataset
from zoo.errors import InvalidInput

DATA = Dataset("poems", "text", ("a", "b"), (0, 1), classes=("x", "y"), target_kind="class")
MODEL = "pkg:wordllama/64"
CALLS: dict[str, Callable[..., Any]] = {
    "tune": lambda data, **wrong: zoo.tune(MODEL, data, **wrong),
    "evaluate": lambda data, **wrong: zoo.evaluate(MODEL, data, task="text-classification", **wrong),
    "recommend": zoo.recommend,
    "profile": zoo.profile,
    "extract": lambda data, **wrong: zoo.load(MODEL).extract(data, **wrong),
    "shards": lambda data, **wrong: zoo.load(MODEL).shards(data, **wrong),
}


@pytest.mark.parametrize("data", [DATA, "poems.csv"], ids=["read", "named"])
@pytest.mark.parametrize("name", CALLS)
def test_an_unknown_argument_is_refused(name: str, data: Dataset | str) -> None:
    with pytest.raises(InvalidInput) as caught:
        CALLS[name](data, target_columns="label")

    assert caught.value.message == f"{name}() has no argument 'target_columns'."
    assert caught.value.hint == "Did you mean target_column?"


@pytest.mark.parametrize(
    "argument",
    [
        {"target_column": "label"},
        {"on_problem": "fail"},
        {"options": {"horizon": 3}},
        {"read": ReadOptions(unlabelled=True)},
    ],
    ids=lambda argument: next(iter(argument)),
)
@pytest.mark.parametrize("name", CALLS)
def test_an_argument_of_the_reading_is_refused_where_the_data_are_read_already(name: str, argument: Any) -> None:
    [option] = argument
    with pytest.raises(InvalidInput, match=rf"'{option}' has no effect on (Model\.)?{name}\(\) here: 'poems' is"):
        CALLS[name](DATA, **argument)


def test_arguments_take_precedence_over_options() -> None:
    read = ReadOptions("title", "stars", "fail", options={"horizon": 3, "languages": ("en", "de")})

    assert read_options("read", "a.csv", read, input_column="text", task="t", options={"horizon": 4}) == ReadOptions(
        "text", "stars", "fail", "t", options={"horizon": 4, "languages": ("en", "de")}
    )
    assert read_options("read", "a.csv", target_column="label") == ReadOptions(target_column="label")


def test_a_path_is_read_by_the_options(tmp_path) -> None:
    table = tmp_path / "reviews.csv"
    table.write_text("review,stars,city\n" + "".join(f"good {n},{n % 2},c{n % 3}\n" for n in range(20)))

    by_argument = zoo.profile(table, target_column="city")
    by_options = zoo.profile(table, read=ReadOptions(target_column="city"))

    assert by_argument.classes == by_options.classes == {"c0": 7, "c1": 7, "c2": 6}
    assert zoo.profile(zoo.read(table, target_column="city")) == by_argument
