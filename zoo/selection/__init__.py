"""The main job: which pretrained model should I start from, for my data, under my limits?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from zoo.keywords import amount_argument, explains_keywords

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from zoo.answers import Recommendation
    from zoo.contract.backbone import Progress
    from zoo.contract.reader import ReadOptions
    from zoo.entities import Dataset, ModelCard, ModelId
    from zoo.selection.request.prepared import PreparedRequest
    from zoo.selection.request.request import Request
    from zoo.selection.select.ranked import Ranked


@explains_keywords
def recommend(
    data: str | os.PathLike[str] | Dataset,
    *,
    task: str | None = None,
    candidates: str | Sequence[str | ModelId | ModelCard] | None = None,
    layers: str | Sequence[str] | None = None,
    license: str | Sequence[str] = (),
    deny_license: str | Sequence[str] = (),
    max_size: int | str | None = None,
    max_parameters: int | str | None = None,
    max_memory: int | str | None = None,
    max_latency: float | None = None,
    language: str | None = None,
    gated: bool = True,
    safetensors: bool = False,
    strategy: str | None = None,
    device: str | None = None,
    dtype: str = "auto",
    estimator: str | Sequence[str] = (),
    samples: int = 2000,
    budget: float | str | None = None,
    tolerance: float | None = None,
    race: bool = False,
    cluster: str | None = None,
    probe: bool = False,
    confirm: int = 0,
    trials: int = 1,
    measure: bool = True,
    fresh: bool = False,
    seed: int = 0,
    input_column: str | None = None,
    target_column: str | None = None,
    group_column: str | None = None,
    on_problem: str = "skip",
    options: Mapping[str, Any] | None = None,
    read: ReadOptions | None = None,
    progress: Progress | None = None,
) -> Recommendation:
    """Rank pretrained models for a data set by measuring them on it.

    Args:
        data: a data set, or the name of one: a folder, a table, a packaged data set.
        task: task name; guessed from the data if it is None.
        candidates: ids or cards; as text, ids with commas, a file of ids, or words to search for. None takes the models
            on this machine, or with ``measure=False`` the registry's first hundred for the task.
        layers: the layers of each model that are candidates: ``last`` (as None), ``all``, or names with ``*``.
        license, deny_license: licences that are allowed, and that are not: SPDX ids, patterns of them (``BSD-*``) or
            families (``permissive``).
        max_size, max_parameters: upper limits; a number, or text such as ``100MB`` and ``25M``.
        max_memory: memory to plan for, likewise; None takes what the device has.
        max_latency: milliseconds per sample, measured on this machine, or published with ``measure=False``.
        language: ISO 639-1 code of a language that the models must know.
        gated: include gated models.
        safetensors: exclude models with weights in other formats.
        strategy: how the models will be adapted: they must fit into memory for it, and if it trains weights (``lora``,
            ``full``) the estimators that predict such fine-tuning best decide.
        device: where to run; None takes the best available.
        dtype: precision of the forward passes: one of ``zoo.features.DTYPES``, or ``auto`` for the fastest on the
            device.
        estimator: transferability estimators; the first decides the order. Empty takes the linear probe, LogME and
            H-score, or LogME first for a strategy that trains weights.
        samples: measure on a stratified sample of this size; 0 for all samples.
        budget: seconds, or text such as ``2m``, after which the best answer so far is returned; implies ``race``. None
            measures every candidate on all the samples.
        tolerance: stop when no remaining candidate is expected to beat the best so far by more than this, in the unit
            of the deciding estimator (accuracy).
        race: measure on growing parts of the samples, and stop unpromising candidates early.
        cluster: address of a Ray cluster to measure on; ``local`` for workers on this machine.
        probe: also measure the latency and the domain shift of the first ten.
        confirm: number of top candidates to fine-tune briefly, by successive halving; their results decide the order.
        trials: settings to try for each of the last two of them, see ``zoo.tune``.
        measure: False ranks by published results and past runs, and runs no model.
        fresh: ignore saved measurements.
        seed: seed of the sampling and of the folds.
        group_column: column of a table whose equal values mark samples of one origin, such as a patient; they are held
            out together.
        input_column, target_column, on_problem, read: as in ``zoo.read``.
        options: as in ``zoo.read``; settings of metrics and of the models too, by name, such as ``asr_model``.

    If the targets are neither classes nor numbers (boxes, entities, texts...), no estimator can be computed. The models
    themselves are then evaluated: as they are, or after brief fine-tuning.

    Ctrl-C ends the measuring and returns the best answer so far, with the reason in ``partial``.

    Raises:
        ZooError: the data, the task, the limits or every candidate is unusable.
        KeyboardInterrupt: Ctrl-C before the first figure.
    """
    from zoo.config import configured
    from zoo.contract.backbone import SilentProgress
    from zoo.data.arguments import read_options
    from zoo.errors import InvalidInput
    from zoo.plugins import plugins
    from zoo.plugins.options import settings_of
    from zoo.selection.request.layers import parse_layers
    from zoo.selection.request.request import Request, named, names, seconds

    request = Request(
        data=named(data),
        read=read_options(
            "recommend",
            data,
            read,
            input_column,
            target_column,
            on_problem,
            task,
            options,
            group_column=group_column,
        ),
        candidates=candidates,
        layers=parse_layers(layers),
        license=names(license),
        deny_license=names(deny_license),
        max_parameters=amount_argument("max_parameters", max_parameters),
        max_size=amount_argument("max_size", max_size),
        max_memory=amount_argument("max_memory", max_memory),
        max_latency=max_latency,
        language=language,
        gated=gated,
        safetensors=safetensors,
        strategy=strategy,
        device=device,
        dtype=dtype,
        estimator=names(estimator),
        samples=samples,
        budget=seconds("budget", budget),
        tolerance=tolerance,
        race=race,
        cluster=cluster,
        probe=probe,
        confirm=confirm,
        trials=trials,
        measure=measure,
        fresh=fresh,
        seed=seed,
    )
    settings = settings_of("recommend", options)
    if settings and not measure:
        flag = plugins().options[next(iter(settings))].flag
        raise InvalidInput(f"{flag} has no effect with --no-measure, which runs no model.", f"Leave {flag} out.")
    with configured(settings):
        return answer(request, progress or SilentProgress(), tuple(settings))


def answer(request: Request, progress: Progress, settings: Sequence[str] = ()) -> Recommendation:
    """The answer to a request: read the data, rank the candidates, look closer at the first ones, explain them.

    Args:
        settings: names of the options that were given for the models and their evaluation.
    """
    from zoo.plugins.options import check_fit
    from zoo.selection.explain.explanations import recommendation
    from zoo.selection.request.prepared import prepare
    from zoo.selection.select.ranking import rank

    started = time.perf_counter()
    prepared = prepare(request)
    task = prepared.task
    check_fit(settings, {*task.inputs, task.target}, task.name, f"the task here is {task.name}")
    ranked = rank(prepared, progress)
    ranked = _probed(ranked, prepared, progress)
    ranked = _confirmed(ranked, prepared, progress)
    return recommendation(ranked, prepared, started)


def _probed(ranked: Ranked, prepared: PreparedRequest, progress: Progress) -> Ranked:
    """Add latency and domain shift to the first ten, or with a limit on latency to all, and apply it."""
    from zoo.selection.measure.probing import PROBED, Prober
    from zoo.selection.request.constraints import fast_enough

    request = prepared.request
    if not request.measure or not (request.probe or request.max_latency is not None):
        return ranked
    prober = Prober(prepared.task, prepared.dataset, prepared.device, progress, request.fresh)
    count = PROBED if request.max_latency is None else len(ranked.candidates)
    probed = prober.probe(ranked.candidates, {card.id: card for card in ranked.cards}, count)
    return ranked.reranked(*fast_enough(probed, request.max_latency))


def _confirmed(ranked: Ranked, prepared: PreparedRequest, progress: Progress) -> Ranked:
    """Fine-tune the first ones briefly, and rank them by the result."""
    from zoo.selection.select.confirming import confirm, tuning_plan

    request = prepared.request
    if not request.confirm or ranked.by != "measured":
        return ranked
    advice = prepared.analysis.start_from(ranked.best)
    plan = tuning_plan(
        prepared.task, prepared.dataset, advice, device=prepared.device, seed=request.seed, trials=request.trials
    )
    return ranked.reranked(confirm(ranked.candidates, request.confirm, plan, progress, ranked.measurements.warnings))
