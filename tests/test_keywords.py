"""Misspelt keyword arguments of public functions, and what the decorator leaves as it is."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

from zoo.errors import InvalidInput
from zoo.keywords import UnknownArgument, explains_keywords


@explains_keywords
def find(words: str = "", *, max_size: int | None = None, max_parameters: int | None = None) -> list[str]:
    """Find models."""
    return [words, str(max_size), str(max_parameters)]


def test_known_arguments_arrive() -> None:
    assert find("vit", max_size=3) == ["vit", "3", "None"]
    assert find(words="vit") == ["vit", "None", "None"]


@pytest.mark.parametrize("wrong", ["max_bytes", "maxsize", "Max_Size", "max_sise"])
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
    error = UnknownArgument("find() has no argument 'x'.", "It takes none.")
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
