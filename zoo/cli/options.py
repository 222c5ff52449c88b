"""What commands share: ``--json``, ``--traceback``, and the number formats that people type."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import Output
from zoo.config import configure
from zoo.contract.option import READ, SETTING

if TYPE_CHECKING:
    from zoo.contract.option import Option

if TYPE_CHECKING:
    from zoo.contract.reader import ReadOptions


def command(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A click command with ``--json`` and ``--traceback``; its function takes the ``Output`` first."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        return click.command(*args, **kwargs)(shared(click.pass_obj(function)))

    return decorate


def shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command has, ``--json`` and ``--traceback``; they set the ``Output`` and pass nothing."""
    return _json_option(_traceback_option(function))


def _set(attribute: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        output = context.find_object(Output)
        if value and output is not None:
            setattr(output, attribute, True)

    return callback


_json_option = click.option(
    "--json", is_flag=True, expose_value=False, is_eager=True, callback=_set("json"), help="Print JSON."
)
_traceback_option = click.option(
    "--traceback",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_set("traceback"),
    help="Show the whole traceback of an error.",
)


READING = ("input_column", "target_column", "on_problem", "options")
"""Names of what ``reading`` gives."""


def read_options(options: dict[str, Any], task: str | None = None) -> ReadOptions:
    """What ``reading`` gave, taken out of a command's options."""
    from zoo.contract.reader import ReadOptions

    return ReadOptions(task=task, **{name: options.pop(name) for name in READING})


def reading(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that read a data set: its columns, and what to do with items that cannot be used."""
    for option in (
        click.option(
            "--on-problem",
            type=click.Choice(["skip", "fail"]),
            default="skip",
            show_default=True,
            help="What to do with unreadable items.",
        ),
        click.option("--target-column", help="Column of the labels or values [default: guessed]."),
        click.option("--input-column", help="Column of the texts, image paths or times [default: guessed]."),
    ):
        function = option(function)
    return plugin_options(READ)(function)


def plugin_options(role: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that plugins add to commands of a role; their values reach the function as one dictionary.

    Settings are configured for the process, and the function gets nothing.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        from zoo.plugins import plugins

        added = [option for option in plugins().options.values() if role in option.roles]

        @functools.wraps(function)
        def collecting(*args: Any, **kwargs: Any) -> Any:
            values = {option.name: kwargs.pop(_parameter(option), None) for option in added}
            given = {name: value for name, value in values.items() if value is not None}
            if role == SETTING:
                configure(**given)
                return function(*args, **kwargs)
            return function(*args, **kwargs, options={**kwargs.pop("options", {}), **given})

        decorated: Callable[..., Any] = collecting
        for option in reversed(added):
            decorated = click.option(
                option.flag, _parameter(option), type=_Converted(option), metavar=option.metavar, help=option.help
            )(decorated)
        return decorated

    return decorate


def _parameter(option: Option) -> str:
    return f"plugin_{option.name}"


class _Converted(click.ParamType):
    """The value of a plugin's option."""

    def __init__(self, option: Option) -> None:
        self.name, self._convert = option.name, option.convert

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """The value, or a usage error."""
        try:
            return self._convert(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), parameter, context)


class Amount(click.ParamType):
    """A whole number as people write it: ``86M``, ``1.5B``, ``500MB``, ``24GB``; decimal units, ``GiB`` binary."""

    name = "amount"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:
        """The number, or a usage error."""
        if isinstance(value, int):
            return value
        from zoo.amounts import amount

        found = amount(str(value))
        if found is None:
            self.fail(f"'{value}' is not an amount; write 86M, 1.5B, 500MB or 24GiB.", parameter, context)
        return found


AMOUNT = Amount()
