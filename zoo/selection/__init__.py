"""The main job: which pretrained model should I start from, for my data, under my limits?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.answers import Candidate, Exclusion, Recommendation
    from zoo.contract.backbone import Progress
    from zoo.entities import Dataset, ModelCard, ModelId
    from zoo.selection.measure.probing import Prober

DEFAULT_SAMPLES = 2000
"""Samples that candidates are measured on unless the user says otherwise."""

DEFAULT_ESTIMATORS = ("linear-probe", "logme", "hscore")
"""All three from one pass over the features; the first decides the order."""

FINE_TUNING_ESTIMATORS = ("logme", "hscore", "linear-probe")
"""The same where weights are to be trained: the order that agrees best with real fine-tuning (docs/estimators.md)."""


def usual_estimators(strategy: str | None, tolerance: float | None) -> tuple[str, ...]:
    """The estimators where none are named; a tolerance counts in accuracy, so that the linear probe decides then."""
    trained = strategy in {"lora", "full"} and tolerance is None
    return FINE_TUNING_ESTIMATORS if trained else DEFAULT_ESTIMATORS


def recommend(  # noqa: PLR0915
    data: str | Dataset,
    *,
    task: str | None = None,
    candidates: str | Sequence[str | ModelId | ModelCard] | None = None,
    layers: str | None = None,
    licenses: Sequence[str] = (),
    max_parameters: int | None = None,
    max_bytes: int | None = None,
    denied_licenses: Sequence[str] = (),
    max_memory: int | None = None,
    max_latency: float | None = None,
    language: str | None = None,
    gated: bool = True,
    safetensors: bool = False,
    strategy: str | None = None,
    device: str | None = None,
    dtype: str = "auto",
    estimators: Sequence[str] = (),
    samples: int = DEFAULT_SAMPLES,
    budget: float | None = None,
    tolerance: float | None = None,
    race: bool = False,
    cluster: str | None = None,
    probe: bool = False,
    confirm: int = 0,
    measure: bool = True,
    fresh: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
    **reading: Any,
) -> Recommendation:
    """Rank pretrained models for a data set by what was measured on it.

    Args:
        data: a data set, or what names one: a folder, a table, a packaged name.
        task: task name; guessed from the data where it is None.
        candidates: see ``zoo.selection.request.candidates.choose``; None takes the models that are on this machine,
            or where nothing is measured all of the registry that are made for the task, and names the first hundred.
        layers: which layers of each model are candidates: ``last`` (as None), ``all``, or names with ``*`` and commas.
        licenses: SPDX ids, patterns of them or families (``permissive``) allowed.
        max_parameters, max_bytes: upper limits.
        denied_licenses: SPDX ids, patterns or families that are not allowed.
        max_memory: bytes of memory to plan for; None takes what the device has.
        max_latency: milliseconds a sample, as measured here, or as reported where nothing is measured.
        language: ISO 639-1 code that the models must know.
        gated: False leaves out models whose terms must be accepted first.
        safetensors: True leaves out models with weights in other formats.
        strategy: how they will be adapted: they must also fit into memory then, and where weights are trained
            (``lora``, ``full``) the estimators that foretell that best decide.
        device: where to run; None takes the best there is.
        dtype: precision of the forward passes that features come from: one of ``zoo.features.DTYPES``, or ``auto`` for
            the fastest on the device.
        estimators: names; the first decides the order. Empty takes ``DEFAULT_ESTIMATORS``, or
            ``FINE_TUNING_ESTIMATORS`` for a strategy that trains weights, unless a ``tolerance`` is given.
        samples: measure on a stratified part of about this size; 0 for all.
        budget: seconds after which the best answer so far is given; the candidates race then. None measures every
            candidate on all the samples, however long that takes.
        tolerance: measure only the candidates that are worth it, until the best of all is expected to be at most so
            much better than the best that was measured, in the unit of the deciding estimator (accuracy).
        race: measure on growing parts and stop candidates that cannot win any more, without a limit of time.
        cluster: address of a Ray cluster to measure on, ``local`` for workers on this machine; None for this process.
        measure: False ranks by what published results, and past runs, let expect; it runs no model.
        probe: look closer at the first ten: latency of one sample, and domain shift; ``max_latency`` looks at all.
        confirm: fine-tune so many of the first models briefly, by successive halving, and put them in that order.
        fresh: measure again although figures are kept.
        seed: seed of the sampling and of the folds.
        reading: ``input_column``, ``target_column`` and ``on_problem`` as in ``zoo.read``.

    Where the targets are no class and no number (boxes, entities, texts...), no estimator judges; the models are tried:
    as they are where they have answers of their own, else fine-tuned briefly, see ``zoo.selection.select.evaluating``.

    Ctrl-C ends the measuring and gives the best answer so far, with ``partial`` saying so.

    Raises:
        ZooError: the data, the task, the limits or every single candidate is unusable.
        KeyboardInterrupt: Ctrl-C before the first figure.
    """
    from zoo.answers import Recommendation
    from zoo.contract.backbone import SilentProgress
    from zoo.data import read
    from zoo.features.device import best_device, memory_of
    from zoo.selection.explain.caveats import caveats
    from zoo.selection.explain.explanations import explain, gather
    from zoo.selection.explain.provenance import provenance
    from zoo.selection.measure import measuring
    from zoo.selection.measure.baseline import baseline
    from zoo.selection.measure.pool import Effort
    from zoo.selection.measure.probing import Prober
    from zoo.selection.rank import ranking
    from zoo.selection.rank.pareto import with_fronts
    from zoo.selection.request import constraints
    from zoo.selection.request.candidates import choose
    from zoo.selection.request.layers import parse_layers
    from zoo.selection.request.task import analyse
    from zoo.selection.select import confirming
    from zoo.selection.select import evaluating as trying
    from zoo.selection.select import ranked as placing

    started = time.perf_counter()
    progress = progress or SilentProgress()
    patterns = parse_layers(layers)
    _check(budget, confirm, measure, data, reading)
    dataset = read(data, task=task, **reading) if isinstance(data, str) else data
    found, analysis = analyse(dataset, task)
    device = best_device(device)
    limits = constraints.Limits(
        tuple(licenses),
        max_parameters,
        max_bytes,
        max_memory or memory_of(device),
        tuple(denied_licenses),
        None if measure else max_latency,
        language,
        gated,
        safetensors,
        strategy,
        analysis.workload(device),
    )
    names: tuple[str, ...] = ()
    if measure and analysis.structured:
        trying.refuse(found.name, estimator=estimators, tolerance=tolerance, cluster=cluster, layers=layers)
        trial = trying.trial(found, dataset, measuring.size(dataset, samples), strategy, device=device, seed=seed)
        placed, cards, excluded = trying.by_trying(
            trial, limits, candidates, Effort(budget), confirm=confirm, progress=progress
        )
    elif measure:
        kept, excluded = constraints.within(choose(found, candidates, patterns, limits), limits)
        cards = [choice.card for choice in kept]
        names = ranking.estimators_for(dataset.target_kind, tuple(estimators) or usual_estimators(strategy, tolerance))
        reference = data if isinstance(data, str) and not reading else None
        request = measuring.Request(
            found, dataset, measuring.size(dataset, samples), names, device, seed, fresh, reference, dtype
        )
        effort = Effort(budget, race or budget is not None, cluster)
        placed = placing.by_measuring(kept, request, effort, tolerance, progress)
    else:
        placed, cards, excluded = placing.by_knowing(found, dataset.name, limits, candidates, patterns)
    ranked, survey = placed.candidates, placed.survey
    if measure and (probe or max_latency is not None):
        prober = Prober(found, dataset, device, progress, fresh)
        ranked, slow = _quick_enough(prober, ranked, cards, max_latency)
        excluded = [*excluded, *slow]
    analysis = analysis.start_from({card.id: card for card in cards}[ranked[0].id])
    if confirm and placed.by == "measured":
        brief = confirming.trial(found, dataset, analysis, device, seed)
        ranked = confirming.confirm(ranked, confirm, brief, progress, survey.warnings)
    context = gather(ranked, cards, found, analysis, device=device, memory=limits.memory)
    untrained = baseline(dataset, names, seed, ranked[0].samples) if placed.by == "measured" else None
    return Recommendation(
        task=found.name,
        data=analysis.data,
        candidates=tuple(with_fronts(explain(ranked, context))),
        excluded=(*excluded, *survey.excluded),
        seconds=round(time.perf_counter() - started, 3),
        warnings=(*analysis.warnings, *survey.warnings, *caveats(ranked, context, untrained, survey.copies)),
        analysis=analysis.to_dict(),
        provenance={
            **provenance(context, seed=seed, baseline=untrained, estimators=names),
            "copies": survey.copies,
        },
        partial=survey.partial,
        interrupted=survey.interrupted,
        forward_passes={"done": survey.passes, "full": survey.full} if placed.by == "measured" else {},
        ranked_by=placed.by,
        selection=placed.selection.to_dict() if placed.selection else {},
    )


def _check(budget: float | None, confirm: int, measure: bool, data: str | Dataset, reading: Mapping[str, Any]) -> None:
    """Raises ``InvalidInput`` for a budget or a number of models that makes no sense, and for unknown arguments."""
    from zoo.data.arguments import check_reading
    from zoo.errors import InvalidInput

    check_reading(recommend, data, reading)
    if budget is not None and not 0 < budget < float("inf"):
        raise InvalidInput(f"A budget of {budget:g} s cannot be kept.", "Give a number of seconds above 0.")
    if confirm < 0 or (confirm and not measure):
        raise InvalidInput(
            "Only measured candidates can be confirmed.", "Give --confirm 2 or so, without --no-measure."
        )


def _quick_enough(
    prober: Prober, ranked: list[Candidate], cards: Sequence[ModelCard], max_latency: float | None
) -> tuple[list[Candidate], list[Exclusion]]:
    """The first ten with what a closer look tells, or all with a limit of latency, and those beyond it."""
    from zoo.selection.explain.explanations import EXPLAINED
    from zoo.selection.request import constraints

    looked_at = EXPLAINED if max_latency is None else len(ranked)
    return constraints.fast_enough(prober.probe(ranked, {card.id: card for card in cards}, looked_at), max_latency)
