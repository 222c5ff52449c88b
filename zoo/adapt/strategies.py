"""Adaptation strategies: ways to fit a model to a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.adapt.evaluating import CHUNK, by_answers
from zoo.adapt.experiment import prepare
from zoo.adapt.known_strategies import find, options_of
from zoo.contract.backbone import ZeroShot
from zoo.contract.experiment import Predictions
from zoo.contract.strategy import TRAINING, TUNED_MODEL, Options, Strategy
from zoo.entities import BenchmarkScore

ZERO_SHOT = "zero-shot model"
"""Name of the model without training, in comparisons."""

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.experiment import Experiment
    from zoo.contract.metric import Metric
    from zoo.entities import Dataset, Plan, Run


def adapt(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    """Split the data set, and adapt the model by the strategy that the plan names.

    Raises:
        InvalidInput: there is no such strategy, or the plan has an option that would have no effect.
        ZooError: see ``zoo.adapt.experiment.prepare``.
    """
    strategy = find(plan.strategy)
    options_of(plan.strategy, dataset).check(plan, strategy.epochs)
    experiment = prepare(dataset, plan, backbone.card)
    if experiment.classification and isinstance(backbone, ZeroShot):
        experiment = replace(experiment, rivals={ZERO_SHOT: zero_shot(backbone, experiment, progress)})
    run = strategy.adapt(backbone, experiment, plan, progress)
    if TUNED_MODEL in run.plan:
        from zoo.registry import open_registry

        open_registry().add(_scores(str(run.plan[TUNED_MODEL]), run, experiment.metrics))
    return run


def zero_shot(backbone: ZeroShot, experiment: Experiment, progress: Progress) -> Predictions:
    """What the model answers for the test samples without training, from the names of the classes alone."""
    kind, classes = experiment.kind, experiment.dataset.classes
    inputs = experiment.part(experiment.test).inputs
    found = []
    with progress.step("Answering without training", len(inputs)) as step:
        for start in range(0, len(inputs), CHUNK):
            items = [inputs[at] for at in range(start, min(start + CHUNK, len(inputs)))]
            answers = backbone.zero_shot(items, classes)
            found += [kind.comparable(item, answer, classes) for item, answer in zip(items, answers, strict=True)]
            step.advance(len(items))
    return Predictions(kind.array(found))


def builtin_strategies() -> Sequence[Strategy]:
    """Linear probe, partial and full fine-tuning, and LoRA."""
    every = Options(frozenset(TRAINING))
    fitted = Options(
        frozenset({"batch_size"}),
        "a linear probe is fitted to the frozen features in one step, without epochs",
        {"keep": "it is the linear probe that is kept"},
        "fine-tune: --strategy full",
    )
    learner = _without(
        head="the model brings its own head, and a linear probe is fitted for classes and numbers only",
        keep="there is no other model to keep: fine-tuning is compared with a probe for classes and numbers only",
    )
    frozen = _without(**learner.reasons, layer_decay="the pretrained blocks are frozen")
    return (
        Strategy(
            "linear-probe",
            "Fit a linear model to the frozen features; takes seconds, and is strong on few samples.",
            _probe,
            options=fitted,
            structured=frozen,
        ),
        Strategy(
            "partial",
            "Fine-tune the last third of the blocks; cheaper, and safer on few samples.",
            _fine_tuning("last_blocks"),
            options=every,
            structured=learner,
        ),
        Strategy(
            "lora",
            "Fine-tune low-rank updates of the frozen weights, merged at the end; needs little memory.",
            _fine_tuning("low_rank"),
            options=every,
            structured=learner,
        ),
        Strategy(
            "full",
            "Fine-tune all weights with early stopping; the highest possible gain, at the highest cost.",
            _fine_tuning("everything"),
            options=every,
            structured=learner,
        ),
    )


def _without(**reasons: str) -> Options:
    """All options but these, each with the reason."""
    return Options(frozenset(TRAINING) - reasons.keys(), reasons=reasons)


def _probe(backbone: Backbone, experiment: Experiment, plan: Plan, progress: Progress) -> Run:
    """A linear head on frozen features, or on the frozen model the head of its own learner."""
    from zoo.adapt.linear_probe import adapt as probe

    if by_answers(experiment.dataset):
        return _fine_tuning("head_alone")(backbone, experiment, plan, progress)
    return probe(backbone, experiment, plan, progress)


def _fine_tuning(method: str) -> Callable[[Backbone, Experiment, Plan, Progress], Run]:
    """Fine-tuning of the part of the model that a method of ``zoo.adapt.training.methods`` trains."""

    def fine_tune(backbone: Backbone, experiment: Experiment, plan: Plan, progress: Progress) -> Run:
        from zoo.adapt import fine_tuning

        return fine_tuning.adapt(backbone, experiment, plan, progress, method)

    return fine_tune


def _scores(model: str, run: Run, metrics: Sequence[Metric]) -> list[BenchmarkScore]:
    """A run's metrics as benchmark scores of the adapted model."""
    return [
        BenchmarkScore(
            model,
            run.task,
            run.dataset,
            metric.name,
            run.metrics[metric.name],
            higher_is_better=metric.higher_is_better,
            origin="measured",
            source=f"zoo runs show {run.id}",
            date=run.created[:10],
        )
        for metric in metrics
        if metric.name in run.metrics
    ]
