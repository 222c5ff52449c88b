"""Progress bars on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class BarStep:
    """One bar."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def advance(self, amount: int = 1) -> None:
        """Advance the bar."""
        self._bars.advance(self._task, amount)


class BarProgress:
    """Progress bars, one for each running step; steps may be nested."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Progress | None = None
        self._open = 0

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[BarStep]:
        """A bar for the time of the block."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from zoo.cli.gate import close_gates, line_for

        if self._bars is None:
            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._bars.start()
            close_gates()
        bars = self._bars
        task = bars.add_task(line_for(sys.stderr, description), total=total)
        self._open += 1
        try:
            yield BarStep(bars, task)
        finally:
            bars.remove_task(task)
            self._open -= 1
            if not self._open:
                bars.stop()
                self._bars = None
