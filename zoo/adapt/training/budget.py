"""Ends a training before a deadline, by the time that epochs and batches took so far."""

from __future__ import annotations

import time

MARGIN = 1.1
"""Expected time of an epoch, as a multiple of the longest one so far."""

FORWARD = 1 / 3
"""Cost of a batch without gradients, as a share of that of a training step: one of three passes of equal cost."""

SMOOTHING = 0.3
"""Weight of the latest batch in the moving average of their times."""


class Clock:
    """Decides whether another epoch, or another batch, still fits before a deadline.

    Args:
        deadline: ``time.perf_counter()`` at the end of the budget; None for no limit.
        validation: batches in the validation part.
        reserve: later passes over other samples, as a multiple of a pass over the validation samples.

    Attributes:
        cut: whether an epoch was ended before all its batches.
    """

    def __init__(self, deadline: float | None = None, validation: int = 1, reserve: float = 0.0) -> None:
        self._deadline = deadline
        self._validation, self._afterwards = FORWARD * validation, FORWARD * validation * reserve
        self._longest = self._batch = 0.0
        self._epoch_started = self._batch_started = time.perf_counter()
        self.cut = False

    def ends_before_epoch(self) -> bool:
        """Whether another epoch and the later passes would not end in time; call it before each epoch."""
        now = self._epoch_started = self._batch_started = time.perf_counter()
        if self._deadline is None or not self._longest:
            return False
        return now + MARGIN * self._longest + self._batch * self._afterwards > self._deadline

    def ends_after_batch(self) -> bool:
        """Whether another batch, validation and the later passes would not end in time; call it after each batch."""
        now = time.perf_counter()
        took, self._batch_started = now - self._batch_started, now
        self._batch += (SMOOTHING if self._batch else 1.0) * (took - self._batch)
        if self._deadline is None:
            return False
        self.cut = now + self._batch * (1 + self._validation + self._afterwards) > self._deadline
        return self.cut

    def epoch_ends(self) -> None:
        """Measure an epoch, its validation included."""
        self._longest = max(self._longest, time.perf_counter() - self._epoch_started)
