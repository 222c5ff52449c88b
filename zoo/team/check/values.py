"""What expressions of a Python file evaluate to, as far as it can be known without running it."""

from __future__ import annotations

import ast
import enum
from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeAlias

from zoo.team.check.scopes import LOCAL_NAME, Names, Scope


class Other(enum.Enum):
    """A value that is not a constant."""

    UNKNOWN = "not known without running the code"
    HERE = "a path on this machine, or what another call has loaded already"
    MISSING = "not given"


Value: TypeAlias = "str | int | float | bytes | bool | Other | None"

MOST_VALUES = 16
_MOST_STEPS = 150
_UNKNOWN: tuple[Value, ...] = (Other.UNKNOWN,)
_HERE: tuple[Value, ...] = (Other.HERE,)
_PATHS = frozenset({("os", "path"), ("posixpath",), ("ntpath",), ("tempfile",)})
_FILES = frozenset({"Path", "PurePath", "PosixPath", "WindowsPath", "getcwd", "mkdtemp", "fspath"})
_SAME = frozenset({"str", "strip", "expanduser", "resolve", "absolute", "as_posix"})


class Values:
    """Evaluates expressions of one file.

    Args:
        loads: whether a call with one of these dotted names loads or downloads a model, which is checked by itself.
    """

    def __init__(self, names: Names, loads: Callable[[list[tuple[str, ...]]], bool]) -> None:
        self.names, self._loads = names, loads
        self._steps = 0

    def of(self, node: ast.expr | None, scope: Scope) -> tuple[Value, ...]:
        """The values that an expression may have, each once; ``Other.UNKNOWN`` among them for further ones."""
        self._steps = _MOST_STEPS
        return self._of(node, scope)

    def entries(self, node: ast.expr, scope: Scope) -> dict[str, tuple[ast.expr, Scope]] | None:
        """The items of a dictionary with constant keys, as expressions; None if they are not known."""
        if isinstance(node, ast.Name):
            found = scope.lookup(node.id)
            if found is None or len(found[1]) != 1 or found[1][0] is None:
                return None
            scope, node = found[0], found[1][0]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
            if all(one.arg for one in node.keywords):
                return {str(one.arg): (one.value, scope) for one in node.keywords}
        elif isinstance(node, ast.Dict):
            keys = [one.value if isinstance(one, ast.Constant) else None for one in node.keys]
            if all(isinstance(key, str) for key in keys):
                return {str(key): (value, scope) for key, value in zip(keys, node.values, strict=True)}
        return None

    def _of(self, node: ast.expr | None, scope: Scope) -> tuple[Value, ...]:
        self._steps -= 1
        if node is None or self._steps < 0:
            return _UNKNOWN
        match node:
            case ast.Constant():
                return (node.value if isinstance(node.value, (str, int, float, bytes, type(None))) else Other.UNKNOWN,)
            case ast.Name():
                found = scope.lookup(node.id)
                return self._each(found[1], found[0]) if found else _UNKNOWN
            case ast.Attribute():
                return self._attribute(node, scope)
            case ast.JoinedStr():
                return self._joined(node.values, scope)
            case ast.FormattedValue() if node.conversion == -1 and node.format_spec is None:
                return self._of(node.value, scope)
            case ast.BinOp(op=ast.Add()):
                return self._joined([node.left, node.right], scope)
            case ast.BinOp(op=ast.Div()) if Other.HERE in self._of(node.left, scope):
                return _HERE
            case ast.IfExp():
                return self._each([node.body, node.orelse], scope)
            case ast.BoolOp(op=ast.Or()):
                found_values = self._each(node.values, scope)
                return tuple(one for one in found_values if one) or found_values
            case ast.NamedExpr() | ast.Await():
                return self._of(node.value, scope)
            case ast.Subscript():
                return self._item(node, scope)
            case ast.Call():
                return self._call(node, scope)
        return _UNKNOWN

    def _each(self, nodes: list[ast.expr | None] | list[ast.expr], scope: Scope) -> tuple[Value, ...]:
        """The values of several expressions, one of which applies."""
        return _limited(value for node in nodes for value in self._of(node, scope))

    def _joined(self, nodes: list[ast.expr], scope: Scope) -> tuple[Value, ...]:
        """The values of texts that are put together."""
        parts = [self._of(node, scope) for node in nodes]
        if any(len(part) > 1 for part in parts) and len([*_all(parts)]) > MOST_VALUES:
            return _UNKNOWN
        return _limited(_text(combined) for combined in product(*parts))

    def _attribute(self, node: ast.Attribute, scope: Scope) -> tuple[Value, ...]:
        base = node.value
        if isinstance(base, ast.Name):
            owner = [scope.owner] if base.id in {"self", "cls"} and scope.owner else self.names.classes.get(base.id, [])
            found = [
                (one, [*one.bindings.get(node.attr, ()), *one.attributes.get(node.attr, ())]) for one in owner if one
            ]
            if found and all(values for _, values in found):
                return _limited(value for one, values in found for value in self._each(values, one))
            if found:
                return _UNKNOWN
        for dotted in self.names.dotted(node, scope):
            if len(dotted) > 2 and dotted[-2].endswith("_Weights"):  # an enumeration of weights
                return (".".join(dotted[-2:]),)
        return _HERE if self._of(base, scope) == _HERE else _UNKNOWN

    def _item(self, node: ast.Subscript, scope: Scope) -> tuple[Value, ...]:
        """The value of a dictionary's key; of all its keys if the key is not known."""
        entries = self.entries(node.value, scope)
        if not entries:
            return _UNKNOWN
        keys = self._of(node.slice, scope)
        wanted = list(entries) if Other.UNKNOWN in keys else [str(key) for key in keys if key in entries]
        if not wanted:
            return _UNKNOWN
        return _limited(value for key in wanted for value in self._of(*entries[key]))

    def _call(self, node: ast.Call, scope: Scope) -> tuple[Value, ...]:
        dotted = self.names.dotted(node.func, scope)
        if self._loads(dotted):
            return _HERE
        for parts in dotted:
            if parts[-1] in _FILES or any(parts[: len(path)] == path for path in _PATHS):
                return _HERE
            if parts == (LOCAL_NAME, "str") and len(node.args) == 1:
                return self._of(node.args[0], scope)
        if isinstance(node.func, ast.Attribute):
            found = self._of(node.func.value, scope)
            if found == _HERE or (node.func.attr in _SAME and not node.args):
                return found
        return _UNKNOWN


def _all(parts: list[tuple[Value, ...]]) -> Iterator[tuple[Value, ...]]:
    for at, combined in enumerate(product(*parts)):
        if at > MOST_VALUES:
            return
        yield combined


def _limited(values: Iterator[Value]) -> tuple[Value, ...]:
    """Each value once; those of different types are not the same (``1`` and ``True``)."""
    found: dict[tuple[type, Value], Value] = {}
    for value in values:
        found[type(value), value] = value
        if len(found) > MOST_VALUES:
            return _UNKNOWN
    return tuple(found.values()) or _UNKNOWN


def _text(parts: tuple[Value, ...]) -> Value:
    if parts and parts[0] is Other.HERE:
        return Other.HERE
    if all(isinstance(part, (str, int)) for part in parts):
        return "".join(map(str, parts))
    return Other.UNKNOWN
