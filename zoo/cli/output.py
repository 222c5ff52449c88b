"""All printing: tables for people, JSON for tools, errors and notes on stderr.

Untrusted names and texts are printed on one line each, without control characters and credentials (``zoo.cli.gate``).
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zoo.cli.gate import ReaderGone, behind, line_for
from zoo.errors import StorageError
from zoo.redaction import redacted_values
from zoo.visible import json_text, writes_unicode

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.contract.backbone import Progress
    from zoo.entities import LeftOut, Problem
    from zoo.errors import ZooError

SHOWN_PROBLEMS = 5
"""Number of unusable items to name in a report."""

LONGEST_NAME = 30
"""Maximum number of characters of a shortened cell."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, and whether it contains numbers, which are right-aligned.

    Attributes:
        fold: whether wide cells continue on the next line.
        optional: 0 for a column that is always shown; of the others the highest is dropped first on a narrow terminal.
        short: whether a terminal shows the start and the end of texts over ``LONGEST_NAME`` characters, such as names
            of classes; not for ids, which are pasted into the next command.
    """

    title: str
    number: bool = False
    fold: bool = False
    optional: int = 0
    short: bool = False


class Output:
    """Prints results to stdout and everything else to stderr.

    Attributes:
        json: whether results go out as one JSON document.
        traceback: whether errors come with their traceback.
        failure: exit code of an error.
    """

    def __init__(self) -> None:
        self.json = False
        self.traceback = False
        self.failure = 1

    def data(self, document: Any) -> None:
        """Print one JSON document; credentials in it are hidden."""
        print(json_text(redacted_values(document), indent=2, ascii_only=not writes_unicode(sys.stdout)))

    def text(self, line: str = "") -> None:
        """Print one line."""
        print(line_for(sys.stdout, line))

    def lines(self, text: str) -> None:
        """Print text of several lines, of which each part was filtered already."""
        print(text)

    def paragraph(self, text: str, indent: int = 0) -> None:
        """Print running text: wrapped and indented on a terminal, in one line elsewhere."""
        margin = " " * indent
        text = line_for(sys.stdout, text)
        if not sys.stdout.isatty():
            print(f"{margin}{text}")
            return
        import shutil
        import textwrap

        width = max(shutil.get_terminal_size().columns, indent + 20)
        print(textwrap.fill(text, width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False))

    def counted(self, counts: Mapping[str, int]) -> str:
        """Counts by plural noun in words: ``3 models and 1 score``."""
        parts = [f"{n:,} {name if n != 1 else name.removesuffix('s')}" for name, n in counts.items() if n]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "nothing"

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str = "", head: bool = True
    ) -> None:
        """Print aligned columns, numbers to the right.

        On a terminal, wide cells fold, and those of ``short`` columns are shortened; elsewhere each row is one complete
        line, for other programs.
        """
        rows = [[line_for(sys.stdout, cell) for cell in row] for row in rows]
        columns = [replace(column, title=line_for(sys.stdout, column.title)) for column in columns]
        title = line_for(sys.stdout, title)
        if not sys.stdout.isatty():
            for line in _lines(columns, rows, title, head):
                print(line)
            return
        from rich.table import Table

        rows = _abbreviated(columns, rows)
        columns, rows, dropped = _fitting(columns, rows, self.console().width)
        table = Table(
            box=None,
            pad_edge=False,
            show_edge=False,
            show_header=head,
            title=title or None,
            title_justify="left",
            header_style="bold",
            title_style="bold",
        )
        for column in columns:
            table.add_column(
                column.title,
                justify="right" if column.number else "left",
                no_wrap=not column.fold,
                overflow="fold",
            )
        for row in rows:
            table.add_row(*row)
        self.console().print(table)
        if dropped:
            self.paragraph(f"Not shown for lack of space: {', '.join(dropped)}. Use a wider terminal or --json.")

    def console(self, stderr: bool = False) -> Console:
        """A rich console, wide enough for whole rows if the output is not a terminal.

        It bypasses the gate to write its own control characters, so its input must have passed ``line_for``.
        """
        from rich.console import Console

        stream = behind(sys.stderr if stderr else sys.stdout)
        return Console(
            file=stream,
            stderr=stderr,
            width=None if stream.isatty() else 200,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=False,
        )

    def note(self, line: str) -> None:
        """Print one line to stderr."""
        print(line_for(sys.stderr, line), file=sys.stderr)

    def warn(self, line: str) -> None:
        """Print a warning to stderr, in one line."""
        self.note(f"Warning: {line}")

    def left_out(self, problems: Sequence[Problem]) -> None:
        """Report unusable items on stderr with the reason: one by one if they are few, else grouped by reason."""
        from zoo.data.profiling import by_reason

        if not problems:
            return
        few = len(problems) <= SHOWN_PROBLEMS
        groups = [group for one in problems for group in by_reason([one])] if few else by_reason(problems)
        self.note(f"Left out: {len(problems):,}")
        for line in reasons(groups):
            self.note(f"   {line}")

    def notes(self, sentences: Sequence[str]) -> None:
        """Print notes on the data to stderr, a line each."""
        for sentence in sentences:
            self.note(f"Note: {sentence}")

    def error(self, error: ZooError) -> None:
        """Print an error: one line on stderr, and with ``--json`` an object on stdout as well."""
        self.note(f"Error: {_LONG_WORD.sub(_shortened, ' '.join(str(error).split()))}")
        if self.json:
            with contextlib.suppress(StorageError, ReaderGone):  # it may be stdout that fails
                self.data({"error": error.to_dict()})

    def progress(self) -> Progress:
        """Progress bars if stderr is a terminal, else none."""
        from zoo.cli.progress import BarProgress
        from zoo.contract.backbone import SilentProgress

        return BarProgress(self.console(stderr=True)) if sys.stderr.isatty() else SilentProgress()


_LONG_WORD = re.compile(r"(?<=')[^']{1001,}(?=')|\S{1001,}")
"""Quoted text or a word of over 1,000 characters: the content of a file, or a mistake, but not a path."""


def _shortened(found: re.Match[str]) -> str:
    return f"{found[0][:100]}..."


_GAP = 2
"""Spaces between two columns."""

_LEAST = 12
"""Width in characters below which a folded column is not narrowed while another can be folded."""


def _abbreviated(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows with long texts of ``short`` columns shortened in the middle; those that would look alike stay whole."""
    dots = "\u2026" if writes_unicode(sys.stdout) else "..."
    end = LONGEST_NAME // 3
    start = LONGEST_NAME - end - len(dots)
    long = {cell for row in rows for column, cell in zip(columns, row, strict=True) if column.short}
    names = {cell: f"{cell[:start]}{dots}{cell[-end:]}" for cell in long if len(cell) > LONGEST_NAME}
    alike = Counter(names.values())
    shown = {cell: name for cell, name in names.items() if alike[name] == 1}
    return [
        [shown.get(cell, cell) if column.short else cell for column, cell in zip(columns, row, strict=True)]
        for row in rows
    ]


