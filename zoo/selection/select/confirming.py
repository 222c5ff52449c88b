"""Fine-tune the first few briefly, and let the better half go on: the last word on those that are nearly level.

Successive halving: Karnin, Koren and Somekh, "Almost optimal exploration in multi-armed bandits", ICML 2013; Jamieson
and Talwalkar, AISTATS 2016. Every round has twice the epochs of the one before, from the pretrained weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from zoo.answers import Candidate, Confirmation
from zoo.errors import ZooError
from zoo.selection.request.strategy import PROBE_BELOW

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.entities import Dataset, Run
    from zoo.selection.request.task import Analysis
    from zoo.tasks import Task

AS_IT_IS = "as it is"
"""In place of a strategy: the model's own answers were judged, and nothing was trained."""

FIRST_EPOCHS = 2
"""Epochs of the first round."""

WIDTH = 1.959964


@dataclass(frozen=True)
class Trial:
    """How the fine-tuning is done, the same for all.

    Attributes:
        strategy: adaptation strategy.
        device, seed: as in ``zoo.tune``.
    """

    task: Task
    dataset: Dataset
    strategy: str
    device: str
    seed: int = 0


def trial(task: Task, dataset: Dataset, analysis: Analysis, device: str, seed: int) -> Trial:
    """What is advised for the data; where that is not fine-tuning, everything, or a linear probe on few samples."""
    advice = analysis.advice
    strategy = "full" if advice is None or advice.strategy in {"linear-probe", "zero-shot"} else advice.strategy
    if advice is not None and advice.per_class < PROBE_BELOW:
        strategy = "linear-probe"
    return Trial(task, dataset, strategy, device, seed)


def confirm(
    ranked: Sequence[Candidate], count: int, trial: Trial, progress: Progress, warnings: list[str]
) -> list[Candidate]:
    """Fine-tune the first ``count`` models; those that were fine-tuned come first, by what they reached.

    Args:
        ranked: best first. Of several layers of one model the first stands for it.
        warnings: a sentence for each model that could not be fine-tuned is added.
    """
    contenders = list(dict.fromkeys(candidate.id for candidate in ranked))[:count]
    results: dict[str, Confirmation] = {}
    epochs, survivors = FIRST_EPOCHS, contenders
    while survivors:
        with progress.step(f"Fine-tuning for {epochs} epochs", len(survivors)) as step:
            for model in survivors:
                try:
                    results[model] = reached(run(model, epochs, trial), trial, epochs)
                except ZooError as error:
                    warnings.append(f"{model} could not be fine-tuned to confirm it: {error}")
                step.advance()
        survivors = sorted((m for m in survivors if m in results), key=lambda m: -worth(results[m], trial))
        if len(survivors) < 2:
            break
        survivors = survivors[: math.ceil(len(survivors) / 2)]
        if len(survivors) == 1:
            break
        epochs *= 2
    return _folded(ranked, results, trial)


def run(model: str, epochs: int, trial: Trial) -> Run:
    """Fine-tune one model for so many epochs; raises ``ZooError`` where it cannot be."""
    from zoo.adapt import tune
    from zoo.adapt.known_strategies import options_of

    wanted = {"epochs": epochs, "patience": epochs, "keep": "fine-tuned"}
    return tune(
        model,
        trial.dataset,
        task=trial.task.name,
        strategy=trial.strategy,
        device=trial.device,
        seed=trial.seed,
        **options_of(trial.strategy, trial.dataset).select(wanted),
    )


def reached(run: Run, trial: Trial, epochs: int) -> Confirmation:
    """What a run reached on its held-out samples, in the task's deciding metric."""
    metric = trial.task.metric.name
    tested = run.plan.get("test_samples") or round(run.samples * float(run.plan.get("test", 0.2)))
    return Confirmation(
        run.id, trial.strategy, epochs, metric, run.metrics[metric], run.baseline.get(metric), tested, run.seconds
    )


def worth(found: Confirmation, trial: Trial) -> float:
    """The figure, with the sign that makes higher better."""
    return found.value if trial.task.metric.higher_is_better else -found.value


def _folded(ranked: Sequence[Candidate], results: dict[str, Confirmation], trial: Trial) -> list[Candidate]:
    """Those that came further first, then by what they reached; the others as they were.

    What the measurement left tied with the winner stays so where only one of the two was fine-tuned.
    """
    first: dict[str, Candidate] = {}
    for candidate in ranked:
        if candidate.id in results:
            first.setdefault(candidate.id, candidate)
    order = sorted(first.values(), key=lambda c: (-results[c.id].epochs, -worth(results[c.id], trial)))
    if order:  # what the held-out samples leave level keeps the order of the measurement
        top = results[order[0].id]
        equals = [c for c in order if results[c.id].epochs == top.epochs and level(top, results[c.id])]
        order = [*sorted(equals, key=lambda c: c.rank), *(c for c in order if c not in equals)]
    rest = [candidate for candidate in ranked if candidate not in order]
    found = []
    for rank, candidate in enumerate([*order, *rest], start=1):
        own = results.get(candidate.id) if candidate in order else None
        if own is None:
            found.append(replace(candidate, rank=rank, tied=_still_tied(candidate, order)))
            continue
        best = results[order[0].id]
        tied = rank > 1 and own.epochs == best.epochs and level(best, own)
        reasons = (sentence(own, rank, len(order), tied), *candidate.reasons)
        found.append(replace(candidate, rank=rank, tied=tied, reasons=reasons, confirmed=own))
    return found


def _still_tied(candidate: Candidate, order: Sequence[Candidate]) -> bool:
    """Whether one that was not fine-tuned was measured to be tied with the winner of those that were, if any."""
    if not order or order[0].rank == 1:
        return candidate.tied
    return order[0].tied and (candidate.tied or candidate.rank == 1)


def level(one: Confirmation, other: Confirmation) -> bool:
    """Whether two fractions of the same test samples are within the 95 % error of independent ones."""
    if not (0.0 <= one.value <= 1.0 and 0.0 <= other.value <= 1.0 and one.samples):
        return False
    middle = (one.value + other.value) / 2
    return abs(one.value - other.value) <= WIDTH * math.sqrt(2 * middle * (1 - middle) / one.samples)


def sentence(found: Confirmation, rank: int, count: int, tied: bool, nothing: str = "the most frequent answer") -> str:
    """What was done and reached, in a sentence.

    Args:
        rank, count: the place among so many that were tried.
        nothing: what the baseline is.
    """
    over = "" if found.baseline is None else f", against {found.baseline:.4g} of {nothing}"
    place = f"{'first' if rank == 1 else f'place {rank}'} of the {count}" if count > 1 else "the only one"
    if found.strategy == AS_IT_IS:
        how, all_of_them = "Judged as it is", "tried"
    else:
        how = f"Fine-tuned here ({found.strategy}, {found.epochs} epochs)"
        all_of_them = "fine-tuned" if nothing == "the most frequent answer" else "tried"
    return (
        f"{how}: {found.metric} {found.value:.4g} on {found.samples:,} held-out samples{over}; {place} that "
        f"{'were' if count > 1 else 'was'} {all_of_them}{', a tie within the error' if tied else ''}."
    )
