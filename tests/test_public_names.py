"""The public names of ``zoo``: typed, imported when first used, named as on the command line, and documented."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest

import zoo
from zoo.keywords import UnknownArgument

FUNCTIONS = (zoo.recommend, zoo.read, zoo.profile, zoo.evaluate, zoo.tune, zoo.predict)


def test_the_names_for_type_checkers_are_those_at_run_time() -> None:
    tree = ast.parse(Path(zoo.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }

    assert typed.pop("transfer") == "zoo"
    assert typed == zoo._MODULE_OF
    assert set(zoo.__all__) == {*typed, "transfer", "__version__"}
    for name, module in typed.items():
        assert getattr(zoo, name) is getattr(import_module(module), name)


def options_of(command: str) -> set[str]:
    """The Python names of a command's options."""
    from zoo.cli import cli

    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    return {str(parameter.name) for parameter in found.params if isinstance(parameter, click.Option)}


@pytest.mark.parametrize(
    ("function", "command", "only_there"),
    [
        (zoo.recommend, "recommend", {"no_measure", "report"}),
        (zoo.evaluate, "evaluate", set()),
        (zoo.profile, "profile", {"listing", "checker", "path", "report", "device", "group_column"}),
    ],
)
def test_arguments_have_the_names_of_the_options(function: Any, command: str, only_there: set[str]) -> None:
    arguments = set(inspect.signature(function).parameters)

    missing = options_of(command) - arguments - only_there - {"json", "traceback", "help"}

    assert not {name for name in missing if not name.startswith("plugin_")}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_argument_is_in_the_signature_and_documented(function: Callable[..., Any]) -> None:
    parameters = inspect.signature(function).parameters
    assert all(parameter.kind is not inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())

    documentation = inspect.getdoc(function) or ""
    named = set(re.findall(r"\w+", " ".join(re.findall(r"^    ([a-z_][a-z_, ]*):", documentation, re.MULTILINE))))
    assert set(parameters) - named - {"progress", "device", "model"} == set()


def test_a_wrong_keyword_names_the_function_and_the_nearest_argument() -> None:
    with pytest.raises(UnknownArgument) as caught:
        zoo.recommend("sklearn:digits", max_bytes=10)  # type: ignore[call-arg]
    assert str(caught.value) == "recommend() has no argument 'max_bytes'. Did you mean max_size?"
