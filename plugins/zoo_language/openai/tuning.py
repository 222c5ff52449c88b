"""The strategy ``fine-tuning-job``: OpenAI fine-tunes a chat model on the training part; zoo tests it on the rest."""

from __future__ import annotations

import dataclasses
import json
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.strategy import Options
from zoo.errors import CostNotice, DataError, InvalidInput, UnsupportedModel
from zoo_language.openai.chat import CLASSES, ROOM, OpenAIChat, question
from zoo_language.openai.jobs import Job, Order
from zoo_language.openai.prices import TUNED, base_of
from zoo_language.openai.tokens import conversation_tokens, counter

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.entities import BenchmarkScore, Dataset, ModelCard, Plan, Run

NAME = "fine-tuning-job"
PLAN = "OpenAI trains it; a job that an earlier command started is resumed."
OPTIONS = Options(frozenset({"epochs"}), "OpenAI chooses how its jobs train, except for the number of epochs")

EPOCHS = 3
"""Each is charged; OpenAI chooses about this many for a few hundred examples."""

FEWEST = 10
"""Minimum examples that a job accepts."""

CLASSIFICATION = "text-classification"
TUNED_MODEL = "tuned_model"
"""Key of the fine-tuned model in the run's plan."""


@dataclasses.dataclass(frozen=True)
class _Parts:
    """A data set in three parts, and how answers to the last are evaluated."""

    experiment: Any
    train: Dataset
    validation: Dataset
    test: Dataset
    classes: tuple[str, ...]

    def evaluate(self, backbone: OpenAIChat) -> dict[str, float]:
        inputs = [self.test.inputs[index] for index in range(len(self.test))]
        answered: Any = backbone.answer(CLASSIFICATION if self.classes else self.experiment.task.name, inputs)
        if self.classes:
            import numpy as np

            known = {name: index for index, name in enumerate(self.classes)}
            # An answer that names none of the classes counts as one more class, which no sample has.
            answered = np.array([known.get(answer[0].label, len(known)) for answer in answered])
        metrics: dict[str, float] = self.experiment.evaluate(answered, self.experiment.test)
        return metrics


def adapt(backbone: Backbone, dataset: Dataset, plan: Plan, progress: Progress) -> Run:
    """Have the model fine-tuned, test it on unseen samples, and add its card to the registry.

    The maximum cost is reported before anything is sent. Where an earlier call with the same data, settings and seed
    started a job, this waits for it instead of starting another; a job that succeeded is not repeated.

    Raises:
        UnsupportedModel: it is not a chat model of OpenAI.
        InvalidInput: it could cost more than the limit, or an output folder was named.
        DataError: there are too few samples, or targets other than classes and texts.
        SourceError: one of its subclasses, with what to do.
    """
    from zoo.adapt.experiment import make_run
    from zoo.registry import open_registry

    started = time.perf_counter()
    if not isinstance(backbone, OpenAIChat):
        raise UnsupportedModel(
            f"'{backbone.card.id}' is not fine-tuned by OpenAI.",
            "Choose a chat model of theirs, such as openai:gpt-4o-mini-2024-07-18, or --strategy full.",
        )
    _check(backbone, dataset, plan)
    parts = _divided(dataset, plan)
    order = Order(
        backbone.card.name, _lines(parts, parts.train), _lines(parts, parts.validation), plan.epochs, plan.seed
    )
    _check_cost(backbone, parts, plan)
    with Job(backbone.client, order) as job:
        done = job.run(progress)
        card = _card(backbone.card, parts, str(done.fine_tuned_model), plan)
        # At once, before anything else can fail: it was paid for.
        open_registry().add([card])
        tuned = OpenAIChat(card)
        with progress.step("Testing"):
            metrics = parts.evaluate(tuned)
        training = 0.0 if job.done_before else backbone.prices.of_training(int(done.trained_tokens or 0))
        _report(f"Fine-tuning cost ${training:.4f}, testing ${tuned.spent:.4f}.")
        carried_out = {
            TUNED_MODEL: card.id,
            "job": done.id,
            "trained_tokens": done.trained_tokens,
            "dollars": round(training + tuned.spent, 6),
        }
        run = make_run(
            parts.experiment,
            backbone.card,
            dataclasses.replace(plan, device="openai"),
            started=started,
            metrics=metrics,
            epochs=plan.epochs,
            carried_out=carried_out,
        )
        open_registry().add(_scores(card, run, parts))
    return run


