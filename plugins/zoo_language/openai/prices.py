"""Prices of OpenAI's models: dated tables with sources, and a budget for each loaded model.

Prices change. The tables next to this module have only prices with a known source. The settings ``openai_price``
(dollars per million tokens of embeddings) and ``openai_tuning_prices`` (training, input and output) override them.
The setting ``max_cost`` is the budget. ``zoo.config.configure(max_cost=5.0)`` sets it, or ``ZOO_MAX_COST``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from zoo.config import setting
from zoo.contract.option import EVALUATE, FEATURES, PREDICT, Option
from zoo.entities import Entity
from zoo.errors import InvalidInput

TABLE = "embedding_models.csv"
CHAT_TABLE = "chat_models.csv"
TUNED = "ft:"
"""Prefix of the names of fine-tuned models, before the name of their base model."""

MILLION = 1_000_000
DEFAULT_LIMIT = 1.0
"""Default budget of a loaded model, in dollars."""


@dataclass(frozen=True)
class EmbeddingModel(Entity):
    """An embedding model of OpenAI.

    Attributes:
        dimension: length of its vectors.
        max_tokens: longest text, in tokens.
        price: dollars per million tokens.
        date, source: when and where the price was published.
    """

    name: str
    dimension: int
    max_tokens: int
    price: float
    date: str
    source: str


def embedding_models() -> dict[str, EmbeddingModel]:
    """The table, by name."""
    text = resources.files("zoo_language.openai").joinpath(TABLE).read_text(encoding="utf-8")
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
    """The price of fine-tuning a chat model, in dollars per million tokens.

    Attributes:
        training: for the examples, in each epoch.
        input, output: for the input and output of a fine-tuned model.
        date, source: when and where the prices were published.
    """

    name: str
    training: float
    input: float
    output: float
    date: str = ""
    source: str = ""

    def of_training(self, tokens: int) -> float:
        """Dollars for training on ``tokens`` tokens."""
        return tokens * self.training / MILLION

    def of_use(self, read: int, written: int) -> float:
        """Dollars for the input and output tokens of a fine-tuned model."""
        return (read * self.input + written * self.output) / MILLION


def chat_models() -> dict[str, ChatPrices]:
    """The chat models that OpenAI fine-tunes and whose prices have a known source, by name."""
    text = resources.files("zoo_language.openai").joinpath(CHAT_TABLE).read_text(encoding="utf-8")
    return {
        row["name"]: ChatPrices(
            row["name"], float(row["training"]), float(row["input"]), float(row["output"]), row["date"], row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    }


def base_of(name: str) -> str:
    """The base model of a fine-tuned one: the second part of ``ft:gpt-4o-mini-2024-07-18:acme::9xY``."""
    return name.split(":")[1] if name.startswith(TUNED) and name.count(":") > 1 else name


def chat_prices(name: str) -> ChatPrices:
    """The prices of a chat model, or of the base model of a fine-tuned one.

    Raises:
        InvalidInput: they are unknown, so the cost could not be limited.
    """
    base = base_of(name)
    if (given := _valid("openai_tuning_prices", None, three_prices)) is not None:
        return ChatPrices(base, *given)
    known = chat_models()
    if base not in known:
        raise InvalidInput(
            f"The price of fine-tuning 'openai:{base}' is not known, so its cost could not be limited.",
            "Set ZOO_OPENAI_TUNING_PRICES to its dollars per million tokens of training, input and output, such as "
            f"3,0.3,1.2. Known prices: {', '.join(known)}.",
        )
    return known[base]


def most_dollars() -> float:
    """The budget of a loaded model, in dollars: the setting ``max_cost``, else 1."""
    limit: float = _valid("max_cost", DEFAULT_LIMIT, dollars)
    return limit


def price_of(name: str) -> float:
    """Dollars per million tokens: the setting ``openai_price``, else the table's.

    Raises:
        InvalidInput: neither has it, so the cost could not be limited.
    """
    given: float | None = _valid("openai_price", None, dollars)
    if given is not None:
        return given
    known = embedding_models().get(name)
    if known is None:
        raise InvalidInput(
            f"The price of 'openai:{name}' is not known, so its cost could not be limited.",
            "Set ZOO_OPENAI_PRICE to its dollars per million tokens.",
        )
    return known.price


class Budget:
    """A cost limit, and what was spent.

    Attributes:
        limit: dollars, see ``most_dollars``.
        spent: dollars, for the tokens that the platform counted.
    """

    def __init__(self, name: str) -> None:
        self.name, self.price = name, price_of(name)
        self.limit = most_dollars()
        self.spent = 0.0

    def cost(self, tokens: int) -> float:
        """Dollars for ``tokens`` tokens."""
        return tokens * self.price / MILLION

    def check(self, tokens: int) -> None:
        """Raise ``InvalidInput`` if this many more tokens would exceed the limit; call it before sending."""
        total = self.spent + self.cost(tokens)
        if total > self.limit:
            already = f", of which ${self.spent:.4f} are spent" if self.spent else ""
            raise InvalidInput(
                f"Embedding with 'openai:{self.name}' could cost ${total:.4f}{already}, more than the limit of "
                f"${self.limit:.4f}.",
                "Raise the limit with --max-cost DOLLARS or ZOO_MAX_COST, or use fewer texts.",
            )

    def spend(self, tokens: int) -> None:
        """Add tokens to what was spent."""
        self.spent += self.cost(tokens)


def dollars(value: Any) -> float:
    """A number of dollars; raises ``ValueError`` if it is not finite or is negative."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = -1.0
    if not 0 <= found < float("inf"):
        raise ValueError(f"'{value}' is not an amount in dollars, such as 0.02")
    return found


def three_prices(value: Any) -> tuple[float, float, float]:
    """Prices of training, input and output, as numbers or comma-separated; raises ``ValueError``."""
    parts = value.split(",") if isinstance(value, str) else tuple(value)
    if len(parts) != 3:
        raise ValueError(f"'{value}' is not three prices: training, input and output, such as 3,0.3,1.2")
    training, read, written = map(dollars, parts)
    return training, read, written


def _valid(name: str, default: Any, convert: Callable[[Any], Any]) -> Any:
    """A setting, also checked if it was configured from Python."""
    value = setting(name, default, convert)
    try:
        return None if value is None else convert(value)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The setting {name} is not valid: {error}.") from None


MAX_COST = Option(
    "max_cost",
    frozenset({FEATURES, PREDICT, EVALUATE}),
    "Maximum cost per loaded model, in dollars [default: 1].",
    metavar="DOLLARS",
    convert=dollars,
    setting=True,
    at_loading=True,
    group="Paid APIs",
)
