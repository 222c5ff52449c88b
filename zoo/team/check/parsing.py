"""Reads Python files and notebooks into syntax trees, without running anything."""

from __future__ import annotations

import ast
import io
import stat
import sys
import tokenize
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from zoo.team.check.filtering import may_load, notebook_may_load, unusual_coding
from zoo.team.check.listing import NOTEBOOK

MOST_BYTES = 5_000_000
"""Size above which a Python file is not checked; larger ones are generated."""

MOST_NOTEBOOK_BYTES = 25_000_000
"""The same for notebooks, which hold their outputs."""


class NotChecked(Exception):
    """A file, or a cell of a notebook, cannot be checked; the reason, to follow the file's name.

    Attributes:
        line: where, from 1; 0 if not known.
    """

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


@dataclass
class Parsed:
    """A file that may load models.

    Attributes:
        tree: its syntax tree.
        lines: its source, line by line; of a notebook, that of all code cells that can be parsed.
        places: of a notebook, for each of these lines, its line in the file.
        cells: of a notebook, for each of these lines, the number of its cell among the code cells, from 1.
        problems: cells that cannot be checked.
    """

    tree: ast.Module
    lines: list[str]
    places: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    problems: list[NotChecked] = field(default_factory=list)

    def line(self, number: int) -> int:
        """The line of the file for a line of the tree."""
        return self.places[number - 1] if self.places else number

    def where(self, number: int) -> str:
        """The cell that a line of the tree is in, to follow a noun: `` in cell 3``; empty for a Python file."""
        return f" in cell {self.cells[number - 1]}" if self.cells else ""

    def column(self, node: ast.expr) -> int:
        """The column of a node, from 1, in characters."""
        text = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        return len(text.encode("utf-8", "surrogatepass")[: node.col_offset].decode("utf-8", "ignore")) + 1


def parsed(path: Path) -> Parsed | None:
    """A file's syntax tree; None if no known function can be called in it.

    Raises:
        NotChecked: it cannot be read or parsed.
    """
    notebook = path.suffix == NOTEBOOK
    content = read(path, MOST_NOTEBOOK_BYTES if notebook else MOST_BYTES)
    if notebook:
        if not notebook_may_load(content):
            return None
        from zoo.team.check.notebooks import parsed_notebook

        return parsed_notebook(content)
    if not may_load(content):
        return None
    text = _decoded(content)
    return Parsed(parse(text), text.split("\n"))


def read(path: Path, most: int) -> bytes:
    """The content of a file.

    Raises:
        NotChecked: it cannot be read, or is larger than ``most`` bytes.
    """
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(path.stat().st_mode):
                raise NotChecked("is not a regular file")
            content = file.read(most + 1)
    except OSError as error:
        raise NotChecked(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(content) > most:
        raise NotChecked(f"is larger than {most / 1e6:.0f} MB and is not checked")
    return content


def parse(text: str) -> ast.Module:
    """The syntax tree of Python source.

    Raises:
        NotChecked: it is not valid for the running version of Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        version = ".".join(map(str, sys.version_info[:2]))
        why = " ".join((error.msg or "invalid syntax").split())
        raise NotChecked(f"cannot be parsed as Python {version}: {why}", error.lineno or 0) from None
    except (RecursionError, MemoryError):
        raise NotChecked("is nested too deeply to be parsed") from None
    except ValueError as error:
        raise NotChecked(f"cannot be parsed: {error}") from None


def _decoded(content: bytes) -> str:
    if b"\0" in content:
        raise NotChecked("has NUL bytes, so it is not Python source")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotChecked(f"is not text in {error.encoding.upper()}", line) from None
    except (SyntaxError, LookupError):
        stated = "states an encoding that Python does not know" if unusual_coding(content) else "is not text in UTF-8"
        raise NotChecked(stated, 1) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