def _check(backbone: OpenAIChat, dataset: Dataset, plan: Plan) -> None:
    if plan.output:
        raise InvalidInput(
            "A model that OpenAI fine-tunes stays at OpenAI; there is nothing to write to a folder.",
            "Leave out -o; the registry lists it as openai:ft:...",
        )
    if dataset.input_kind != backbone.input_kind or dataset.target_kind not in {"class", "text"}:
        raise DataError(
            f"OpenAI fine-tunes on texts with classes or texts, and '{dataset.name}' holds {dataset.input_kind} inputs "
            f"with {dataset.target_kind} targets.",
            "Numbers can be learned from embeddings: zoo tune openai:text-embedding-3-small DATA",
        )


def _divided(dataset: Dataset, plan: Plan) -> _Parts:
    from zoo.adapt.experiment import prepare

    experiment = prepare(dataset, plan)
    made = [experiment.part(positions) for positions in (experiment.train, experiment.validation, experiment.test)]
    if len(made[0]) < FEWEST:
        raise DataError(
            f"'{dataset.name}' leaves {len(made[0])} samples to train on, and OpenAI needs at least {FEWEST}.",
            "Add samples, or hold fewer out with --validation and --test.",
        )
    return _Parts(experiment, made[0], made[1], made[2], tuple(dataset.classes))


def _conversations(parts: _Parts, part: Dataset) -> list[list[dict[str, str]]]:
    targets: Sequence[Any] = part.targets or ()
    found = []
    for index in range(len(part)):
        answer = parts.classes[int(targets[index])] if parts.classes else str(targets[index])
        found.append([*question(part.inputs[index], parts.classes), {"role": "assistant", "content": answer}])
    return found


def _lines(parts: _Parts, part: Dataset) -> bytes:
    """One JSON object per line, in OpenAI's chat format for supervised fine-tuning."""
    return "".join(
        json.dumps({"messages": messages}, ensure_ascii=False) + "\n" for messages in _conversations(parts, part)
    ).encode("utf-8", "replace")


def _check_cost(backbone: OpenAIChat, parts: _Parts, plan: Plan) -> None:
    """Report the maximum cost; raise ``InvalidInput`` where it is more than the limit."""
    count = counter()
    tokens = plan.epochs * sum(conversation_tokens(one, count) for one in _conversations(parts, parts.train))
    asked = [conversation[:-1] for conversation in _conversations(parts, parts.test)]
    room = 1 + max(map(count, parts.classes)) if parts.classes else ROOM
    training, testing = backbone.prices.of_training(tokens), backbone.cost_of_asking(asked, room)
    total = training + testing
    if total > backbone.limit:
        raise InvalidInput(
            f"Fine-tuning '{backbone.card.id}' on {len(parts.train):,} samples could cost ${total:.4f}, more than the "
            f"limit of ${backbone.limit:.4f}.",
            "Raise the limit with --max-cost DOLLARS or ZOO_MAX_COST, or take fewer samples or --epochs.",
        )
    _report(
        f"Fine-tuning {backbone.card.id} on {len(parts.train):,} samples: at most {tokens:,} tokens in {plan.epochs} "
        f"epochs, ${training:.4f}; testing on {len(parts.test):,}: at most ${testing:.4f}; "
        f"${backbone.limit:.2f} allowed."
    )


def _card(base: ModelCard, parts: _Parts, name: str, plan: Plan) -> ModelCard:
    classes: dict[str, Any] = {CLASSES: list(parts.classes)} if parts.classes else {}
    return dataclasses.replace(
        base,
        id=f"openai:{name}",
        tasks=(plan.task,),
        description=f"{base.id} adapted to {parts.experiment.dataset.name} by {NAME}.",
        released=time.strftime("%Y-%m-%d", time.gmtime()),
        base_model=f"openai:{base_of(base.name)}" if base.name.startswith(TUNED) else base.id,
        url=None,
        tags=("api", "chat", "tuned"),
        loader={"strategy": NAME, **classes},
    )


def _scores(card: ModelCard, run: Run, parts: _Parts) -> list[BenchmarkScore]:
    from zoo.entities import BenchmarkScore

    return [
        BenchmarkScore(
            card.id,
            run.task,
            run.dataset,
            metric.name,
            run.metrics[metric.name],
            higher_is_better=metric.higher_is_better,
            origin="measured",
            source=f"zoo runs show {run.id}",
            date=run.created[:10],
        )
        for metric in parts.experiment.metrics
    ]


def _report(line: str) -> None:
    warnings.warn(line, CostNotice, stacklevel=3)
