"""Options and parameter types that commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import Output

if TYPE_CHECKING:
    from zoo.contract.option import Option
    from zoo.contract.reader import ReadOptions

MOST_NAME = 30
"""Width of the first column of the help, in characters."""


class PluginOption(click.Option):
    """An option that a plugin adds.

    Attributes:
        group: title of its group in the help.
    """

    def __init__(self, *names: Any, group: str, **attributes: Any) -> None:
        super().__init__(*names, **attributes)
        self.group = group


class Command(click.Command):
    """A command whose help shows its own options first, then those of plugins, by group."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, with the same width of the first column in every group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        options = [one for one in self.get_params(context) if isinstance(one, click.Option)]
        for option in sorted(options, key=lambda one: (isinstance(one, PluginOption), one.is_eager)):
            title = option.group if isinstance(option, PluginOption) else "Options"
            if (record := option.get_help_record(context)) is not None:
                groups.setdefault(title, []).append(record)
        width = max(len(name) for records in groups.values() for name, _ in records if len(name) <= MOST_NAME)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), about) for name, about in records], MOST_NAME)


def command(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A click command with ``--json`` and ``--traceback``; its function takes the ``Output`` first."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        return click.command(*args, cls=Command, **kwargs)(shared(click.pass_obj(function)))

    return decorate


def shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` and ``--traceback``, which change the ``Output`` and are not passed to the function."""
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


READING = ("input_column", "target_column", "on_problem")
"""Names of the options that ``reading`` adds."""

SPLITTING = ("group_column", "time_column")
"""Names of options of commands that split the data."""


def read_options(options: dict[str, Any], task: str | None = None) -> ReadOptions:
    """Take out of a command's options how to read the data; settings of plugins stay in ``options``."""
    from zoo.contract.reader import ReadOptions
    from zoo.plugins.options import options_of

    given, known = options["options"], options_of("read")
    options["options"] = {name: value for name, value in given.items() if name not in known}
    own = {name: value for name, value in given.items() if name in known}
    named = {name: options.pop(name) for name in (*READING, *SPLITTING) if name in options}
    return ReadOptions(task=task, options=own, **named)


def reading(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that read a data set: its columns, and what to do with unusable items."""
    for option in (
        click.option(
            "--on-problem",
            type=click.Choice(["skip", "fail"]),
            default="skip",
            show_default=True,
            help="What to do with unreadable items.",
        ),
        click.option(
            "--target-column",
            help="Column of the labels or values; comma-separated columns of 0 and 1 for several labels per sample "
            "[default: guessed].",
        ),
        click.option("--input-column", help="Column of the texts, image paths or times [default: guessed]."),
    ):
        function = option(function)
    return function


group_column = click.option(
    "--group-column",
    help="Column of a table whose equal values mark samples of one origin, such as a patient; they are held out "
    "together.",
)
time_column = click.option(
    "--time-column", help="Column of numbers or ISO dates by which the latest samples are held out."
)


report_option = click.option("--report", metavar="FILE", help="Write the results as a self-contained HTML page.")


def plugin_options(command: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of plugins to a command; the function receives their values as one dictionary, ``options``."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        from zoo.plugins.options import options_of

        added = list(options_of(command).values())

        @functools.wraps(function)
        def collecting(*args: Any, **kwargs: Any) -> Any:
            values = {option.name: kwargs.pop(_parameter(option), None) for option in added}
            given = {name: value for name, value in values.items() if value is not None}
            return function(*args, **kwargs, options=given)

        decorated: Callable[..., Any] = collecting
        for option in reversed(added):
            decorated = click.option(
                option.flag,
                _parameter(option),
                cls=PluginOption,
                group=option.group,
                type=_Converted(option),
                metavar=option.metavar,
                help=option.help,
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


class Seconds(click.ParamType):
    """A time: ``120``, ``120s``, ``2m``, ``1h``."""

    name = "time"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """The seconds, or a usage error."""
        from zoo.amounts import seconds

        found = seconds(str(value))
        if found is None:
            self.fail(f"'{value}' is not a time; write 90s, 2m or 1h.", parameter, context)
        if not 0 < found < float("inf"):
            self.fail(f"'{value}' is not positive; write 90s, 2m or 1h.", parameter, context)
        return found


SECONDS = Seconds()
