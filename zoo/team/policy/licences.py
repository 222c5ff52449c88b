"""Licences and patterns of them, with three values: a licence matches, does not match, or is unknown.

A licence is an SPDX expression (SPDX specification 3.0, annex B): ``MIT OR GPL-2.0-only`` leaves the choice to the
user, ``AND`` demands both, ``WITH`` adds an exception. Logic: Kleene's, with unknown between false and true.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from typing import Any

from zoo.catalog.license_families import FAMILIES
from zoo.catalog.licenses import OTHER, SPDX

_SIMPLE = re.compile(r"[A-Za-z0-9.-]+\Z")
_LONGEST = 1000
_WILDCARDS = frozenset("*?[")
_LATER = ("-only", "-or-later", "+")

Three = bool | None
"""True, false, or None for unknown."""


class LicencePatterns:
    """Whether a licence matches a list of SPDX identifiers, patterns of them such as ``BSD-*``, or families.

    Args:
        choice: how to treat the alternatives of ``OR``. True: one that matches is enough, as for an allow-list. False:
            all must match, as for a deny-list, because the user takes the best one.
    """

    def __init__(self, patterns: Sequence[str], *, choice: bool) -> None:
        expanded = [one for name in patterns for one in FAMILIES.get(name.lower(), (name,))]
        names = [base for one in expanded for base in _spellings(one)]
        self._matches = re.compile("|".join(translate(one.lower()) for one in names) or r"(?!)").match
        self._choice = choice
        self._known: dict[str | None, Three] = {}

    def __call__(self, licence: str | None) -> Three:
        """Whether it matches; None if it is not known well enough to say."""
        try:
            return self._known[licence]
        except KeyError:
            if len(self._known) > 10_000:
                self._known.clear()
            found = self._known[licence] = self._evaluate(parsed(licence))
            return found

    def _evaluate(self, expression: Any) -> Three:
        if expression is None:
            return None
        if isinstance(expression, str):
            return self._one(expression)
        operator, parts = expression
        found = [self._evaluate(part) for part in parts]
        any_is_enough = (operator == "OR") == self._choice
        return _any(found) if any_is_enough else _all(found)

    def _one(self, name: str) -> Three:
        base = name.partition(" WITH ")[0]
        if any(self._matches(spelling.lower()) for one in {name, base} for spelling in _spellings(one)):
            return True
        return False if is_spdx(base) else None


def _any(found: Iterable[Three]) -> Three:
    values = [*found]
    return True if True in values else None if None in values else False


def _all(found: Iterable[Three]) -> Three:
    values = [*found]
    return False if False in values else None if None in values else True


@functools.lru_cache(maxsize=10_000)
def parsed(licence: str | None) -> Any:
    """An identifier, or ``("OR" | "AND", parts)`` of these; None if no licence is stated, or it cannot be parsed."""
    if not licence or len(licence) > _LONGEST:
        return None
    if _SIMPLE.match(licence) and licence.upper() not in {"AND", "OR", "WITH"}:
        return licence
    from license_expression import ExpressionError, Licensing

    try:
        tree: Any = Licensing().parse(licence)
    except (ExpressionError, RecursionError, TypeError, ValueError):
        return None
    return _plain(tree)


def _plain(tree: Any) -> Any:
    operator = getattr(tree, "operator", "").strip()
    if operator in {"AND", "OR"}:
        return operator, tuple(_plain(part) for part in tree.args)
    if hasattr(tree, "license_symbol"):
        return f"{tree.license_symbol.key} WITH {tree.exception_symbol.key}"
    return getattr(tree, "key", None)


def _spellings(name: str) -> tuple[str, ...]:
    """A GNU licence without ``-only`` or ``-or-later`` is an earlier identifier, which matches both."""
    base = next((name.removesuffix(end) for end in _LATER if name.endswith(end)), name)
    if base != name:
        return (name, base)
    return (name,) if _WILDCARDS & {*name} else (name, *(f"{name}{end}" for end in _LATER))


def is_spdx(name: str) -> bool:
    """Whether a name is an SPDX identifier; ``other`` and names that are somebody's own are not."""
    return name in SPDX or _in_index(name.lower())


@functools.lru_cache(maxsize=10_000)
def _in_index(name: str) -> bool:
    return name != OTHER and name in spdx_identifiers()


@functools.lru_cache(maxsize=1)
def spdx_identifiers() -> frozenset[str]:
    """All SPDX identifiers in lower case, earlier ones too."""
    from license_expression import get_license_index

    names = []
    for entry in get_license_index():
        names += [entry.get("spdx_license_key"), *entry.get("other_spdx_license_keys", ())]
    return frozenset(name.lower() for name in names if name and not name.startswith("LicenseRef-"))


def unknown_name(pattern: str) -> bool:
    """Whether a policy names a licence that is neither a family, a pattern nor an SPDX identifier."""
    if pattern.lower() in {*FAMILIES, OTHER} or _WILDCARDS & {*pattern} or pattern.startswith("LicenseRef-"):
        return False
    return not any(is_spdx(base) for base in _spellings(pattern.partition(" WITH ")[0]))
