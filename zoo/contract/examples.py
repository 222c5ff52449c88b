"""Examples of a kind, for the conformance suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Examples:
    """The examples of its values and answers that a kind has."""

    def ordinary(self) -> Sequence[Any]:
        """Some ordinary values, of different sizes if possible."""
        return ()

    def ordinary_answers(self) -> Sequence[Any]:
        """Some ordinary answers of models, of the same size if ``ordinary`` returns samples of another type."""
        return self.ordinary()

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """Extreme values of real data, each with its name: empty, tiny, huge."""
        return ()
