"""Ranks the candidates of a request: by measuring, by evaluating the models themselves, or by published results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.kinds.known import estimated_as
from zoo.registry import open_registry
from zoo.selection.measure.measurements import Effort, Measurements, measure_all
from zoo.selection.measure.overlap import training_overlap
from zoo.selection.measure.plan import MeasurementPlan, sample_count
from zoo.selection.prior.ranking import expected_of
from zoo.selection.rank import combining, ranking
from zoo.selection.rank.full_registry import rank_registry
from zoo.selection.rank.unmeasured import rank_cards
from zoo.selection.request.candidates import choose, with_standards, within
from zoo.selection.select import evaluating, selecting
from zoo.selection.select.ranked import Ranked

if TYPE_CHECKING:
    from zoo.answers import Exclusion
    from zoo.contract.backbone import Progress
    from zoo.selection.request.candidates import Choice
    from zoo.selection.request.prepared import PreparedRequest


def rank(prepared: PreparedRequest, progress: Progress) -> Ranked:
    """The candidates within the limits, best first.

    Raises:
        ZooError: no candidate is left, or none could be ranked.
        KeyboardInterrupt: Ctrl-C before the first figure.
    """
    if not prepared.request.measure:
        return _without_measuring(prepared)
    if prepared.analysis.structured:
        return _by_evaluating(prepared, progress)
    kept, excluded = _choices(prepared)
    return _by_measuring(kept, excluded, prepared, progress)


def _by_measuring(
    choices: Sequence[Choice], excluded: Sequence[Exclusion], prepared: PreparedRequest, progress: Progress
) -> Ranked:
    """Measure all, or with a tolerance only promising ones, and rank them by their predicted scores."""
    request, dataset = prepared.request, prepared.dataset
    plan = MeasurementPlan(
        prepared.task,
        dataset,
        sample_count(dataset, request.samples),
        ranking.estimators_for(estimated_as(dataset.target_kind), request.estimators),
        prepared.device,
        request.seed,
        request.fresh,
        request.data if isinstance(request.data, str) else None,
        request.dtype,
        request.read,
    )
    effort = Effort(request.budget, request.race or request.budget is not None, request.cluster)
    selection = None
    if request.tolerance is None:
        measurements = measure_all(choices, plan, effort, progress)
    else:
        selecting.check(plan.estimators, request.tolerance)
        measurements, selection = selecting.measure_selected(choices, plan, effort, request.tolerance, progress)
    measurements.copies = plan.copies
    measurements.warnings += training_overlap([found.card for found in measurements.measured], plan.sampled)
    best_first = ranking.best_first(measurements.measured)
    expected = expected_of([found.card for found in best_first], plan.task.name, dataset.name)
    ordered, combined = combining.predict_scores(best_first, expected, estimated_as(dataset.target_kind))
    candidates = combining.with_predictions(ranking.measured_candidates(ordered, plan.task), combined)
    cards = [choice.card for choice in choices]
    return Ranked(candidates, cards, "measured", excluded, measurements, selection, plan.estimators)


def _by_evaluating(prepared: PreparedRequest, progress: Progress) -> Ranked:
    """Evaluate the models' own predictions, and fine-tune the others briefly, see ``evaluating``."""
    request, dataset, task = prepared.request, prepared.dataset, prepared.task
    evaluating.refuse(
        task.name,
        estimator=request.estimator,
        tolerance=request.tolerance,
        cluster=request.cluster,
        layers=request.layers,
    )
    kept, excluded = _choices(prepared)
    plan = evaluating.evaluation_plan(
        task,
        dataset,
        sample_count(dataset, request.samples),
        request.strategy,
        device=prepared.device,
        seed=request.seed,
        trials=request.trials,
    )
    cards = [choice.card for choice in kept]
    ranked = evaluating.rank_by_evaluating(
        cards, plan, Effort(request.budget), confirm=request.confirm, progress=progress
    )
    return ranked.reranked(ranked.candidates, excluded)


def _without_measuring(prepared: PreparedRequest) -> Ranked:
    """By published scores and past runs; without named candidates, the whole registry is ranked."""
    task, dataset, registry = prepared.task, prepared.dataset.name, open_registry()
    if prepared.request.candidates is None:
        found = rank_registry(task, dataset, prepared.limits, registry)
    else:
        kept, excluded = _choices(prepared)
        found = rank_cards(task, dataset, [choice.card for choice in kept], registry, excluded)
    return Ranked(found.candidates, found.cards, found.by, found.excluded, Measurements(warnings=found.warnings))


def _choices(prepared: PreparedRequest) -> tuple[list[Choice], list[Exclusion]]:
    """The models to consider that are within the limits, and those outside."""
    request, limits = prepared.request, prepared.limits
    choices = choose(prepared.task, request.candidates, request.layers, limits)
    return within(with_standards(choices, prepared.standards, request.layers), limits)
