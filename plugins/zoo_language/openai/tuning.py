"""The strategy ``fine-tuning-job``: OpenAI fine-tunes a chat model on the training part; zoo tests it on the rest."""

from __future__ import annotations

import dataclasses
import json
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.experiment import Predictions
from zoo.contract.strategy import TUNED_MODEL, Options
from zoo.errors import CostNotice, DataError, InvalidInput, UnsupportedModel
from zoo_language.openai.chat import CLASSES, ROOM, OpenAIChat, question
from zoo_language.openai.jobs import Job, Order
from zoo_language.openai.prices import TUNED, base_of
from zoo_language.openai.tokens import conversation_tokens, counter

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone, Progress
    from zoo.contract.experiment import Experiment
    from zoo.entities import ModelCard, Plan, Run

NAME = "fine-tuning-job"
PLAN = "OpenAI trains the model; a job that an earlier command started is resumed."
OPTIONS = Options(frozenset({"epochs"}), "OpenAI chooses how its jobs train, except for the number of epochs")

EPOCHS = 3
"""Number of epochs, each of which is charged; OpenAI's own choice for a few hundred examples is similar."""

FEWEST = 10
"""Minimum examples that a job accepts."""

CLASSIFICATION = "text-classification"


def adapt(backbone: Backbone, experiment: Experiment, plan: Plan, progress: Progress) -> Run:
    """Run a fine-tuning job, add the model's card to the registry, and test it on unseen samples.

    The maximum cost is reported before anything is sent. If an earlier call with the same data, settings and seed
    started a job, this call waits for it; a job that succeeded is not repeated.

    Raises:
        UnsupportedModel: it is not a chat model of OpenAI.
        InvalidInput: it could exceed the cost limit, or an output folder was given.
        DataError: there are too few samples, or targets other than classes and texts.
        SourceError: one of its subclasses, with what to do.
    """
    if not isinstance(backbone, OpenAIChat):
        raise UnsupportedModel(
            f"'{backbone.card.id}' cannot be fine-tuned by OpenAI.",
            "Choose one of its chat models, such as openai:gpt-4o-mini-2024-07-18, or --strategy full.",
        )
    _check(backbone, experiment, plan)
    training_lines, validation_lines = (_lines(experiment, part) for part in (experiment.train, experiment.validation))
    order = Order(backbone.card.name, training_lines, validation_lines, plan.epochs, plan.seed)
    _check_cost(backbone, experiment, plan)
    with Job(backbone.client, order) as job:
        done = job.run(progress)
        card = _card(backbone.card, experiment, str(done.fine_tuned_model), plan)
        # Immediately, before anything else can fail, because it was paid for.
        experiment.register(card)
        tuned = OpenAIChat(card)
        with progress.step("Testing"):
            found = _tested(tuned, experiment)
        training = 0.0 if job.done_before else backbone.prices.of_training(int(done.trained_tokens or 0))
        _report(f"Fine-tuning cost ${training:.4f}, testing ${tuned.spent:.4f}.")
        carried_out = {
            TUNED_MODEL: card.id,
            "job": done.id,
            "trained_tokens": done.trained_tokens,
            "dollars": round(training + tuned.spent, 6),
        }
        on = dataclasses.replace(plan, device="openai")
        return experiment.record(backbone, on, predictions=found, epochs=plan.epochs, carried_out=carried_out)


def _check(backbone: OpenAIChat, experiment: Experiment, plan: Plan) -> None:
    dataset, samples = experiment.dataset, len(experiment.train)
    if plan.output:
        raise InvalidInput(
            "A model that OpenAI fine-tunes stays at OpenAI; there is nothing to write to a folder.",
            "Leave out -o; the registry lists the model as openai:ft:...",
        )
    if dataset.input_kind != backbone.input_kind or dataset.target_kind not in {"class", "text"}:
        raise DataError(
            f"OpenAI fine-tunes on texts with classes or texts as targets, but '{dataset.name}' has "
            f"{dataset.input_kind} inputs "
            f"with {dataset.target_kind} targets.",
            "For numeric targets, use embeddings: zoo tune openai:text-embedding-3-small DATA",
        )
    if samples < FEWEST:
        raise DataError(
            f"'{dataset.name}' leaves {samples} training samples, but OpenAI needs at least {FEWEST}.",
            "Add samples, or lower --validation and --test.",
        )


def _conversations(experiment: Experiment, positions: Sequence[int]) -> list[list[dict[str, str]]]:
    classes, found = experiment.dataset.classes, []
    for text, target in zip(experiment.part(positions).inputs, experiment.of(positions), strict=True):
        answer = classes[int(target)] if classes else str(target)
        found.append([*question(text, classes), {"role": "assistant", "content": answer}])
    return found


def _lines(experiment: Experiment, positions: Sequence[int]) -> bytes:
    """One JSON object per line, in OpenAI's chat format for supervised fine-tuning."""
    lines = (json.dumps({"messages": one}, ensure_ascii=False) for one in _conversations(experiment, positions))
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _check_cost(backbone: OpenAIChat, experiment: Experiment, plan: Plan) -> None:
    """Report the maximum cost; raise ``InvalidInput`` if it exceeds the limit."""
    count, classes = counter(), experiment.dataset.classes
    tokens = plan.epochs * sum(conversation_tokens(one, count) for one in _conversations(experiment, experiment.train))
    asked = [conversation[:-1] for conversation in _conversations(experiment, experiment.test)]
    room = 1 + max(map(count, classes)) if classes else ROOM
    training, testing = backbone.prices.of_training(tokens), backbone.cost_of_asking(asked, room)
    total = training + testing
    if total > backbone.limit:
        raise InvalidInput(
            f"Fine-tuning '{backbone.card.id}' on {len(experiment.train):,} samples could cost ${total:.4f}, more than "
            f"the limit of ${backbone.limit:.4f}.",
            "Raise the limit with --max-cost DOLLARS or ZOO_MAX_COST, or use fewer samples or --epochs.",
        )
    _report(
        f"Fine-tuning {backbone.card.id} on {len(experiment.train):,} samples: at most {tokens:,} tokens in "
        f"{plan.epochs} epochs, ${training:.4f}; testing on {len(experiment.test):,}: at most ${testing:.4f}; "
        f"${backbone.limit:.2f} allowed."
    )


def _tested(tuned: OpenAIChat, experiment: Experiment) -> Predictions:
    """The model's answers to the test samples, as targets."""
    kind, classes = experiment.kind, experiment.dataset.classes
    inputs = list(experiment.part(experiment.test).inputs)
    answers = tuned.answer(CLASSIFICATION if classes else experiment.task.name, inputs) or []
    found = [kind.comparable(text, answer, classes) for text, answer in zip(inputs, answers, strict=True)]
    return Predictions(kind.array(found) if kind.estimable else found)


def _card(base: ModelCard, experiment: Experiment, name: str, plan: Plan) -> ModelCard:
    dataset = experiment.dataset
    classes: dict[str, Any] = {CLASSES: list(dataset.classes)} if dataset.classes else {}
    return dataclasses.replace(
        base,
        id=f"openai:{name}",
        tasks=(plan.task,),
        description=f"{base.id} adapted to {dataset.name} by {NAME}.",
        released=time.strftime("%Y-%m-%d", time.gmtime()),
        base_model=f"openai:{base_of(base.name)}" if base.name.startswith(TUNED) else base.id,
        url=None,
        tags=("api", "chat", "tuned"),
        loader={"strategy": NAME, **classes},
    )


def _report(line: str) -> None:
    warnings.warn(line, CostNotice, stacklevel=3)
