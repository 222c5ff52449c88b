"""OpenAI's chat models: they label and answer texts, within a limit of cost, and can be fine-tuned at OpenAI."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, InvalidInput, SourceError, UnsupportedModel
from zoo.sources.openai_client import client, openai_errors
from zoo.sources.openai_prices import TUNED, chat_prices, most_dollars
from zoo_language.openai.tokens import conversation_tokens, counter

if TYPE_CHECKING:
    from zoo.entities import ModelCard

CLASSES = "classes"
"""Where the card of a fine-tuned model keeps the classes that it was taught."""

AT_ONCE = 8
"""Requests under way at a time."""

ROOM = 2048
"""Tokens of an answer at most, where it is not the name of a class."""


class OpenAIChat:
    """A chat model behind the API. What it may cost counts for as long as it is loaded.

    It gives no features. ``spent`` is in dollars, by the tokens that OpenAI counted.
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
        """Refuse: there is nothing to compute features from."""
        raise self._no_features()

    def collate(self, items: Sequence[Any]) -> Any:
        """Refuse, as ``preprocess``."""
        raise self._no_features()

    def features(self, batch: Any, layers: Sequence[str]) -> Mapping[str, Any]:
        """Refuse, as ``preprocess``."""
        raise self._no_features()

    def classify(self, inputs: Sequence[str], labels: Sequence[str] = ()) -> list[list[dict[str, Any]]]:
        """The class of each text, with the probability that the model gave its name where it tells.

        Args:
            labels: the classes to choose from, for a model that was not fine-tuned to classes of its own.

        Raises:
            UnsupportedModel: it has no classes, and none are named.
            InvalidInput: it could cost more than the limit; nothing is sent then.
        """
        classes = self.classes or tuple(labels)
        if not classes:
            raise UnsupportedModel(
                f"'{self.card.id}' has no classes of its own.",
                "Name them with --labels, or teach it yours: zoo tune --strategy fine-tuning-job",
            )
        count = counter()
        room = 1 + max(count(name) for name in classes)
        known = {_folded(name): name for name in classes}
        answers = []
        for text, chance in self._ask([question(item, classes) for item in inputs], room):
            answer: dict[str, Any] = {"label": known.get(_folded(text), text)}
            answers.append([answer if chance is None else {**answer, "score": chance}])
        return answers

    def answer(self, task: str, inputs: Sequence[str], labels: Sequence[str] = ()) -> list[str] | None:
        """What the model writes for each text, whatever ``labels``; None for tasks that are none of its card's."""
        if task not in self.card.tasks or task == "text-classification":
            return None
        return [text for text, _ in self._ask([question(item) for item in inputs], ROOM)]

    def cost_of_asking(self, conversations: Sequence[Sequence[Mapping[str, str]]], room: int) -> float:
        """Dollars that so many answers of ``room`` tokens cost at most."""
        count = counter()
        read = sum(conversation_tokens(messages, count) for messages in conversations)
        return self.prices.of_use(read, room * len(conversations))

    def _ask(self, conversations: Sequence[list[dict[str, str]]], room: int) -> list[tuple[str, float | None]]:
        most = self.spent + self.cost_of_asking(conversations, room)
        if most > self.limit:
            raise InvalidInput(
                f"Asking '{self.card.id}' {len(conversations):,} times could cost ${most:.4f}, more than the limit of "
                f"${self.limit:.4f}.",
                "Raise the limit with --max-cost DOLLARS or ZOO_MAX_COST, or take fewer texts.",
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
            raise SourceError(f"'{self.card.id}' gave no answer to a text.", "Try again.")
        choice = reply.choices[0]
        tokens = choice.logprobs.content if choice.logprobs else None
        chance = math.exp(min(0.0, sum(token.logprob for token in tokens))) if tokens else None
        return choice.message.content.strip(), chance

    def _no_features(self) -> UnsupportedModel:
        hint = "Predict with it: zoo predict MODEL TEXT"
        if not self.card.name.startswith(TUNED):
            hint = f"Fine-tune it: zoo tune {self.card.id} DATA --strategy fine-tuning-job"
        return UnsupportedModel(f"'{self.card.id}' answers texts and gives no features.", hint)


def question(text: Any, classes: Sequence[str] = ()) -> list[dict[str, str]]:
    """The conversation that asks for the class of a text, or just says the text where there are no classes."""
    if not isinstance(text, str):
        raise DataError(f"OpenAI's chat models take texts, not {type(text).__name__}.")
    asked = {"role": "user", "content": text}
    if not classes:
        return [asked]
    return [{"role": "system", "content": f"Answer with one of these and nothing else: {', '.join(classes)}"}, asked]


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
