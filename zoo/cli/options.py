"""What commands share: ``--json``, ``--traceback``, and the number formats that people type."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import Output

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


horizon = click.option(
    "--horizon",
    type=click.IntRange(min=1),
    metavar="STEPS",
    help="How far forecasts of time series reach [default: as usual for their step, such as 18 months].",
)
"""The option of commands that have time series forecast."""


def _pair(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (value or "").split(","))
    if value is not None and (len(names) != 2 or not all(names)):
        raise click.BadParameter(f"'{value}' is not two languages; name source and target, such as en,de.")
    return names if value is not None else ()


languages = click.option(
    "--languages",
    metavar="SOURCE,TARGET",
    callback=_pair,
    help="Of a translation, such as en,de, for a model of many [default: the columns' names, or what it was tuned to].",
)
"""The option of commands that have texts translated; a pair of names, or nothing."""


READING = ("input_column", "target_column", "on_problem", "horizon", "languages")
"""Names of what ``reading`` gives."""


def read_options(options: dict[str, Any], task: str | None = None) -> ReadOptions:
    """What ``reading`` gave, taken out of a command's options."""
    from zoo.contract.reader import ReadOptions

    return ReadOptions(task=task, **{name: options.pop(name) for name in READING})


def reading(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that read a data set: its columns, and what to do with items that cannot be used."""
    for option in (
        languages,
        horizon,
        click.option(
            "--on-problem",
            type=click.Choice(["skip", "fail"]),
            default="skip",
            show_default=True,
            help="What to do with unreadable items.",
        ),
        click.option("--target-column", help="Column of the labels, or of the values of series [default: guessed]."),
        click.option("--input-column", help="Column of the texts, image paths or times [default: guessed]."),
    ):
        function = option(function)
    return function


def _limit_cost(context: click.Context, parameter: click.Parameter, value: float | None) -> None:
    if value is not None:
        os.environ["ZOO_MAX_COST"] = str(value)


paying = click.option(
    "--max-cost",
    type=click.FloatRange(min=0),
    metavar="DOLLARS",
    expose_value=False,
    callback=_limit_cost,
    help="What a model behind a paid API may cost [default: 1].",
)
"""The option of commands that may run a model behind a paid API; it sets ``ZOO_MAX_COST`` and passes nothing."""


def making(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that have pictures made."""
    for option in (
        click.option("--guidance", type=click.FloatRange(min=0), help="How close to keep to a prompt [default: 7.5]."),
        click.option("--steps", type=click.IntRange(1, 1000), help="Steps of denoising a picture [default: 50]."),
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            default=0,
            show_default=True,
            help="Of the noise that the first picture is made from.",
        ),
        click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="Pictures a prompt."),
    ):
        function = option(function)
    return function


def _judge_pictures(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        os.environ["ZOO_PICTURE_MODEL"] = value


picture_model = click.option(
    "--picture-model",
    metavar="MODEL",
    expose_value=False,
    callback=_judge_pictures,
    help="Model by whose features generated pictures are judged [default: pkg:efficientnet-lite0].",
)
"""The option of commands that may judge pictures; it sets ``ZOO_PICTURE_MODEL`` and passes nothing."""


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