def _fitting(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> tuple[Sequence[Column], Sequence[Sequence[str]], list[str]]:
    """The part of a table that fits into ``width`` characters, and the titles of the optional columns left out."""
    widths = [max(len(text) for text in (column.title, *cells)) for column, *cells in zip(columns, *rows, strict=True)]
    shown = [*range(len(columns))]
    while sum(widths[at] + _GAP for at in shown) - _GAP > width:
        at = max(reversed(shown), key=lambda at: columns[at].optional)  # the last of equal ones
        if not columns[at].optional:
            break
        shown.remove(at)
    dropped = [column.title for at, column in enumerate(columns) if at not in shown]
    kept, rows = [columns[at] for at in shown], [[row[at] for at in shown] for row in rows]
    if sum(widths[at] + _GAP for at in shown) - _GAP > width:
        kept = _narrowed([_high(column, [row[at] for row in rows]) for at, column in enumerate(kept)], rows, width)
    return kept, rows, dropped


def _narrowed(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[Column]:
    """The columns, with enough of them folded to fit, wide texts first; cells are never truncated."""
    widths = [max(map(len, [*c.title.split("\n"), *cells])) for c, *cells in zip(columns, *rows, strict=True)]
    folded = {at for at, column in enumerate(columns) if column.fold}
    left = width + _GAP
    for at in sorted(range(len(columns)), key=lambda at: (columns[at].number, -widths[at])):
        whole = sum(widths[at] + _GAP for at in range(len(columns)) if at not in folded)
        if left - whole >= sum(min(widths[at], _LEAST) + _GAP for at in folded):
            break
        folded.add(at)
    return [replace(column, fold=at in folded) for at, column in enumerate(columns)]


def _high(column: Column, cells: Sequence[str]) -> Column:
    """A column of numbers with its title wrapped, no wider than its cells if its words allow it."""
    if not column.number:
        return column
    import textwrap

    width = max(map(len, [*column.title.split(), *cells]))
    wrapped = (textwrap.fill(part, width, break_on_hyphens=False) for part in column.title.rsplit(" (", 1))
    return replace(column, title="\n(".join(wrapped))


def _lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str, head: bool) -> Iterator[str]:
    """A table as plain text, without importing anything."""
    table = [[column.title for column in columns], *rows] if head else list(rows)
    widths = [max((len(row[place]) for row in table), default=0) for place in range(len(columns))]
    if title:
        yield title
    for row in table:
        cells = zip(row, widths, columns, strict=True)
        yield "  ".join(c.rjust(width) if column.number else c.ljust(width) for c, width, column in cells).rstrip()


def reasons(groups: Sequence[LeftOut]) -> Iterator[str]:
    """Lines on unusable items: one for each of the first groups, and the number of other items."""
    for group in groups[:SHOWN_PROBLEMS]:
        many = f"{group.count:,} {group.suffix or 'items'}, such as " if group.count > 1 else ""
        # A reason that is printed alone names the item.
        named = not many and group.example in group.reason
        yield group.reason if named else f"{many}{group.example}: {group.reason}"
    if more := sum(group.count for group in groups[SHOWN_PROBLEMS:]):
        yield f"and {more:,} more; --json lists them all"
