"""Checks the arguments of public functions: misspelt keywords, and amounts such as ``"100MB"``."""

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
    """Make a function reject an unknown keyword argument with its own name and its most similar argument.

    Signature, annotations and docstring stay those of ``function``, for type checkers, ``help()`` and
    ``inspect.signature``. A function with ``**kwargs`` has no unknown keywords and is rejected.

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


_SYNONYMS = {
    "bytes": "size",
    "dim": "dimension",
    "lang": "language",
    "licence": "license",
    "licences": "license",
    "params": "parameters",
}
"""Other words for parts of argument names, with the word that zoo uses."""

_TAKES_ANY_KEYWORD = 0x08  # inspect.CO_VARKEYWORDS; importing inspect costs more than this module.


def _unknown(function: str, name: str, names: Iterable[str]) -> UnknownArgument:
    public = [known for known in names if known != "self"]
    meant = "_".join(_SYNONYMS.get(word, word) for word in name.lower().split("_"))
    distance, nearest = min(((_edits(meant, known), known) for known in public), default=(0, ""))
    if nearest and 2 * distance < max(len(meant), len(nearest)):
        hint = f"Did you mean {nearest}?"
    else:
        hint = f"Its arguments: {', '.join(public)}." if public else "It has no keyword arguments."
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


def amount_argument(name: str, value: int | str | None) -> int | None:
    """The number that a caller passed as an argument, as a number or as text with a unit.

    Args:
        name: name of the argument, for the message.

    Raises:
        InvalidInput: it is negative, or not a whole number or a valid amount.
    """
    from zoo.amounts import amount

    if value is None:
        return None
    found = amount(value) if isinstance(value, str) else value
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise InvalidInput(
            f"{name} must be a whole number or an amount, not {ascii(value)[:40]}.", "Write 25M, 1.5B, 500MB or 24GiB."
        )
    return found
