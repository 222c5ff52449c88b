"""What OpenAI's models cost: dated tables, each price with its source, and budgets that are kept.

Prices change. The tables beside this module hold only what could be traced; ``ZOO_OPENAI_PRICE`` (dollars a million
tokens, of embeddings) and ``ZOO_OPENAI_TUNING_PRICES`` (training, input and output, with commas between) count instead.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from importlib import resources

from zoo.entities import Entity
from zoo.errors import InvalidInput

TABLE = "openai_models.csv"
CHAT_TABLE = "openai_chat_models.csv"
TUNED = "ft:"
"""What the names of fine-tuned models begin with; the name of the model they were made from comes next."""

MILLION = 1_000_000
DEFAULT_LIMIT = 1.0
"""Dollars that one loaded model may cost where nobody says otherwise."""


@dataclass(frozen=True)
class EmbeddingModel(Entity):
    """An embedding model of OpenAI.

    Attributes:
        dimension: length of its vectors.
        max_tokens: tokens of a text at most.
        price: dollars a million tokens.
        date, source: when the price was so, and who says it.
    """

    name: str
    dimension: int
    max_tokens: int
    price: float
    date: str
    source: str


def embedding_models() -> dict[str, EmbeddingModel]:
    """The table, by name."""
    text = resources.files("zoo.sources").joinpath(TABLE).read_text(encoding="utf-8")
    return {
        row["name"]: EmbeddingModel(
            row["name"],
            int(row["dimension"]),
            int(row["max_tokens"]),
            float(row["dollars_per_million_tokens"]),
            row["date"],
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    }


@dataclass(frozen=True)
class ChatPrices(Entity):
    """What fine-tuning a chat model costs, in dollars a million tokens.

    Attributes:
        training: of the examples, each time that they are gone through.
        input, output: of what a fine-tuned model reads and writes.
        date, source: when that was so, and who says it.
    """

    name: str
    training: float
    input: float
    output: float
    date: str = ""
    source: str = ""

    def of_training(self, tokens: int) -> float:
        """Dollars for training on so many tokens."""
        return tokens * self.training / MILLION

    def of_use(self, read: int, written: int) -> float:
        """Dollars for so many tokens read and written by a fine-tuned model."""
        return (read * self.input + written * self.output) / MILLION


def chat_models() -> dict[str, ChatPrices]:
    """The chat models that OpenAI fine-tunes and whose prices could be traced, by name."""
    text = resources.files("zoo.sources").joinpath(CHAT_TABLE).read_text(encoding="utf-8")
    return {
        row["name"]: ChatPrices(
            row["name"], float(row["training"]), float(row["input"]), float(row["output"]), row["date"], row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    }


def base_of(name: str) -> str:
    """The model that a fine-tuned one was made from: ``ft:gpt-4o-mini-2024-07-18:acme::9xY`` gives its second part."""
    return name.split(":")[1] if name.startswith(TUNED) and name.count(":") > 1 else name


def chat_prices(name: str) -> ChatPrices:
    """The prices of a chat model, or of the one that a fine-tuned one was made from.

    Raises:
        InvalidInput: they are not known; a cost that nobody knows could not be kept within limits.
    """
    base = base_of(name)
    told = os.environ.get("ZOO_OPENAI_TUNING_PRICES", "").strip()
    if told:
        prices = [_dollars(part.strip(), "ZOO_OPENAI_TUNING_PRICES") for part in told.split(",")]
        if len(prices) != 3:
            raise InvalidInput(
                f"ZOO_OPENAI_TUNING_PRICES is '{told}', which is not three prices.",
                "Write dollars a million tokens of training, input and output, such as 3,0.3,1.2.",
            )
        return ChatPrices(base, prices[0], prices[1], prices[2])
    known = chat_models()
    if base not in known:
        raise InvalidInput(
            f"What fine-tuning 'openai:{base}' costs is not known, so that it could not be kept within limits.",
            "Set ZOO_OPENAI_TUNING_PRICES to its dollars a million tokens of training, input and output, such as "
            f"3,0.3,1.2; known are {', '.join(known)}.",
        )
    return known[base]


def most_dollars() -> float:
    """What may be spent: ``ZOO_MAX_COST``, which ``--max-cost`` sets, else a dollar."""
    told = os.environ.get("ZOO_MAX_COST", "").strip()
    return _dollars(told, "ZOO_MAX_COST") if told else DEFAULT_LIMIT


def price_of(name: str) -> float:
    """Dollars a million tokens: ``ZOO_OPENAI_PRICE``, else the table's.

    Raises:
        InvalidInput: neither tells; a cost that nobody knows could not be kept within limits.
    """
    told = os.environ.get("ZOO_OPENAI_PRICE", "").strip()
    if told:
        return _dollars(told, "ZOO_OPENAI_PRICE")
    known = embedding_models().get(name)
    if known is None:
        raise InvalidInput(
            f"The price of 'openai:{name}' is not known, so its cost could not be kept within limits.",
            "Set ZOO_OPENAI_PRICE to its dollars a million tokens.",
        )
    return known.price


class Budget:
    """What may be spent, and what was.

    Attributes:
        limit: dollars, ``ZOO_MAX_COST`` or ``--max-cost``.
        spent: dollars, by the tokens that the platform counted.
    """

    def __init__(self, name: str) -> None:
        self.name, self.price = name, price_of(name)
        self.limit = most_dollars()
        self.spent = 0.0

    def cost(self, tokens: int) -> float:
        """Dollars for so many tokens."""
        return tokens * self.price / MILLION

    def check(self, tokens: int) -> None:
        """Raise ``InvalidInput`` where so many tokens more would cost more than the limit; nothing is sent then."""
        total = self.spent + self.cost(tokens)
        if total > self.limit:
            already = f", of which ${self.spent:.4f} are spent" if self.spent else ""
            raise InvalidInput(
                f"Embedding with 'openai:{self.name}' could cost ${total:.4f}{already}, more than the limit of "
                f"${self.limit:.4f}.",
                "Raise the limit with --max-cost DOLLARS or ZOO_MAX_COST, or take fewer texts.",
            )

    def spend(self, tokens: int) -> None:
        """Note so many tokens as paid for."""
        self.spent += self.cost(tokens)


def _dollars(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InvalidInput(f"{name} is '{text}', which is no number of dollars.", "Write it as 0.02.")
    return value
