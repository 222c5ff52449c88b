"""Parses the ``hubconf.py`` of a repository without running it.

Protocol: https://pytorch.org/docs/stable/hub.html#publishing-models: each public callable is an entry point, and the
list ``dependencies`` names packages that it needs.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from zoo.entities import Entity
from zoo.errors import IntegrityError


@dataclass(frozen=True)
class EntryPoint(Entity):
    """A callable that returns a model.

    Attributes:
        description: first paragraph of its docstring; None if it is imported from another file.
        arguments: names of its arguments, if it is defined here.
    """

    name: str
    description: str | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class HubConf(Entity):
    """The entry points of a repository, by name, and the packages that it needs."""

    entries: tuple[EntryPoint, ...]
    dependencies: tuple[str, ...] = ()

    def entry(self, name: str) -> EntryPoint | None:
        """The entry point with this name, or None."""
        return next((entry for entry in self.entries if entry.name == name), None)


def parse(source: str, repository: str) -> HubConf:
    """Parse a ``hubconf.py``.

    Entry points are its functions and names imported with ``from ... import`` that do not start with ``_``. Whether an
    imported name is callable is not known before it is loaded.

    Raises:
        IntegrityError: it is not Python.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise IntegrityError(f"The hubconf.py of {repository} is not Python ({type(error).__name__}).") from error
    entries: dict[str, EntryPoint] = {}
    dependencies: tuple[str, ...] = ()
    for node in _statements(tree.body):
        if isinstance(node, ast.FunctionDef):
            entries[node.name] = EntryPoint(
                node.name,
                _paragraph(ast.get_docstring(node)),
                tuple(argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)),
            )
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                entries.setdefault(alias.asname or alias.name, EntryPoint(alias.asname or alias.name))
        elif isinstance(node, ast.Assign) and any(_called(target, "dependencies") for target in node.targets):
            dependencies = _texts(node.value)
    public = [entries[name] for name in sorted(entries) if not name.startswith(("_", "*"))]
    return HubConf(tuple(public), dependencies)


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a module, including all branches of ``if`` and ``try``."""
    found: list[ast.stmt] = []
    for node in body:
        found.append(node)
        if isinstance(node, ast.If):
            found += _statements([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            found += _statements([*node.body, *node.orelse, *(s for handler in node.handlers for s in handler.body)])
    return found


def _called(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _paragraph(text: str | None) -> str | None:
    first = (text or "").strip().split("\n\n")[0]
    return " ".join("".join(c for c in first if c.isprintable() or c.isspace()).split())[:500] or None


def _texts(node: ast.expr) -> tuple[str, ...]:
    values = node.elts if isinstance(node, (ast.List, ast.Tuple)) else ()
    constants = [value.value for value in values if isinstance(value, ast.Constant)]
    return tuple(text for text in constants if isinstance(text, str) and text.strip())
