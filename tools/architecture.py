"""The packages of zoo in layers, and which module imports which, read from the source.

Shared by the structure tests and the diagram in ``docs/architecture.md``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "amounts", "version", "redaction", "visible", "spreadsheets", "extras"),
    ("atomic", "entities", "keywords", "untrusted"),
    ("tasks", "answers", "config", "provenance", "compute"),
    ("contract",),
    ("plugins", "loading", "catalog", "pages"),
    ("kinds", "registry", "transfer"),
    ("sources", "data"),
    ("exchange", "features", "engines", "history"),
    ("adapt", "quality"),
    ("selection", "deploy"),
    ("team",),
    ("web",),
    ("cli",),
)
"""The packages of ``zoo``, from the ground up. A package imports packages of lower layers only."""

BESIDE = ("testing", "defaults", "__init__", "__main__")
"""Packages next to the top layer: they may import every package, and no package imports them."""

FOR_PLUGINS = frozenset(
    (
        *LAYERS[0],
        *LAYERS[1],
        "tasks",
        "answers",
        "config",
        "contract",
        "loading",
        "catalog",
        "kinds",
        "pages",
        "features",
        "data",
    )
)
"""The packages of ``zoo`` that a domain plugin may import."""

LEVEL: Mapping[str, int] = {package: level for level, layer in enumerate(LAYERS) for package in layer}


@dataclass(frozen=True)
class Module:
    """One Python file of ``zoo`` or of a domain plugin.

    Attributes:
        name: dotted name; that of a package means its ``__init__.py``.
        path: relative to the root of the repository, with forward slashes.
    """

    name: str
    path: str
    tree: ast.Module

    @property
    def top(self) -> str:
        """``zoo``, or the name of the plugin."""
        return self.name.partition(".")[0]

    @property
    def package(self) -> str:
        """The package or module directly below ``zoo`` or below the plugin."""
        return [*self.name.split("."), "__init__"][1]

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (ast.get_docstring(self.tree) or "").partition("\n")[0]


@dataclass(frozen=True)
class Import:
    """One import of a module, with its position."""

    target: str
    line: int


class Code:
    """All modules below ``zoo/`` and ``plugins/``, each parsed once."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root

    @cached_property
    def modules(self) -> Mapping[str, Module]:
        """By dotted name, in the order of the names."""
        found = {}
        for base, folder in ((self.root, "zoo"), (self.root / "plugins", ".")):
            for path in sorted((base / folder).rglob("*.py")):
                parts = path.relative_to(base).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
                found[name] = Module(name, path.relative_to(self.root).as_posix(), tree)
        return dict(sorted(found.items()))

    @cached_property
    def plugins(self) -> tuple[str, ...]:
        """Names of the domain plugins."""
        return tuple(sorted({module.top for module in self.modules.values()} - {"zoo"}))

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """Names of the packages and modules directly below ``zoo``."""
        return tuple(sorted({module.package for module in self.modules.values() if module.top == "zoo"}))

    @cached_property
    def imports(self) -> Mapping[str, tuple[Import, ...]]:
        """What each module imports of the others, for type checkers and inside functions too."""
        return {name: tuple(dict.fromkeys(self._imports(module))) for name, module in self.modules.items()}

    @cached_property
    def circles(self) -> tuple[frozenset[str], ...]:
        """Groups of two or more modules that import one another, directly or through others; largest first."""
        graph = {name: sorted({found.target for found in imports}) for name, imports in self.imports.items()}
        circles = [group for group in _strongly_connected(graph) if len(group) > 1]
        return tuple(sorted(circles, key=lambda group: (-len(group), sorted(group))))

    def _imports(self, module: Module) -> Iterator[Import]:
        inside = module.name.split(".")
        for node in ast.walk(module.tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [self._longest(alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    up = node.level - module.path.endswith("/__init__.py")
                    base = ".".join([*inside[: len(inside) - up], *filter(None, [node.module])])
                names = [self._longest(f"{base}.{alias.name}") for alias in node.names]
            elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"} and node.args:
                given = node.args[0]
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    names = [self._longest(given.value)]
            yield from (Import(name, getattr(node, "lineno", 0)) for name in names if name and name != module.name)

    def _longest(self, dotted: str) -> str:
        """The longest prefix of a dotted name that is a module; empty if there is none."""
        parts = dotted.split(".")
        beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((name for name in beginnings if name in self.modules), "")


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _strongly_connected(graph: Mapping[str, list[str]]) -> Iterator[frozenset[str]]:
    """Tarjan's algorithm (SIAM Journal on Computing 1, 1972), without recursion."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: dict[str, None] = {}
    for start in graph:
        if start in order:
            continue
        order[start] = low[start] = len(order)
        stack[start] = None
        path = [(start, iter(graph[start]))]
        while path:
            node, targets = path[-1]
            for target in targets:
                if target not in order:
                    order[target] = low[target] = len(order)
                    stack[target] = None
                    path.append((target, iter(graph[target])))
                    break
                if target in stack:
                    low[node] = min(low[node], order[target])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == order[node]:
                    group: list[str] = []
                    while not group or group[-1] != node:
                        group.append(stack.popitem()[0])
                    yield frozenset(group)
