"""Adaptation strategies: how a model is made to fit a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.entities import Backbone, Dataset, Plan, Progress, Run


@dataclass(frozen=True)
class Strategy:
    """A way to adapt a model.

    Attributes:
        name: what ``--strategy`` takes.
        description: one sentence.
        adapt: function of backbone, data set, plan and progress that gives the run.
    """

    name: str
    description: str
    adapt: Callable[[Backbone, Dataset, Plan, Progress], Run]
