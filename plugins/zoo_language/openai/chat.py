"""OpenAI's chat models: they classify texts and answer prompts, within a cost limit, and OpenAI can fine-tune them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, InvalidInput, SourceError, UnsupportedModel
from zoo.kinds.classes import Label, Labels
from zoo_language.openai.client import client, openai_errors
from zoo_language.openai.prices import TUNED, chat_prices, most_dollars
from zoo_language.openai.tokens import conversation_tokens, counter

if TYPE_CHECKING:
    from zoo.entities import ModelCard

CLASSES = "classes"
"""Key on the card of a fine-tuned model with the classes that it was trained on."""

AT_ONCE = 8
"""Concurrent requests."""

ROOM = 2048
"""Maximum tokens of an answer that is not the name of a class."""


class OpenAIChat:
    """A chat model behind the API. Its cost limit applies while it is loaded.

    It has no feature layers. ``spent`` is in dollars, for the tokens that OpenAI counted.
    """

    input_kind = "text"
    layers: tuple[str, ...] = ()
    embedding_dimension = 0

    def __init__(self, card: ModelCard) -> None:
        self.card, self.spent = card, 0.0
        self.classes = tuple(card.loader.get(CLASSES, ()))
        self.prices, self.limit = chat_prices(card.name), most_dollars()
        self.client = client()

    def preprocess(self, item: Any) -> Any:
        """Raise an error: it has no feature layers."""
        raise self._no_features()

    def collate(self, items: Sequence[Any]) -> Any:
        """Raise an error, as ``preprocess``."""
        raise self._no_features()

    def features(self, batch: Any, layers: Sequence[str]) -> Mapping[str, Any]:
        """Raise an error, as ``preprocess``."""
        raise self._no_features()

    def answer(self, task: str, inputs: Sequence[str], labels: Sequence[str] = ()) -> list[Labels] | list[str] | None:
        """The class of each text for text classification, else the model's answer to each text.

        Args:
            labels: the classes to choose from, for a model that was not fine-tuned on classes of its own.

        Returns:
            A class has the probability of its tokens, if the API returns it. None for tasks that are not
            among the card's.

        Raises:
            UnsupportedModel: it has no classes, and none are given.
            InvalidInput: it could cost more than the limit; nothing is sent.
        """
        if task == "text-classification":
            return self._classified(inputs, labels)
        if task not in self.card.tasks:
            return None
        return [text for text, _ in self._ask([question(item) for item in inputs], ROOM)]

    def _classified(self, inputs: Sequence[str], labels: Sequence[str]) -> list[Labels]:
        classes = self.classes or tuple(labels)
        if not classes:
            raise UnsupportedModel(
                f"'{self.card.id}' has no classes of its own.",
                "Name them with --labels, or train it on yours: zoo tune --strategy fine-tuning-job",
            )
        count = counter()
        room = 1 + max(count(name) for name in classes)
        known = {_folded(name): name for name in classes}
        found = self._ask([question(item, classes) for item in inputs], room)
        return [Labels((Label(known.get(_folded(text), text), probability),)) for text, probability in found]

    def cost_of_asking(self, conversations: Sequence[Sequence[Mapping[str, str]]], room: int) -> float:
        """Maximum dollars that answers of ``room`` tokens can cost."""
        count = counter()
        read = sum(conversation_tokens(messages, count) for messages in conversations)
        return self.prices.of_use(read, room * len(conversations))

    def _ask(self, conversations: Sequence[list[dict[str, str]]], room: int) -> list[tuple[str, float | None]]:
        most = self.spent + self.cost_of_asking(conversations, room)
        if most > self.limit:
            raise InvalidInput(
                f"{len(conversations):,} requests to '{self.card.id}' could cost ${most:.4f}, more than the limit of "
                f"${self.limit:.4f}.",
                "Raise the limit with --max-cost DOLLARS or ZOO_MAX_COST, or use fewer texts.",
            )
        with ThreadPoolExecutor(min(AT_ONCE, len(conversations) or 1)) as pool:
            return list(pool.map(lambda messages: self._asked(messages, room), conversations))

    def _asked(self, messages: list[dict[str, str]], room: int) -> tuple[str, float | None]:
        with openai_errors(self.card.id):
            reply = self.client.chat.completions.create(
                model=self.card.name,
                messages=messages,
                max_completion_tokens=room,
                temperature=0,
                seed=0,
                logprobs=True,
            )
        if reply.usage is not None:
            self.spent += self.prices.of_use(reply.usage.prompt_tokens, reply.usage.completion_tokens)
        if not reply.choices or reply.choices[0].message.content is None:
            raise SourceError(f"'{self.card.id}' did not answer a text.", "Try again.")
        choice = reply.choices[0]
        tokens = choice.logprobs.content if choice.logprobs else None
        probability = math.exp(min(0.0, sum(token.logprob for token in tokens))) if tokens else None
        return choice.message.content.strip(), probability

    def _no_features(self) -> UnsupportedModel:
        hint = "Predict with it: zoo predict MODEL TEXT"
        if not self.card.name.startswith(TUNED):
            hint = f"Fine-tune it: zoo tune {self.card.id} DATA --strategy fine-tuning-job"
        return UnsupportedModel(f"'{self.card.id}' produces answers only; it has no feature layers.", hint)


def question(text: Any, classes: Sequence[str] = ()) -> list[dict[str, str]]:
    """The conversation that asks for the class of a text; the text alone if there are no classes."""
    if not isinstance(text, str):
        raise DataError(f"OpenAI's chat models take texts, not {type(text).__name__}.")
    asked = {"role": "user", "content": text}
    if not classes:
        return [asked]
    return [{"role": "system", "content": f"Answer with one of these and nothing else: {', '.join(classes)}"}, asked]


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
