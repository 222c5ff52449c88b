"""Misspelt keyword arguments of public functions, and what the decorator leaves as it is."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

from zoo.errors import InvalidInput
from zoo.keywords import UnknownArgument, amount_argument, explains_keywords


@explains_keywords
def find(words: str = "", *, max_size: int | None = None, max_parameters: int | None = None) -> list[str]:
    """Find models."""
    return [words, str(max_size), str(max_parameters)]


def test_known_arguments_arrive() -> None:
    assert find("vit", max_size=3) == ["vit", "3", "None"]
    assert find(words="vit") == ["vit", "None", "None"]


@pytest.mark.parametrize("wrong", ["max_bytes", "maxsize", "Max_Size", "max_sise", "MAX_BYTES"])
def test_an_unknown_keyword_names_the_function_and_the_nearest_argument(wrong: str) -> None:
    arguments: dict[str, Any] = {wrong: 1}
    with pytest.raises(UnknownArgument) as error:
        find(**arguments)
    assert str(error.value) == f"find() has no argument '{wrong}'. Did you mean max_size?"


def test_a_keyword_that_resembles_none_lists_the_arguments() -> None:
    with pytest.raises(UnknownArgument) as error:
        find(colour="red")  # type: ignore[call-arg]
    assert error.value.hint == "Its arguments: words, max_size, max_parameters."


def test_the_error_is_for_users_and_for_callers_of_any_function() -> None:
    error = UnknownArgument("find() has no argument 'x'.", "It has no keyword arguments.")
    assert isinstance(error, InvalidInput)
    assert isinstance(error, TypeError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_signature_and_docstring_are_kept() -> None:
    assert list(inspect.signature(find).parameters) == ["words", "max_size", "max_parameters"]
    assert inspect.signature(find).return_annotation == "list[str]"
    assert find.__doc__ == "Find models."


def test_methods_do_not_offer_self() -> None:
    class Model:
        @explains_keywords
        def extract(self, layer: str = "") -> str:
            return layer

    assert Model().extract(layer="last") == "last"
    with pytest.raises(UnknownArgument, match=r"extract\(\) has no argument 'layers'\. Did you mean layer\?"):
        Model().extract(layers="last")  # type: ignore[call-arg]


def test_missing_and_surplus_arguments_stay_python_errors() -> None:
    with pytest.raises(TypeError, match="takes from 0 to 1 positional arguments"):
        find(*["a", "b"])


def test_a_function_that_takes_any_keyword_is_refused() -> None:
    with pytest.raises(TypeError, match="takes \\*\\*kwargs"):

        @explains_keywords
        def anything(**options: str) -> None: ...


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), (25, 25), ("25M", 25_000_000), ("1.5kb", 1500), ("2GiB", 2**31), (1e8, 100_000_000)],
)
def test_amounts_are_numbers_or_text_with_a_unit(value: int | str | None, expected: int | None) -> None:
    assert amount_argument("max_size", value) == expected


@pytest.mark.parametrize("value", ["many", "", "5 XB", -1, 1.5, True, float("nan"), [1]])
def test_other_amounts_name_the_argument(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"max_size must be a whole number or an amount, not .*25M"):
        amount_argument("max_size", value)
