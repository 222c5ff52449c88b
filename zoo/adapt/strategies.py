"""Adaptation strategies: how a model is made to fit a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.adapt.known_strategies import METHODS, find, options_of, trains_learner
from zoo.contract.strategy import TRAINING, Options, Strategy

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.entities import Dataset, Plan, Run


def adapt(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    """Adapt the model by the strategy that the plan names.

    Raises:
        InvalidInput: there is no such strategy, or the plan has an option that would have no effect.
    """
    strategy = find(plan.strategy)
    options_of(plan.strategy, dataset).check(plan, strategy.epochs)
    if trains_learner(plan.strategy, dataset):
        from zoo.adapt.fine_tuning import adapt as fine_tune

        return fine_tune(backbone, dataset, plan, progress, METHODS[plan.strategy])
    return strategy.adapt(backbone, dataset, plan, progress)


def builtin_strategies() -> Sequence[Strategy]:
    """Linear probe, partial and full fine-tuning, and LoRA."""
    every = Options(frozenset(TRAINING))
    fitted = Options(
        frozenset({"batch_size"}),
        "a linear probe is fitted to the frozen features in one piece, without epochs",
        {"keep": "it is the linear probe that is kept"},
        "fine-tune: --strategy full",
    )
    return (
        Strategy(
            "linear-probe",
            "A linear model on the frozen features; seconds, and strong on few samples.",
            _probe,
            options=fitted,
        ),
        Strategy(
            "partial",
            "Fine-tune the last third of the blocks; cheaper, and safer on few samples.",
            _partial,
            options=every,
        ),
        Strategy(
            "lora", "Small matrices beside the frozen weights, merged at the end; little memory.", _lora, options=every
        ),
        Strategy(
            "full",
            "Fine-tune every weight with early stopping; the most to gain, and the most to pay.",
            _full,
            options=every,
        ),
    )


def _probe(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    from zoo.adapt.linear_probe import adapt as probe

    return probe(backbone, dataset, plan, progress)


def _partial(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    from zoo.adapt.fine_tuning import adapt as fine_tune

    return fine_tune(backbone, dataset, plan, progress, "last_blocks")


def _lora(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    from zoo.adapt.fine_tuning import adapt as fine_tune

    return fine_tune(backbone, dataset, plan, progress, "low_rank")


def _full(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    from zoo.adapt.fine_tuning import adapt as full

    return full(backbone, dataset, plan, progress)
