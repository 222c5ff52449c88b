"""Candidates in order, with what it took: measured, all or those worth it, or by what is known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo.answers import Candidate, Exclusion
from zoo.registry import open_registry
from zoo.selection.explain.overlap import training_overlap
from zoo.selection.measure.pool import Effort, Survey, measure_all
from zoo.selection.prior.ranking import expected_of
from zoo.selection.rank import combining, ranking
from zoo.selection.rank.full_registry import rank_registry
from zoo.selection.rank.unmeasured import rank_cards
from zoo.selection.request.candidates import Choice, choose
from zoo.selection.request.constraints import Limits, within
from zoo.selection.select import selecting

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.entities import ModelCard, ModelId
    from zoo.selection.measure.measuring import Request
    from zoo.tasks import Task


@dataclass(frozen=True)
class Placed:
    """Candidates, best first.

    Attributes:
        by: ``measured``, ``prior`` or ``reported``, see ``zoo.answers.Recommendation``.
        survey: what was measured.
        selection: what the selector did, if it was asked.
    """

    candidates: list[Candidate]
    by: str = "measured"
    survey: Survey = field(default_factory=Survey)
    selection: selecting.Selection | None = None


def by_measuring(
    choices: Sequence[Choice], request: Request, effort: Effort, tolerance: float | None, progress: Progress
) -> Placed:
    """Measure all, or with a tolerance those that are worth it, and put them in order by their predicted scores.

    Raises:
        ZooError: as ``zoo.selection.measure.pool.measure_all``, or the tolerance makes no sense.
    """
    selection = None
    if tolerance is None:
        survey = measure_all(choices, request, effort, progress)
    else:
        selecting.check(request.estimators, tolerance)
        survey, selection = selecting.measure_selected(choices, request, effort, tolerance, progress)
    survey.copies = request.copies
    survey.warnings += training_overlap([measured.card for measured in survey.measured], request.dataset)
    standing = ranking.standing(survey.measured)
    expected = expected_of([measured.card for measured in standing], request.task.name, request.whole.name)
    ordered, combined = combining.settle(standing, expected, request.task.target)
    ranked = combining.with_predictions(ranking.by_measurement(ordered, request.task), combined)
    return Placed(ranked, "measured", survey, selection)


def by_knowing(
    task: Task,
    dataset: str,
    limits: Limits,
    wanted: str | Sequence[str | ModelId | ModelCard] | None,
    layers: Sequence[str] = (),
) -> tuple[Placed, list[ModelCard], list[Exclusion]]:
    """By published scores and past runs, see ``zoo.selection.rank.unmeasured``.

    Args:
        wanted, layers: as ``zoo.selection.request.candidates.choose`` takes them; without ``wanted`` the whole registry
            is ranked, and its first hundred models are named.

    Returns:
        The candidates, their cards, and those outside the limits.

    Raises:
        UnknownModel: the registry has no model for the task.
        UnsupportedModel: no candidate has a published score that it could be ranked by.
        InvalidInput: every model breaks a limit.
    """
    registry = open_registry()
    if wanted is None:
        ranked = rank_registry(task, dataset, limits, registry)
    else:
        kept, excluded = within(choose(task, wanted, layers, limits), limits)
        ranked = rank_cards(task, dataset, [choice.card for choice in kept], registry, excluded)
    placed = Placed(ranked.candidates, ranked.by, Survey(warnings=ranked.cautions))
    return placed, ranked.cards, ranked.excluded
