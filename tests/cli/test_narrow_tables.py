"""On a narrow terminal a table drops optional columns, reports it, and leaves the rest complete."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from zoo.cli.choose import label_errors
from zoo.cli.output import Column, Output, _fitting
from zoo.quality import LabelErrors, Suspect

CELLS = st.text(st.characters(categories=["Ll"]), max_size=12)


@contextmanager
def terminal(width: int) -> Iterator[StringIO]:
    """What is printed as a table on a terminal of this width, without colours."""
    written = StringIO()
    console = Console(file=written, width=width, force_terminal=True, color_system=None, highlight=False)
    with patch("sys.stdout.isatty", lambda: True), patch.object(Output, "console", lambda self: console):
        yield written


@given(st.lists(st.tuples(CELLS, CELLS, st.integers(0, 3)), min_size=1, max_size=8), st.integers(1, 60))
def test_optional_columns_go_until_the_rest_fits(table: list[tuple[str, str, int]], width: int) -> None:
    columns = [Column(title, optional=optional) for title, _, optional in table]
    shown, rows, dropped = _fitting(columns, [[cell for _, cell, _ in table]], width)

    assert len(shown) + len(dropped) == len(columns)
    assert [c.title for c in columns if not c.optional] == [c.title for c in shown if not c.optional]
    needed = sum(max(len(column.title), len(cell)) + 2 for column, cell in zip(shown, rows[0], strict=True)) - 2
    assert needed <= width or not any(column.optional for column in shown)
    gone = sorted(c.optional for c in columns)[len(shown) :]
    kept = [column.optional for column in shown]
    assert not gone or not kept or max(kept) <= min(gone)


def test_of_equally_optional_columns_the_last_goes_first() -> None:
    columns = [Column("model"), Column("logme", optional=6), Column("hscore", optional=6)]
    assert _fitting(columns, [["m", "0.2", "8.7"]], 12)[2] == ["hscore"]


def test_ids_stay_whole_at_80_columns() -> None:
    code = (
        "from zoo.cli.output import Column, Output\n"
        "columns = [Column('rank', number=True), Column('model'), *(Column(f'more {n}', optional=n) for n in range(1, 9))]\n"
        "Output().table(columns, [[str(n), f'pkg:efficientnet-lite{n}', *['a value'] * 8] for n in range(3)])\n"
    )
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=follower, env=environment)
    os.close(follower)
    printed = b""
    try:
        while block := os.read(leader, 65536):
            printed += block
    except OSError:
        pass  # Linux ends the stream so when the last writer is gone
    os.close(leader)

    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed.decode())
    assert all(f"pkg:efficientnet-lite{n}" in text for n in range(3))
    assert "Not shown for lack of space: more 6, more 7, more 8." in text
    assert max(map(len, text.splitlines())) <= 80


@given(st.integers(0, 3), st.integers(20, 60), st.integers(30, 100))
def test_nothing_of_a_cell_is_lost_where_the_rest_is_too_wide(others: int, length: int, width: int) -> None:
    ids = [f"{n}{'abcdefghij' * 6}"[:length] for n in range(2)]
    columns = [Column("rank", number=True), Column("model"), Column("expected (95 % interval)", number=True)]
    columns += [Column(f"gain over model {n}", number=True) for n in range(others)]
    rows = [[str(7 + n), id, "2.5 (1.5 to 3.5)", *["+0.6364"] * others] for n, id in enumerate(ids)]
    with terminal(width) as written:
        Output().table(columns, rows)

    lines = written.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    shown = "".join("".join(lines).split())
    kept = sorted(c for c in shown if c.isalnum())
    wanted = "".join(["".join(row) for row in rows] + [column.title for column in columns])
    assert kept == sorted(c for c in wanted if c.isalnum())


def test_long_names_are_shortened_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    long = "Complaint about a delivery that arrived late, in a damaged box, or not at all"
    alike = [f"Question about invoice number {n} that the customer has not paid yet" for n in (1, 2)]
    columns = [Column("class", short=True), Column("recall", number=True)]
    rows = [[name, "0.500"] for name in (long, *alike, "Praise")]

    with terminal(120) as written:
        Output().table(columns, rows)
    Output().table(columns, rows)

    shown = [line.rpartition("  ")[0].strip() for line in written.getvalue().splitlines()]
    assert shown[1:] == ["Complaint about a d\u2026not at all", *alike, "Praise"]
    assert long in capsys.readouterr().out


def test_suspicious_labels_show_their_confidence_at_80_columns() -> None:
    item = "line 17 a long text of a customer who waits for a parcel that never came"
    suspects = tuple(Suspect(n, item, "complaint", "question", 0.0123, 0.9, "label") for n in range(2))
    found = LabelErrors("mails", "f", "pkg:wordllama/64", "mean", 200, suspects)

    with terminal(80) as written:
        label_errors.show(Output(), found)

    lines = written.getvalue().splitlines()
    assert "self-confidence" in lines[0]
    assert sum("0.012" in line for line in lines) == 2
    assert max(map(len, lines)) <= 80
