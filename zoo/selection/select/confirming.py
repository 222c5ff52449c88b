"""Fine-tunes the top candidates briefly, the better half for longer, to decide between near ties.

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
"""Instead of a strategy: the model's own predictions were evaluated, without training."""

FIRST_EPOCHS = 2
"""Epochs of the first round."""

LAST = 2
"""Models in the last round, whose settings are searched if that is wanted."""

WIDTH = 1.959964


@dataclass(frozen=True)
class TuningPlan:
    """How the fine-tuning is done, the same for all.

    Attributes:
        strategy: adaptation strategy.
        device, seed: as in ``zoo.tune``.
        trials: settings to try for each of the last two models, where the strategy has any.
    """

    task: Task
    dataset: Dataset
    strategy: str
    device: str
    seed: int = 0
    trials: int = 1


def tuning_plan(
    task: Task, dataset: Dataset, analysis: Analysis, *, device: str, seed: int, trials: int = 1
) -> TuningPlan:
    """The strategy that is advised for the data; if that is zero-shot, ``full``, or a linear probe on few samples."""
    advice = analysis.advice
    strategy = "full" if advice is None or advice.strategy in {"linear-probe", "zero-shot"} else advice.strategy
    if advice is not None and advice.per_class < PROBE_BELOW:
        strategy = "linear-probe"
    return TuningPlan(task, dataset, strategy, device, seed, trials)


def confirm(
    ranked: Sequence[Candidate], count: int, plan: TuningPlan, progress: Progress, warnings: list[str]
) -> list[Candidate]:
    """Fine-tune the first ``count`` models; those that were fine-tuned come first, by their result.

    Args:
        ranked: best first. If a model has several layers, its first is used.
        warnings: a sentence per model that could not be fine-tuned is added.
    """
    contenders = list(dict.fromkeys(candidate.id for candidate in ranked))[:count]
    results: dict[str, Confirmation] = {}
    epochs, survivors = FIRST_EPOCHS, contenders
    while survivors:
        with progress.step(f"Fine-tuning for {epochs} epochs", len(survivors)) as step:
            for model in survivors:
                try:
                    run = fine_tune(model, epochs, plan, search=len(survivors) <= LAST)
                    results[model] = reached(run, plan, epochs)
                except ZooError as error:
                    warnings.append(f"{model} could not be fine-tuned to confirm it: {error}")
                step.advance()
        survivors = sorted((m for m in survivors if m in results), key=lambda m: -score_of(results[m], plan))
        if len(survivors) < 2:
            break
        survivors = survivors[: math.ceil(len(survivors) / 2)]
        if len(survivors) == 1:
            break
        epochs *= 2
    return _reranked(ranked, results, plan)


def fine_tune(model: str, epochs: int, plan: TuningPlan, *, search: bool = False) -> Run:
    """Fine-tune one model for some epochs; raises ``ZooError`` if it cannot be.

    Args:
        search: whether to try as many settings as the plan says.
    """
    from zoo.adapt import tune
    from zoo.adapt.known_strategies import find, options_of

    wanted = {"epochs": epochs, "patience": epochs, "keep": "fine-tuned"}
    if search and find(plan.strategy).space:
        wanted["trials"] = plan.trials
    return tune(
        model,
        plan.dataset,
        task=plan.task.name,
        strategy=plan.strategy,
        device=plan.device,
        seed=plan.seed,
        **options_of(plan.strategy, plan.dataset).select(wanted),
    )


def reached(run: Run, plan: TuningPlan, epochs: int) -> Confirmation:
    """The result of a run on its held-out samples, in the task's primary metric."""
    metric = plan.task.metric.name
    tested = run.plan.get("test_samples") or round(run.samples * float(run.plan.get("test", 0.2)))
    return Confirmation(
        run.id,
        plan.strategy,
        epochs,
        metric,
        run.metrics[metric],
        run.baseline.get(metric),
        tested,
        run.seconds,
        len(run.plan.get("search", {}).get("trials", ())) or 1,
    )


def score_of(found: Confirmation, plan: TuningPlan) -> float:
    """The metric as a score: its negative where lower is better."""
    return found.value if plan.task.metric.higher_is_better else -found.value


def _reranked(ranked: Sequence[Candidate], results: dict[str, Confirmation], plan: TuningPlan) -> list[Candidate]:
    """Those fine-tuned for longest first, then by their result; the others as they were.

    A candidate that was measured to be tied with the winner stays tied if only one of the two was fine-tuned.
    """
    first: dict[str, Candidate] = {}
    for candidate in ranked:
        if candidate.id in results:
            first.setdefault(candidate.id, candidate)
    order = sorted(first.values(), key=lambda c: (-results[c.id].epochs, -score_of(results[c.id], plan)))
    if order:  # ties on the held-out samples keep the order of the measurement
        top = results[order[0].id]
        equals = [c for c in order if results[c.id].epochs == top.epochs and are_tied(top, results[c.id])]
        order = [*sorted(equals, key=lambda c: c.rank), *(c for c in order if c not in equals)]
    rest = [candidate for candidate in ranked if candidate not in order]
    found = []
    for rank, candidate in enumerate([*order, *rest], start=1):
        own = results.get(candidate.id) if candidate in order else None
        if own is None:
            found.append(replace(candidate, rank=rank, tied=_still_tied(candidate, order)))
            continue
        best = results[order[0].id]
        tied = rank > 1 and own.epochs == best.epochs and are_tied(best, own)
        reasons = (sentence(own, rank, len(order), tied), *candidate.reasons)
        found.append(replace(candidate, rank=rank, tied=tied, reasons=reasons, confirmed=own))
    return found


def _still_tied(candidate: Candidate, order: Sequence[Candidate]) -> bool:
    """Whether a candidate that was not fine-tuned was measured to be tied with the winner of those that were."""
    if not order or order[0].rank == 1:
        return candidate.tied
    return order[0].tied and (candidate.tied or candidate.rank == 1)


def are_tied(one: Confirmation, other: Confirmation) -> bool:
    """Whether two fractions of the same test samples are within the 95 % error of independent ones."""
    if not (0.0 <= one.value <= 1.0 and 0.0 <= other.value <= 1.0 and one.samples):
        return False
    middle = (one.value + other.value) / 2
    return abs(one.value - other.value) <= WIDTH * math.sqrt(2 * middle * (1 - middle) / one.samples)


def sentence(found: Confirmation, rank: int, count: int, tied: bool) -> str:
    """How a model was evaluated and its result, in a sentence.

    Args:
        rank, count: the rank, and the number of evaluated models.
    """
    over = "" if found.baseline is None else f", against a baseline of {found.baseline:.4g}"
    place = f"{'first' if rank == 1 else f'rank {rank}'} of the {count}" if count > 1 else "the only one"
    searched = f", the best of {found.trials} settings" if found.trials > 1 else ""
    fine_tuned = f"Fine-tuned here ({found.strategy}, {found.epochs} epochs{searched})"
    how = "Evaluated as it is" if found.strategy == AS_IT_IS else fine_tuned
    return (
        f"{how}: {found.metric} {found.value:.4g} on {found.samples:,} held-out samples{over}; {place} that "
        f"{'were' if count > 1 else 'was'} evaluated{', statistically tied' if tied else ''}."
    )
