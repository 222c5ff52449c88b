"""Keyword arguments that a function passes on to the reading of its data: unknown ones are refused, and unused ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from zoo.errors import InvalidInput, suggest

if TYPE_CHECKING:
    from zoo.entities import Dataset


def check_reading(function: Callable[..., Any], data: str | Dataset, reading: Mapping[str, Any]) -> None:
    """Refuse what ``zoo.read`` does not take, and everything where the data are read already.

    Args:
        function: the one that was called.
        reading: the arguments that it passes on.

    Raises:
        InvalidInput: names the argument.
    """
    from zoo.data import read

    known = set(inspect.signature(read).parameters) - {"reference"}
    own = set(inspect.signature(function).parameters) - {"self", "reading"}
    for name, value in reading.items():
        if name not in known:
            raise InvalidInput(f"{function.__qualname__}() has no argument '{name}'.", suggest(name, own | known))
        if not isinstance(data, str) and value:
            raise InvalidInput(
                f"'{name}' has no effect on {function.__qualname__}() here: '{data.name}' is a data set that is read "
                "already.",
                f"Leave {name} out, or use it in zoo.read().",
            )
