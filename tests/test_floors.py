"""Imports only go down the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = (
    {"entities", "answers", "protocols", "tasks", "errors", "config", "untrusted", "redaction", "visible"},
    {"hookspecs", "plugins"},
    {"registry", "catalog", "sources", "data"},
    {"features", "pages"},
    {"transfer"},
    {"recommend", "adapt"},
    {"team"},
    {"web", "cli"},
)
BESIDE = {"defaults", "testing", "__main__"}
"""Rooms that stand beside the top floor, and that nobody imports."""

LEVEL = {room: level for level, floor in enumerate(FLOORS) for room in floor}
PLUGINS = sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir() and not path.name.startswith("_"))


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports when it runs; what is imported for type checkers alone is left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the floor"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def room(dotted: str) -> str:
    return dotted.split(".")[1] if dotted.count(".") else ""


@pytest.mark.parametrize("path", modules(ROOT / "zoo"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_its_own_floor_and_those_below(path: Path) -> None:
    inside = path.relative_to(ROOT / "zoo").with_suffix("").parts
    here = inside[0]
    for name in imports(path):
        top = name.split(".")[0]
        assert top not in PLUGINS, f"zoo imports the domain plugin {top}"
        if top != "zoo" or here in {"__init__", *BESIDE}:
            continue
        there = room(name)
        if there in {"", "__version__"} or there == here or there not in {*LEVEL, *BESIDE}:
            continue
        assert there not in BESIDE, f"{name}: nobody imports zoo.{there}"
        if here == "errors":
            pytest.fail(f"{name}: errors import nothing")
        assert LEVEL[there] <= LEVEL[here], f"{name} is on a floor above zoo.{here}"


def test_every_room_has_a_floor() -> None:
    rooms = {path.stem if path.is_file() else path.name for path in (ROOT / "zoo").iterdir()}
    rooms -= {"__init__", "__pycache__", "py"}
    assert {name for name in rooms if name != "py.typed"} <= {*LEVEL, *BESIDE}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_domain_plugin_imports_no_other(plugin: str) -> None:
    others = set(PLUGINS) - {plugin}
    for path in modules(ROOT / "plugins" / plugin):
        for name in imports(path):
            assert name.split(".")[0] not in others, f"{path.name} imports {name}"
            assert room(name) not in BESIDE or not name.startswith("zoo."), f"{path.name} imports {name}"


def test_the_core_and_its_plugins_are_small_modules() -> None:
    long = [
        path
        for folder in ("zoo", "plugins")
        for path in modules(ROOT / folder)
        if len(path.read_text().splitlines()) > 500
    ]
    assert long == []
