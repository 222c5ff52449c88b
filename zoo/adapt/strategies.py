"""Adaptation strategies: how a model is made to fit a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.errors import InvalidInput, suggest

if TYPE_CHECKING:
    from zoo.entities import Dataset, Plan, Run
    from zoo.protocols import Backbone, Progress


@dataclass(frozen=True)
class Strategy:
    """A way to adapt a model.

    Attributes:
        name: what ``--strategy`` takes.
        description: one sentence.
        adapt: function of backbone, data set, plan and progress that gives the run.
        epochs: upper limit where nobody names one.
    """

    name: str
    description: str
    adapt: Callable[[Backbone, Dataset, Plan, Progress], Run]
    epochs: int = 20


def adapt(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    """Adapt the model by the strategy that the plan names.

    Raises:
        InvalidInput: there is no such strategy; the hint names the nearest ones.
    """
    strategy = find(plan.strategy)
    from zoo.adapt.structured import judging, tuning

    # Spans, texts, boxes and their kin are trained by what the backbone brings for them.
    if judging.is_structured(dataset) and plan.strategy in tuning.METHODS:
        return tuning.adapt(backbone, dataset, plan, progress)
    return strategy.adapt(backbone, dataset, plan, progress)


def strategies() -> dict[str, Strategy]:
    """The strategies of all plugins by name; a plugin's own comes before the core's of the same name."""
    from zoo.plugins import plugins

    found: dict[str, Strategy] = {}
    for strategy in plugins().items("zoo_strategies", Strategy):
        found.setdefault(strategy.name, strategy)
    return found


def find(name: str) -> Strategy:
    """The strategy called ``name``.

    Raises:
        InvalidInput: with the nearest names.
    """
    known = strategies()
    if name not in known:
        hint = suggest(name, known)
        raise InvalidInput(f"There is no strategy called '{name}'.", f"{hint} Strategies: {', '.join(known)}.".strip())
    return known[name]


def builtin_strategies() -> Sequence[Strategy]:
    """Linear probe, partial and full fine-tuning, and LoRA."""
    return (
        Strategy("linear-probe", "A linear model on the frozen features; seconds, and strong on few samples.", _probe),
        Strategy("partial", "Fine-tune the last third of the blocks; cheaper, and safer on few samples.", _partial),
        Strategy("lora", "Small matrices beside the frozen weights, merged at the end; little memory.", _lora),
        Strategy("full", "Fine-tune every weight with early stopping; the most to gain, and the most to pay.", _full),
    )  # fmt: skip


def _probe(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    from zoo.adapt.linear_probe import adapt as probe

    return probe(backbone, dataset, plan, progress)


def _partial(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    from zoo.adapt.full import adapt as fine_tune

    return fine_tune(backbone, dataset, plan, progress, "last_blocks")


def _lora(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    from zoo.adapt.full import adapt as fine_tune

    return fine_tune(backbone, dataset, plan, progress, "low_rank")


def _full(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    from zoo.adapt.full import adapt as full

    return full(backbone, dataset, plan, progress)
