"""Reads the code cells of Jupyter notebooks (nbformat 4 and 3)."""

from __future__ import annotations

import ast
import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from zoo.team.check.parsing import NotChecked, Parsed, parse
from zoo.untrusted import parse_json

_SOURCE = re.compile(r'"(?:source|input)"\s*:')
_PYTHON_MAGICS = frozenset({"time", "timeit", "capture", "prun"})
_MAGIC = re.compile(r"(?P<target>[\w.,\[\]][\w.,\[\] \t]*=[ \t]*)?[!%?]|[\w.]+\?\??[ \t]*\Z")
_GAP = 200
"""Maximum number of characters between two lines of a cell in the file."""


def parsed_notebook(content: bytes) -> Parsed:
    """The tree of all code cells of a notebook, one after the other.

    Raises:
        NotChecked: it is not a notebook.
    """
    try:
        text = content.decode("utf-8-sig")
        document = parse_json(text)
    except UnicodeDecodeError:
        raise NotChecked("is not text in UTF-8") from None
    except ValueError as error:
        why = error.msg.lower() if isinstance(error, json.JSONDecodeError) else str(error)
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 0
        raise NotChecked(f"is not a notebook: it is not valid JSON ({why})", line) from None
    found = Parsed(ast.Module([], []), [])
    ends = [match.start() for match in re.finditer("\n", text)]
    place, number = 0, 0
    for cell in _cells(document):
        start = _SOURCE.search(text, place)
        place = start.end() if start else place
        lines = _lines(cell)
        where = [*_places(text, place, lines)]
        place = where[-1][1]
        if cell.get("cell_type") != "code":
            continue
        number += 1
        try:
            tree, lines = _tree(lines)
        except NotChecked as problem:
            at = where[min(max(problem.line, 1), len(where)) - 1][0]
            found.problems.append(NotChecked(f"{problem} (cell {number})", bisect_left(ends, at) + 1))
            continue
        for node in tree.body:
            ast.increment_lineno(node, len(found.lines))
        found.tree.body += tree.body
        found.lines += lines
        found.places += [bisect_left(ends, position) + 1 for position, _ in where]
        found.cells += [number] * len(lines)
    return found


_TIMED = re.compile(r"%(?:time|timeit|prun)(?:\s+-[a-z]+(?:\s*\d+)?)*\s+(?P<statement>\w.*)")
"""Magics of one line that run a statement, with their options."""


def _cells(document: Any) -> Iterator[dict[str, Any]]:
    sheets = document.get("worksheets") if isinstance(document, dict) else None
    holders = [document, *sheets] if isinstance(sheets, list) else [document]
    lists = [one.get("cells") for one in holders if isinstance(one, dict)]
    found = [cells for cells in lists if cells is not None]
    if not found:
        raise NotChecked("is not a notebook: it has no cells")
    if not all(isinstance(cells, list) for cells in found):
        raise NotChecked("is not a notebook: its cells are not a list")
    for cells in found:
        yield from (cell for cell in cells if isinstance(cell, dict))


def _lines(cell: dict[str, Any]) -> list[str]:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    text = source if isinstance(source, str) else ""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _places(text: str, start: int, lines: list[str]) -> Iterator[tuple[int, int]]:
    """Where each line of a cell is in the file: start and end; those that are not found are where the last one was."""
    begun, ended = start, start
    for line in lines:
        for ascii_only in (False, True):
            written = json.dumps(line, ensure_ascii=ascii_only)[1:-1]
            at = text.find(written, ended, ended + len(written) + _GAP)
            if at >= 0:
                begun, ended = at, at + len(written)
                break
        yield begun, ended


def _tree(lines: list[str]) -> tuple[ast.Module, list[str]]:
    """The tree of a cell, and its lines; without IPython's own syntax if it is not Python."""
    try:
        return parse("\n".join(lines)), lines
    except NotChecked:
        plain = [*_python(lines)]
        return parse("\n".join(plain)), plain


def _python(lines: list[str]) -> Iterator[str]:
    """The lines of a cell without IPython's own syntax; none of a cell in another language."""
    magic = re.match(r"%%(\w+)", next((line for line in lines if line.strip()), ""))
    if magic and magic[1] not in _PYTHON_MAGICS:
        yield from ("" for _ in lines)
        return
    for line in lines:
        code = line.lstrip(" \t")
        found = _MAGIC.match(code)
        start = line[: len(line) - len(code)]
        if timed := _TIMED.match(code):
            yield f"{start}{timed['statement']}"
            continue
        yield line if found is None else f"{start}{found['target']}None" if found["target"] else f"{start}pass"
