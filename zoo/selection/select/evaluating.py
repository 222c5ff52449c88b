"""Ranks models for targets without estimators: boxes, masks, entities, texts, sounds, forecasts.

A candidate with predictions of its own for the task is evaluated as it is; the others are fine-tuned briefly, by
successive halving (``zoo.selection.select.confirming``). All are evaluated on the same held-out samples, by the task's
own metric.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from zoo.answers import Candidate, Confirmation, Exclusion
from zoo.errors import DataError, InvalidInput, UnsupportedModel, ZooError
from zoo.selection.measure.measurements import Effort, Measurements
from zoo.selection.measure.overlap import training_overlap
from zoo.selection.select import confirming
from zoo.selection.select.confirming import AS_IT_IS, TuningPlan
from zoo.selection.select.ranked import Ranked

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.contract.experiment import Experiment
    from zoo.entities import Dataset, ModelCard
    from zoo.tasks import Task

STEPS = 60
"""Minimum number of batches for fine-tuning in the first round, which determines its epochs."""

MOST_EPOCHS = 20
"""Maximum epochs of the first round."""


class _BudgetSpent(BaseException):
    """The time is up."""


@dataclass
class _Results:
    """The results so far.

    Attributes:
        by_model: result of each model's last round.
        failed: why a model has no result.
        baseline: the primary metric without a model.
        deadline: when the time is up, on the monotonic clock.
        ended: why not every model was evaluated, in a sentence; empty if every one was.
    """

    by_model: dict[str, Confirmation] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    baseline: float | None = None
    deadline: float = math.inf
    ended: str = ""

    def check_time(self) -> None:
        """Raise ``_BudgetSpent`` past the deadline."""
        if time.monotonic() >= self.deadline:
            raise _BudgetSpent


def refuse(task: str, **given: object) -> None:
    """Raise ``InvalidInput`` for an option that has no effect without estimators; names it."""
    for option, value in given.items():
        if value:
            raise InvalidInput(
                f"--{option} needs targets that are classes or numbers; {task} has no estimators.",
                f"Leave --{option} out.",
            )


def evaluation_plan(
    task: Task, dataset: Dataset, count: int, strategy: str | None, *, device: str, seed: int, trials: int = 1
) -> TuningPlan:
    """How models are evaluated: on ``count`` samples drawn by ``seed``, or the last ones where samples follow in time.

    Args:
        strategy: how models without predictions of their own are adapted; None trains all weights.
        trials: see ``TuningPlan``.
    """
    from zoo.data import sample
    from zoo.kinds.known import kind_of

    if count < len(dataset):
        last = range(len(dataset) - count, len(dataset))
        dataset = dataset.subset(last) if kind_of(dataset.target_kind).ordered else sample(dataset, count, seed)
    return TuningPlan(task, dataset, strategy or "full", device, seed, trials)


def rank_by_evaluating(
    cards: Sequence[ModelCard], plan: TuningPlan, effort: Effort, *, confirm: int, progress: Progress
) -> Ranked:
    """Evaluate all candidates, and rank them by their result.

    Args:
        confirm: number of models with predictions of their own, best first, to fine-tune as well.

    Raises:
        ZooError: none could be evaluated.
        KeyboardInterrupt: Ctrl-C before the first figure.
    """
    from zoo.adapt.experiment import prepare
    from zoo.entities import Plan

    parts = prepare(plan.dataset, Plan(task=plan.task.name, seed=plan.seed, device=plan.device))
    deadline = math.inf if effort.budget is None else time.monotonic() + effort.budget
    results = _Results(baseline=parts.baseline().get(plan.task.metric.name), deadline=deadline)
    errors: list[ZooError] = []
    smallest_first = sorted(cards, key=lambda card: (card.parameters or math.inf, card.id))
    own: dict[str, Confirmation] = {}
    interrupted = False
    try:
        with progress.step("Evaluating models as they are", len(cards)) as step:
            for card in smallest_first:
                results.check_time()
                try:
                    own[card.id] = _as_it_is(card, parts, plan, results.baseline, progress)
                    results.by_model[card.id] = own[card.id]
                except ZooError as error:
                    results.failed[card.id] = str(error)
                    errors.append(error)
                step.advance()
        best = sorted(own, key=lambda model: -confirming.score_of(own[model], plan))[:confirm]
        _fine_tune([c for c in smallest_first if c.id not in own or c.id in best], parts, plan, results, progress)
    except _BudgetSpent:
        results.ended = f"The budget of {effort.budget:g} s was spent before every model was evaluated."
    except KeyboardInterrupt:
        if not results.by_model:
            raise
        interrupted, results.ended = True, "It was interrupted before every model was evaluated."
    if not results.by_model:
        raise _none_evaluated(results, errors, plan)
    candidates = _candidates(cards, plan, results.by_model)
    measurements = Measurements(partial=results.ended, interrupted=interrupted, copies=parts.copies)
    measurements.excluded = [
        Exclusion(model, f"could not be evaluated: {why}")
        for model, why in results.failed.items()
        if model not in results.by_model
    ]
    measurements.warnings += _no_better(candidates[0], plan)
    measurements.warnings += training_overlap([card for card in cards if card.id in own], parts.part(parts.test))
    return Ranked(candidates, cards, "evaluated", measurements=measurements)


def _as_it_is(
    card: ModelCard, parts: Experiment, plan: TuningPlan, baseline: float | None, progress: Progress
) -> Confirmation:
    """The result of a model's own predictions for the held-out samples.

    Raises:
        ZooError: it makes none, or cannot be loaded.
    """
    from zoo.adapt.evaluating import evaluate_answers
    from zoo.features import load

    if plan.task.name not in card.tasks:
        raise UnsupportedModel(f"'{card.id}' makes no predictions for {plan.task.name}.")
    started = time.monotonic()
    loaded = load(card, device=plan.device, progress=progress, action="recommend", task=plan.task.name)
    metric = plan.task.metric.name
    metrics = evaluate_answers(loaded, parts.part(parts.test), plan.task, progress).metrics
    if metric not in metrics or not math.isfinite(metrics[metric]):
        raise DataError(f"{metric} is not defined on the held-out samples of '{plan.dataset.name}'.")
    seconds = round(time.monotonic() - started, 3)
    return Confirmation("", AS_IT_IS, 0, metric, metrics[metric], baseline, len(parts.test), seconds)


def _fine_tune(
    cards: Sequence[ModelCard], parts: Experiment, plan: TuningPlan, results: _Results, progress: Progress
) -> None:
    """Successive halving; a model that was evaluated as it is keeps the better of its two results."""
    batches = math.ceil(len(parts.train) / 32)
    epochs = min(max(math.ceil(STEPS / batches), confirming.FIRST_EPOCHS), MOST_EPOCHS)
    known = {card.id: card for card in cards}
    survivors = list(known)
    while survivors:
        reached: dict[str, Confirmation] = {}
        with progress.step(f"Fine-tuning for {epochs} epochs", len(survivors)) as step:
            for model in survivors:
                results.check_time()
                try:
                    run = confirming.fine_tune(model, epochs, plan, search=len(survivors) <= confirming.LAST)
                    reached[model] = confirming.reached(run, plan, epochs)
                    _keep_better(model, reached[model], plan, results)
                except ZooError as error:
                    results.failed[model] = _why(error, known[model], plan)
                step.advance()
        order = sorted(reached, key=lambda model: -confirming.score_of(reached[model], plan))
        survivors = order[: math.ceil(len(order) / 2)]
        if len(survivors) < 2 or _is_perfect(reached[survivors[-1]], plan):
            return
        epochs *= 2


def _why(error: ZooError, card: ModelCard, plan: TuningPlan) -> str:
    """Why a model could not be evaluated, in one sentence, without the hint."""
    if isinstance(error, UnsupportedModel) and plan.task.name not in card.tasks:
        reason = error.message.removeprefix(f"'{card.id}' ")
        return f"it is not made for {plan.task.name}, and {reason}"
    return error.message if isinstance(error, UnsupportedModel) else str(error)


def _is_perfect(found: Confirmation, plan: TuningPlan) -> bool:
    """Whether the result cannot improve: a fraction or F1 of 1, an error of 0."""
    return found.value == (1.0 if plan.task.metric.higher_is_better else 0.0)


def _keep_better(model: str, found: Confirmation, plan: TuningPlan, results: _Results) -> None:
    before = results.by_model.get(model)
    if (
        before is None
        or before.strategy != AS_IT_IS
        or confirming.score_of(found, plan) > confirming.score_of(before, plan)
    ):
        results.by_model[model] = found


def _none_evaluated(results: _Results, errors: Sequence[ZooError], plan: TuningPlan) -> ZooError:
    task = plan.task.name
    if not results.failed:
        return InvalidInput("The budget was spent before one candidate was evaluated.", "Give a larger --budget.")
    [(model, why), *others] = results.failed.items()
    if others or not errors:
        return UnsupportedModel(
            f"None of the {len(results.failed)} candidates can be used for {task}: {model}: {why}",
            f"Name models that can with --candidates; find them: zoo search --task {task}",
        )
    if not isinstance(errors[-1], UnsupportedModel):
        return errors[-1]
    return UnsupportedModel(
        f"'{model}' cannot be used for {task}: {why}", f"Find a model that can: zoo search --task {task}"
    )


def _candidates(cards: Sequence[ModelCard], plan: TuningPlan, results: dict[str, Confirmation]) -> list[Candidate]:
    """The models with a result as candidates, best first."""
    known = {card.id: card for card in cards}
    order = sorted(
        results,
        key=lambda model: (-confirming.score_of(results[model], plan), known[model].parameters or math.inf, model),
    )
    candidates = []
    for rank, model in enumerate(order, start=1):
        card, found = known[model], results[model]
        tied = rank > 1 and confirming.are_tied(results[order[0]], found)
        candidates.append(
            Candidate(
                rank=rank,
                id=model,
                score=round(confirming.score_of(found, plan), 6),
                parameters=card.parameters,
                bytes=card.bytes,
                license=card.license,
                seconds=found.seconds,
                samples=found.samples,
                tied=tied,
                reasons=(confirming.sentence(found, rank, len(order), tied),),
                confirmed=found,
            )
        )
    return candidates


def _no_better(first: Candidate, plan: TuningPlan) -> list[str]:
    """A warning if not even the first beats the baseline."""
    found = first.confirmed
    if found is None or found.baseline is None:
        return []
    baseline = confirming.score_of(replace(found, value=found.baseline), plan)
    if confirming.score_of(found, plan) > baseline:
        return []
    # A model that was evaluated as it is may have nothing to train.
    trained = found.strategy != confirming.AS_IT_IS
    longer = (
        f"Add samples, or train for longer: zoo tune {first.id} --epochs 50" if trained else "Try other candidates."
    )
    return [
        f"No candidate beats the baseline ({found.metric} {found.baseline:.4g}): the best, {first.id}, reaches "
        f"{found.value:.4g}. {longer}"
    ]
