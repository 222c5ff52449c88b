"""Ranks models for targets that no estimator judges: boxes, masks, entities, answers, texts, sounds, forecasts.

A candidate that has answers of its own for the task is evaluated as it is; the others are fine-tuned briefly, by
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
from zoo.selection.explain.overlap import training_overlap
from zoo.selection.measure.pool import Effort, Survey
from zoo.selection.request.candidates import choose
from zoo.selection.request.constraints import Limits, within
from zoo.selection.select import confirming
from zoo.selection.select.confirming import AS_IT_IS, Trial
from zoo.selection.select.ranked import Placed

if TYPE_CHECKING:
    from zoo.adapt.experiment import Experiment
    from zoo.contract.backbone import Progress
    from zoo.entities import Dataset, ModelCard, ModelId
    from zoo.tasks import Task

STEPS = 60
"""Batches that a model is fine-tuned on at least in the first round, in as many epochs as that takes."""

MOST_EPOCHS = 20
"""Epochs of the first round at most."""


@dataclass
class _Trials:
    """What came out so far.

    Attributes:
        results: by model, of the last round that it took part in.
        failed: why a model has none.
        baseline: the deciding metric of knowing nothing.
        deadline: when the time is up, on the monotonic clock.
    """

    results: dict[str, Confirmation] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    baseline: float | None = None
    deadline: float = math.inf
    ended: str = ""

    def go_on(self) -> None:
        """Raise where the time is up."""
        if time.monotonic() >= self.deadline:
            raise _SpentError


def refuse(task: str, **given: object) -> None:
    """Raises ``InvalidInput`` for an option that means nothing where models are tried, by its name."""
    for option, value in given.items():
        if value:
            raise InvalidInput(
                f"--{option} is for features that are judged by a class or a number for each sample; models for {task} "
                "are tried as a whole.",
                f"Leave --{option} out.",
            )


def trial(task: Task, dataset: Dataset, count: int, strategy: str | None, *, device: str, seed: int) -> Trial:
    """How models are tried: on so many samples, drawn from ``seed``, or the last ones where they follow in time.

    Args:
        strategy: how those without answers of their own are adapted; None trains all of their weights.
    """
    from zoo.data import sample
    from zoo.kinds.known import kind_of

    if count < len(dataset):
        last = range(len(dataset) - count, len(dataset))
        dataset = dataset.subset(last) if kind_of(dataset.target_kind).ordered else sample(dataset, count, seed)
    return Trial(task, dataset, strategy or "full", device, seed)


def by_trying(
    trial: Trial,
    limits: Limits,
    wanted: str | Sequence[str | ModelId | ModelCard] | None,
    effort: Effort,
    *,
    confirm: int,
    progress: Progress,
) -> tuple[Placed, list[ModelCard], list[Exclusion]]:
    """Try all candidates within the limits, and put them in order by what they reached.

    Args:
        wanted: as ``zoo.selection.request.candidates.choose`` takes it.
        confirm: how many of the models with answers of their own are fine-tuned too, the best ones.

    Returns:
        The candidates, their cards, and those outside the limits.

    Raises:
        ZooError: no candidate is left, or none could be tried.
        KeyboardInterrupt: Ctrl-C before the first figure.
    """
    kept, excluded = within(choose(trial.task, wanted, limits=limits), limits)
    cards = [choice.card for choice in kept]
    return _try_all(cards, trial, effort, confirm, progress), cards, excluded


def _try_all(cards: Sequence[ModelCard], trial: Trial, effort: Effort, confirm: int, progress: Progress) -> Placed:
    from zoo.adapt.experiment import prepare
    from zoo.entities import Plan

    parts = prepare(trial.dataset, Plan(task=trial.task.name, seed=trial.seed, device=trial.device))
    deadline = math.inf if effort.budget is None else time.monotonic() + effort.budget
    trials = _Trials(baseline=parts.baseline().get(trial.task.metric.name), deadline=deadline)
    errors: list[ZooError] = []
    smallest_first = sorted(cards, key=lambda card: (card.parameters or math.inf, card.id))
    own: dict[str, Confirmation] = {}
    try:
        with progress.step("Judging models as they are", len(cards)) as step:
            for card in smallest_first:
                trials.go_on()
                try:
                    own[card.id] = _as_it_is(card, parts, trial, trials.baseline, progress)
                    trials.results[card.id] = own[card.id]
                except ZooError as error:
                    trials.failed[card.id] = str(error)
                    errors.append(error)
                step.advance()
        best = sorted(own, key=lambda model: -confirming.worth(own[model], trial))[:confirm]
        _fine_tune([c for c in smallest_first if c.id not in own or c.id in best], parts, trial, trials, progress)
    except _SpentError:
        trials.ended = f"The budget of {effort.budget:g} s was spent before every model was tried."
    except KeyboardInterrupt:
        if not trials.results:
            raise
        trials.ended = "It was interrupted before every model was tried."
    if not trials.results:
        raise _nothing(trials, errors, trial)
    placed = _placed(cards, trial, trials, interrupted=trials.ended.startswith("It was"))
    placed.survey.copies = parts.copies
    tested_as_they_are = [card for card in cards if card.id in own]
    placed.survey.warnings += training_overlap(tested_as_they_are, parts.test)
    return placed


class _SpentError(Exception):
    """The time is up."""


def _as_it_is(
    card: ModelCard, parts: Experiment, trial: Trial, baseline: float | None, progress: Progress
) -> Confirmation:
    """What a model's own answers for the held-out samples reach.

    Raises:
        ZooError: it has none, or cannot be loaded.
    """
    from zoo.adapt import evaluating as judging
    from zoo.features import load

    if trial.task.name not in card.tasks:
        raise UnsupportedModel(f"'{card.id}' has no answers of its own for {trial.task.name}.")
    started = time.monotonic()
    loaded = load(card, device=trial.device, progress=progress)
    metric = trial.task.metric.name
    judged, _ = judging.evaluate_answers(loaded, parts.part(parts.test), trial.task, progress)
    if metric not in judged or not math.isfinite(judged[metric]):
        raise DataError(f"{metric} cannot be told on the held-out samples of '{trial.dataset.name}'.")
    spent = round(time.monotonic() - started, 3)
    return Confirmation("", AS_IT_IS, 0, metric, judged[metric], baseline, len(parts.test), spent)


def _fine_tune(
    cards: Sequence[ModelCard], parts: Experiment, trial: Trial, trials: _Trials, progress: Progress
) -> None:
    """Successive halving; a model that was judged as it is keeps the better of its two figures."""
    batches = math.ceil(len(parts.train) / 32)
    epochs = min(max(math.ceil(STEPS / batches), confirming.FIRST_EPOCHS), MOST_EPOCHS)
    known = {card.id: card for card in cards}
    survivors = list(known)
    while survivors:
        reached: dict[str, Confirmation] = {}
        with progress.step(f"Fine-tuning for {epochs} epochs", len(survivors)) as step:
            for model in survivors:
                trials.go_on()
                try:
                    reached[model] = confirming.reached(confirming.run(model, epochs, trial), trial, epochs)
                    _keep(model, reached[model], trial, trials)
                except ZooError as error:
                    trials.failed[model] = _why(error, known[model], trial)
                step.advance()
        order = sorted(reached, key=lambda model: -confirming.worth(reached[model], trial))
        survivors = order[: math.ceil(len(order) / 2)]
        if len(survivors) < 2 or _perfect(reached[survivors[-1]], trial):
            return
        epochs *= 2


def _why(error: ZooError, card: ModelCard, trial: Trial) -> str:
    """Why a model could not be tried: in one sentence, without the advice to look for another."""
    if isinstance(error, UnsupportedModel) and trial.task.name not in card.tasks:
        reason = error.message.removeprefix(f"'{card.id}' ")
        return f"it is not made for {trial.task.name}, and {reason}"
    return error.message if isinstance(error, UnsupportedModel) else str(error)


def _perfect(found: Confirmation, trial: Trial) -> bool:
    """Whether more epochs could not make it better: a fraction or F1 of 1, an error of 0."""
    return found.value == (1.0 if trial.task.metric.higher_is_better else 0.0)


def _keep(model: str, found: Confirmation, trial: Trial, trials: _Trials) -> None:
    before = trials.results.get(model)
    if (
        before is None
        or before.strategy != AS_IT_IS
        or confirming.worth(found, trial) > confirming.worth(before, trial)
    ):
        trials.results[model] = found


def _nothing(trials: _Trials, errors: Sequence[ZooError], trial: Trial) -> ZooError:
    if not trials.failed:
        return InvalidInput("The budget was spent before one candidate was tried.", "Give a larger --budget.")
    [(model, why), *others] = trials.failed.items()
    if not others and errors:
        return (
            errors[-1]
            if not isinstance(errors[-1], UnsupportedModel)
            else UnsupportedModel(
                f"'{model}' cannot be used for {trial.task.name}: {why}",
                f"Find a model that can: zoo search --task {trial.task.name}",
            )
        )
    return UnsupportedModel(
        f"None of the {len(trials.failed)} candidates can be used for {trial.task.name}: {model}: {why}",
        f"Name some that can with --candidates; find them: zoo search --task {trial.task.name}",
    )


def _placed(cards: Sequence[ModelCard], trial: Trial, trials: _Trials, *, interrupted: bool) -> Placed:
    results, known = trials.results, {card.id: card for card in cards}
    order = sorted(
        results,
        key=lambda model: (-confirming.worth(results[model], trial), known[model].parameters or math.inf, model),
    )
    candidates = []
    for rank, model in enumerate(order, start=1):
        card, found = known[model], results[model]
        tied = rank > 1 and confirming.level(results[order[0]], found)
        candidates.append(
            Candidate(
                rank=rank,
                id=model,
                score=round(confirming.worth(found, trial), 6),
                parameters=card.parameters,
                bytes=card.bytes,
                license=card.license,
                seconds=found.seconds,
                samples=found.samples,
                tied=tied,
                reasons=(confirming.sentence(found, rank, len(order), tied, "knowing nothing"),),
                confirmed=found,
            )
        )
    survey = Survey(partial=trials.ended, interrupted=interrupted)
    survey.excluded = [
        Exclusion(model, f"could not be tried: {why}") for model, why in trials.failed.items() if model not in results
    ]
    survey.warnings += _no_better(candidates[0], trial)
    return Placed(candidates, "tried", survey)


def _no_better(first: Candidate, trial: Trial) -> list[str]:
    """A warning where even the first is no better than knowing nothing."""
    found = first.confirmed
    if found is None or found.baseline is None:
        return []
    nothing = confirming.worth(replace(found, value=found.baseline), trial)
    if confirming.worth(found, trial) > nothing:
        return []
    return [
        f"No candidate is better than knowing nothing ({found.metric} {found.baseline:.4g}): the best, {first.id}, "
        f"reaches {found.value:.4g}. Bring more samples, or let them learn for longer: zoo tune {first.id} --epochs 50"
    ]
