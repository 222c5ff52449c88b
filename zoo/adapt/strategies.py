"""Adaptation strategies: how a model is made to fit a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.contract.strategy import TRAINING, Options, Strategy
from zoo.errors import InvalidInput, suggest

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
    if _by_learner(plan.strategy, dataset):
        from zoo.adapt.fine_tuning import adapt as fine_tune

        return fine_tune(backbone, dataset, plan, progress, METHODS[plan.strategy])
    return strategy.adapt(backbone, dataset, plan, progress)


def options_of(name: str, dataset: Dataset) -> Options:
    """The options of a plan that a strategy uses on such data.

    Raises:
        InvalidInput: there is no such strategy.
    """
    return _learner_options(name) if _by_learner(name, dataset) else find(name).options


METHODS = {"full": "everything", "partial": "last_blocks", "lora": "low_rank", "linear-probe": "head_alone"}
"""What of a model is trained where its own learner is, by strategy."""


def _learner_options(strategy: str) -> Options:
    """The options of a plan that a strategy uses where the backbone's own learner is trained."""
    reasons = {
        "head": "the model brings its own head, and a linear probe is fitted for classes and numbers only",
        "keep": "there is no other model to keep: fine-tuning is compared with a probe for classes and numbers only",
    }
    if METHODS[strategy] == "head_alone":
        reasons["layer_decay"] = "the pretrained blocks are frozen"
    return Options(frozenset(TRAINING) - reasons.keys(), reasons=reasons)


def _by_learner(name: str, dataset: Dataset) -> bool:
    """Whether a strategy trains the learner that the backbone brings for spans, texts, boxes and other such targets."""
    from zoo.adapt.evaluating import by_answers

    return by_answers(dataset) and name in METHODS


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
