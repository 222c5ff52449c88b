"""Adaptation strategies: ways to fit a model to a data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.adapt.devices.sharing import current
from zoo.adapt.evaluating import CHUNK, by_answers
from zoo.adapt.experiment import prepare
from zoo.adapt.known_strategies import find, options_of
from zoo.adapt.training.settings import RANK
from zoo.compute import metering
from zoo.contract.backbone import ZeroShot
from zoo.contract.experiment import Predictions
from zoo.contract.space import Choice, Range, Space
from zoo.contract.strategy import TRAINING, TUNED_MODEL, Options, Strategy
from zoo.entities import BenchmarkScore
from zoo.errors import InvalidInput

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
    if experiment.classification and isinstance(backbone, ZeroShot) and current().first:
        experiment = replace(experiment, rivals={ZERO_SHOT: zero_shot(backbone, experiment, progress)})
    with metering():
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


_SPACE: Space = {
    "learning_rate": Range(0.1, 10.0, log=True, relative=True),
    "epochs": Range(5, 40, log=True, integer=True),
    "batch_size": Range(8, 64, log=True, integer=True),
    "weight_decay": Range(1e-3, 0.3, log=True),
    "augment": Choice(("none", "light", "strong")),
}
"""What ``--trials`` searches for every fine-tuning."""

_NO_ADAPTER = {
    **dict.fromkeys(("rank", "targets", "merge"), "it trains the model's own weights, without an adapter"),
    "virtual_tokens": "it adds no virtual tokens to the inputs",
}


def builtin_strategies() -> Sequence[Strategy]:
    """Linear probe, partial and full fine-tuning, and adapters."""
    fitted = Options(
        frozenset({"batch_size", "class_weights"}),
        "a linear probe is fitted to the frozen features in one step, without epochs",
        {"keep": "it is the linear probe that is kept", "budget": "a linear probe is fitted in one step"},
        "fine-tune: --strategy full",
    )
    learner = {
        "head": "the model brings its own head, and a linear probe is fitted for classes and numbers only",
        "class_weights": "classes are weighted in the loss of a new head for classes only",
        "keep": "there is no other model to keep: fine-tuning is compared with a probe for classes and numbers only",
    }
    frozen = dict.fromkeys(("layer_decay", "gradient_checkpointing"), "the pretrained blocks are frozen")

    decay = {"layer_decay": Range(0.5, 1.0)}
    rank = {"rank": Range(2, 64, log=True, integer=True, default=RANK)}
    tokens_added = {"virtual_tokens": Range(4, 64, log=True, integer=True)}

    def strategy(name: str, method: str, description: str, space: Space | None = None, **reasons: str) -> Strategy:
        """A fine-tuning whose options have an effect, but for those with a reason why not."""
        options, structured = _without(**reasons), _without(**learner, **reasons)
        searched = {**_SPACE, **(space or {})}
        return Strategy(name, description, _fine_tuning(method), options=options, structured=structured, space=searched)

    tokens = _NO_ADAPTER["virtual_tokens"]
    prompts = {
        **dict.fromkeys(("rank", "targets"), "it adapts no layers"),
        "merge": "virtual tokens are inputs, which cannot be merged into weights",
        "layer_decay": "the pretrained blocks are frozen",
    }
    return (
        Strategy(
            "linear-probe",
            "Fit a linear model to the frozen features; takes seconds, and is strong on few samples.",
            _probe,
            options=fitted,
            structured=_without(**learner, **frozen, **_NO_ADAPTER),
        ),
        strategy(
            "partial",
            "last_blocks",
            "Fine-tune the last third of the blocks; cheaper, and safer on few samples.",
            decay,
            **_NO_ADAPTER,
        ),
        strategy(
            "lora",
            "lora",
            "Fine-tune low-rank updates of the frozen weights; needs little memory, and the adapter is a small file.",
            rank,
            virtual_tokens=tokens,
        ),
        strategy(
            "dora",
            "dora",
            "LoRA with trained magnitudes of the weights; closer to full fine-tuning at low rank, and slower.",
            rank,
            virtual_tokens=tokens,
        ),
        strategy(
            "ia3",
            "ia3",
            "Train factors of the activations of frozen layers; the smallest adapter.",
            virtual_tokens=tokens,
            rank="its factors are vectors, which have no rank",
        ),
        strategy(
            "qlora",
            "qlora",
            "LoRA on weights held in 4 bits; for models that do not fit into a GPU otherwise.",
            rank,
            virtual_tokens=tokens,
        ),
        strategy(
            "prefix-tuning",
            "prefix-tuning",
            "Train keys and values before those of the input, in each attention layer of a frozen transformer.",
            tokens_added,
            **prompts,
            gradient_checkpointing="transformers cannot compute the prefixes again",
        ),
        strategy(
            "prompt-tuning",
            "prompt-tuning",
            "Train virtual tokens before the input of a frozen transformer; for large language models.",
            tokens_added,
            **prompts,
        ),
        strategy(
            "full",
            "everything",
            "Fine-tune all weights with early stopping; the highest possible gain, at the highest cost.",
            decay,
            **_NO_ADAPTER,
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
    """Fine-tuning of what a method trains; see ``zoo.adapt.fine_tuning.adapt``."""

    def fine_tune(backbone: Backbone, experiment: Experiment, plan: Plan, progress: Progress) -> Run:
        from zoo.adapt import fine_tuning

        if method in {"prefix-tuning", "prompt-tuning"} and by_answers(experiment.dataset):
            raise InvalidInput(
                f"--strategy {method} adapts models to classes and numbers only; the targets of "
                f"'{experiment.dataset.name}' are {experiment.dataset.target_kind}.",
                "Adapt the model's layers: --strategy lora",
            )
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
