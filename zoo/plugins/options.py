"""Values of the options that plugins add: which function takes which, and what they apply to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from zoo.contract.option import COMMANDS, EVALUATE, READ, Option
from zoo.errors import InvalidInput, suggest
from zoo.plugins.manager import plugins

_FUNCTIONS = {
    **COMMANDS,
    "read": frozenset({READ, EVALUATE}),
    "label_errors": COMMANDS["features"],
    "Model.extract": COMMANDS["features"],
    "Model.shards": COMMANDS["features"],
}


def options_of(function: str) -> dict[str, Option]:
    """The options that a command or a function takes, by name; ``zoo.read`` takes those of the data alone."""
    roles = _FUNCTIONS[function]
    return {
        name: option
        for name, option in plugins().options.items()
        if roles & option.roles and not (function == "read" and option.setting)
    }


def checked(function: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were given for a function, converted; None counts as not given.

    Raises:
        InvalidInput: an option does not exist, has no effect on the function, or has an invalid value.
    """
    if not values:
        return {}
    taken, found = options_of(function), {}
    for name, value in values.items():
        if name not in taken:
            raise _without_effect(function, name, taken)
        if value is not None:
            found[name] = _converted(taken[name], value)
    return found


def settings_of(function: str, values: Mapping[str, Any] | None, loaded: str = "") -> dict[str, Any]:
    """Those of the values that are settings, for ``zoo.config.configured``.

    Args:
        loaded: id of the model where it was loaded before the call.

    Raises:
        InvalidInput: as ``checked``, or the model is loaded, so that a setting of the loading has no effect.
    """
    known = plugins().options
    found = {name: value for name, value in checked(function, values or {}).items() if known[name].setting}
    for name in found:
        if loaded and known[name].at_loading:
            raise InvalidInput(
                f"'{name}' has no effect on {function}() here: '{loaded}' is already loaded.",
                f"Leave {name} out, or set it before loading: zoo.config.configure({name}=...)",
            )
    return found


def check_fit(names: Iterable[str], kinds: Set[str], task: str | None, found: str, model: bool = False) -> None:
    """Raise ``InvalidInput`` for an option that does not apply to such kinds or to such a task; names it.

    Args:
        kinds: kinds of the inputs and of the targets.
        found: what the data or the model are instead, as a clause: ``'digits' was read as images with classes``.
        model: whether another model is needed for the option, and not only another task.
    """
    for option in map(plugins().options.__getitem__, names):
        if not option.fits(kinds, task):
            raise InvalidInput(f"{option.flag} applies only to {option.applies_to}; {found}.", _advice(option, model))


def _advice(option: Option, model: bool) -> str:
    leave_out = f"Leave {option.flag} out"
    fitting = [known for known in plugins().tasks.values() if option.fits({*known.inputs, known.target}, known.name)]
    if not fitting:
        return f"{leave_out}."
    find = "or find a model for it: zoo search" if model else "or name a task that it applies to:"
    return f"{leave_out}, {find} --task {fitting[0].name}"


def _without_effect(function: str, name: str, taken: Mapping[str, Option]) -> InvalidInput:
    option = plugins().options.get(name)
    if option is None:
        hint = suggest(name, taken) or f"Its options: {', '.join(sorted(taken))}."
        return InvalidInput(f"{function}() has no option '{name}'.", hint)
    others = [f"{command}()" for command, roles in COMMANDS.items() if roles & option.roles]
    return InvalidInput(f"The option '{name}' has no effect on {function}().", f"It applies to {', '.join(others)}.")


def _converted(option: Option, value: Any) -> Any:
    if not isinstance(value, (str, int, float)):
        return value
    try:
        return option.convert(str(value))
    except ValueError as error:
        raise InvalidInput(f"{option.flag} is not valid: {str(error).rstrip('.')}.") from None
