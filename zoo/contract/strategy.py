"""Adaptation strategies, and the options of a plan that they use; setting one without effect is an error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.contract.space import Space
from zoo.entities import Plan
from zoo.errors import InvalidInput

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.experiment import Experiment
    from zoo.entities import Run

COMMON = frozenset(
    (
        "strategy",
        "task",
        "validation",
        "test",
        "seed",
        "split",
        "device",
        "output",
        "folds",
        "fold",
        "repeats",
        "drop",
        "trials",
    )
)
"""Options that every strategy uses: what is done, on which samples, on which device."""

TRAINING = tuple(one.name for one in dataclasses.fields(Plan) if one.name not in COMMON)
"""All other options of a plan: how the model is trained, and which model is kept."""

TUNED_MODEL = "tuned_model"
"""Key of a run's plan that names the adapted model if it is not a folder, see ``Experiment.register``."""


@dataclass(frozen=True)
class Options:
    """The options of a plan that a strategy uses, besides those in ``COMMON``.

    Attributes:
        used: their names in ``Plan``.
        reason: why the others have no effect.
        reasons: more specific reasons for single options, by name.
        instead: what to do instead of leaving an option out, if anything.
    """

    used: frozenset[str] = frozenset()
    reason: str = "the strategy does not use it"
    reasons: Mapping[str, str] = field(default_factory=dict)
    instead: str = ""

    def check(self, plan: Plan, epochs: int) -> None:
        """Reject an option that has no effect and is not at its default.

        Args:
            epochs: the strategy's own default.

        Raises:
            InvalidInput: names the option, the reason and what to do.
        """
        for one in dataclasses.fields(Plan):
            default = epochs if one.name == "epochs" else one.default
            if one.name in self.used | COMMON or getattr(plan, one.name) == default:
                continue
            option = flag(one.name)
            raise InvalidInput(
                f"{option} has no effect with --strategy {plan.strategy} for {plan.task}: "
                f"{self.reasons.get(one.name, self.reason)}.",
                f"Leave {option} out{self.instead and f', or {self.instead}'}.",
            )

    def select(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Those of ``wanted`` that are used."""
        return {name: value for name, value in wanted.items() if name in self.used | COMMON}


def flag(name: str) -> str:
    """The name of an option on the command line: ``--layer-decay``."""
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True)
class Strategy:
    """An adaptation strategy.

    Attributes:
        name: what ``--strategy`` takes.
        description: one sentence.
        adapt: function of backbone, split data set, plan and progress that gives the run, see ``Experiment.record``.
        epochs: upper limit where the plan names none.
        options: the options of a plan that it uses; others are rejected.
        structured: these for targets that are neither classes nor numbers, such as boxes, if they differ.
        plan: how it trains, in a sentence, if not with the epochs, batch size and learning rate of the plan.
        space: settings that ``--trials`` searches, of those that the strategy uses; empty if there are none.
    """

    name: str
    description: str
    adapt: Callable[[Backbone, Experiment, Plan, Progress], Run]
    epochs: int = 20
    options: Options = field(default_factory=Options)
    plan: str = ""
    structured: Options | None = None
    space: Space = field(default_factory=dict)
