"""Clear errors for misspelt keyword arguments of the public functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from zoo.errors import InvalidInput

P = ParamSpec("P")
R = TypeVar("R")


class UnknownArgument(InvalidInput, TypeError):
    """A public function was called with a keyword argument that it does not have."""


def explains_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function refuse an unknown keyword argument by naming itself and the nearest argument it has.

    Signature, annotations and docstring stay those of ``function``, for type checkers, ``help()`` and
    ``inspect.signature``. A function with ``**kwargs`` has no unknown keywords and is refused.

    Raises:
        UnknownArgument: by the decorated function, before its body runs.
    """
    code = function.__code__
    if code.co_flags & _TAKES_ANY_KEYWORD:
        raise TypeError(f"{function.__qualname__} takes **kwargs, so none of its keywords is unknown")
    names = code.co_varnames[code.co_posonlyargcount : code.co_argcount + code.co_kwonlyargcount]
    known = frozenset(names)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if not known.issuperset(kwargs):
            raise _unknown(function.__name__, next(name for name in kwargs if name not in known), names)
        return function(*args, **kwargs)

    return checked


_TAKES_ANY_KEYWORD = 0x08  # inspect.CO_VARKEYWORDS; importing inspect costs more than this module.


def _unknown(function: str, name: str, names: Iterable[str]) -> UnknownArgument:
    public = [known for known in names if known != "self"]
    distance, nearest = min(((_edits(name.lower(), known), known) for known in public), default=(0, ""))
    if nearest and 2 * distance < max(len(name), len(nearest)):
        hint = f"Did you mean {nearest}?"
    else:
        hint = f"Its arguments: {', '.join(public)}." if public else "It takes none."
    return UnknownArgument(f"{function}() has no argument '{name}'.", hint)


def _edits(one: str, other: str) -> int:
    """The Levenshtein distance: insertions, deletions and substitutions that turn one into the other."""
    previous = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row]
        for column, counterpart in enumerate(other, start=1):
            replaced = previous[column - 1] + (letter != counterpart)
            current.append(min(previous[column] + 1, current[-1] + 1, replaced))
        previous = current
    return previous[-1]
