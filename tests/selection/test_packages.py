"""Imports between the packages of ``zoo.selection`` go one way, those for type checkers and inside functions included."""

from __future__ import annotations

import ast
from pathlib import Path

import zoo.selection

LAYERS = (("request",), ("prior", "measure"), ("rank", "select"), ("explain", "report"), ("backtest",))
LEVEL = {package: level for level, layer in enumerate(LAYERS) for package in layer}
ROOT = Path(zoo.selection.__file__).parent


def arrows() -> set[tuple[str, str]]:
    """Which package imports which."""
    found = set()
    for path in ROOT.rglob("*.py"):
        here = path.relative_to(ROOT).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module == "zoo.selection":
                modules += [f"zoo.selection.{alias.name}" for alias in node.names]
            for module in modules:
                parts = module.split(".")
                if parts[:2] == ["zoo", "selection"] and len(parts) > 2 and parts[2] != here:
                    found.add((here, parts[2]))
    return found


def test_every_package_has_a_layer() -> None:
    assert set(LEVEL) == {path.parent.name for path in ROOT.glob("*/__init__.py")}


def test_imports_go_down_or_to_a_neighbour_that_does_not_import_back() -> None:
    between = {(here, there) for here, there in arrows() if here in LEVEL}

    assert not {(here, there) for here, there in between if LEVEL[there] > LEVEL[here]}
    assert not {(here, there) for here, there in between if (there, here) in between}
