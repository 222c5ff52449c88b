"""How a kind whose targets are sets of classes reads them from a table, and how a target is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class TargetSets:
    """The targets of n rows of a table, with the classes that occur in them.

    Attributes:
        items: the targets of the usable rows, in order.
        kept: position among the n of each target.
        classes: class names, in the order in which targets refer to them.
        problems: position among the n of each row that is unusable, with the reason.
        notes: how ambiguous cells were read, in sentences.
    """

    items: Sequence[Any]
    kept: Sequence[int]
    classes: tuple[str, ...]
    problems: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class HasTargets:
    """The part of a kind that says what its targets are; every method has a default.

    Attributes:
        several: whether a sample may have several of the data's classes, or none. Such targets are read from cells with
            lists or separators, where an empty cell has no class, or from one column of 0 and 1 for each class. Their
            ``array`` is n x K: integers 0 or 1 as targets, and as predictions also floats, which are positive for the
            classes that are predicted and rank the samples of each class.
    """

    several: ClassVar[bool] = False

    def read_targets(self, rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> TargetSets:
        """The targets of n rows, from their cells in one column of lists, or in a column of 0 and 1 for each class.

        Called for kinds with ``several``.

        Raises:
            DataError: the cells do not hold such targets.
        """
        raise NotImplementedError

    def target_text(self, target: Any, classes: Sequence[str]) -> str:
        """A target in a few words, such as the name of its class; empty if it takes more."""
        return f"{target:.15g}" if isinstance(target, float) else target if isinstance(target, str) else ""
