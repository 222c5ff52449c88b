"""Writes the diagram and tables of ``docs/architecture.md`` from the source; ``--check`` fails if they are stale."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping

from architecture import BESIDE, LAYERS, LEVEL, ROOT, Code, Module
from layered_diagram import Box, Diagram

PAGE = ROOT / "docs" / "architecture.md"
DRAWING = ROOT / "docs" / "images" / "architecture.svg"
HOOKS = "zoo.contract.hooks"
"""Where the hooks are."""

LEGEND = (
    "An arrow is an import of the package below. Left out: what other arrows imply, and imports of the lowest layer.",
    "A bar marks what domain plugins import. Dashed packages may import every other, and none imports them.",
)


def package(code: Code, name: str) -> Module:
    """The module whose docstring describes a package of zoo."""
    return code.modules["zoo" if name == "__init__" else f"zoo.{name}"]


def layers(code: Code) -> list[list[str]]:
    """The packages that exist, from the ground up."""
    found = [[name for name in layer if name in code.packages] for layer in LAYERS]
    return [layer for layer in found if layer]


def arrows(code: Code) -> set[tuple[str, str]]:
    """Imports between packages that no chain of other imports implies, without those of the lowest layer."""
    direct: dict[str, set[str]] = {name: set() for name in LEVEL}
    for name, imports in code.imports.items():
        here = code.modules[name]
        for there in (code.modules[found.target] for found in imports):
            inside = here.top == there.top == "zoo" and here.package in LEVEL and there.package in LEVEL
            if inside and LEVEL[there.package] < LEVEL[here.package]:
                direct[here.package].add(there.package)
    reached: dict[str, set[str]] = {}
    for name in sorted(direct, key=LEVEL.__getitem__):
        reached[name] = direct[name].union(*(reached[near] for near in direct[name]))
    return {
        (start, end)
        for start, ends in direct.items()
        for end in ends
        if LEVEL[end] > 0 and not any(end in reached[near] for near in ends)
    }


def plain(text: str) -> str:
    """A docstring's line without the marks of reStructuredText."""
    return text.replace("``", "")


def diagram(code: Code) -> str:
    """The packages by layer, the plugins above."""
    used = {
        code.modules[found.target].package
        for name, imports in code.imports.items()
        for found in imports
        if code.modules[name].top in code.plugins and code.modules[found.target].top == "zoo"
    }
    rows = [
        [Box(name, plain(package(code, name).summary), name in used) for name in layer]
        for layer in reversed(layers(code))
    ]
    aside = [Box(name, plain(package(code, name).summary), aside=True) for name in BESIDE if name in code.packages]
    rows[0] = [*aside[:2], *rows[0], *aside[2:]]
    plugins = [Box(name, plain(code.modules[name].summary)) for name in code.plugins]
    title = "The packages of zoo in layers, and the domain plugins"
    order = ", then ".join(" and ".join(layer) for layer in layers(code))
    description = f"From the ground up: {order}. Each package imports packages of lower layers only."
    captions = {
        0: "Domain plugins, found through entry points: zoo imports none of them, and they do not import one another",
        1: "zoo",
        len(rows): "The lowest layer, which every package may import",
    }
    return Diagram([plugins, *rows], arrows(code), captions, LEGEND).svg(title, description)


def packages_table(code: Code) -> Iterator[str]:
    """The packages of zoo from the top down, and the plugins."""
    yield "| layer | package | what it is |"
    yield "|---:|---|---|"
    for name in code.plugins:
        yield f"| plugins | `{name}` | {_cell(code.modules[name].summary)} |"
    for name in BESIDE:
        if name in code.packages:
            yield f"| top | `zoo.{name}` | {_cell(package(code, name).summary)} |"
    known = layers(code)
    for number in range(len(known), 0, -1):
        for name in known[number - 1]:
            yield f"| {number} | `zoo.{name}` | {_cell(package(code, name).summary)} |"


def hooks_table(code: Code) -> Iterator[str]:
    """The hooks with the first lines of their docstrings."""
    yield "| hook | purpose |"
    yield "|---|---|"
    for node in code.modules[HOOKS].tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("zoo_"):
            yield f"| `{node.name}` | {_cell((ast.get_docstring(node) or '').partition(chr(10))[0])} |"


def page(code: Code) -> str:
    """The page with its tables as they should be."""
    text = PAGE.read_text(encoding="utf-8")
    tables: Mapping[str, Iterator[str]] = {"packages": packages_table(code), "hooks": hooks_table(code)}
    for name, lines in tables.items():
        start, end = f"<!-- {name}, written by tools/write_architecture.py -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        text = "\n".join([f"{before}{start}", *lines, f"{end}{rest.partition(end)[2]}"])
    return text


def _cell(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text).replace("|", "\\|")


def main() -> int:
    """Write both files, or check them."""
    code = Code()
    wanted = {PAGE: page(code), DRAWING: diagram(code)}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path} is out of date; run: make docs", file=sys.stderr)
        return int(bool(stale))
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
