"""What OpenAI's embedding models cost: a dated table, each price with its source, and a budget that is kept.

Prices change. The table beside this module holds only what could be traced; ``ZOO_OPENAI_PRICE`` (dollars a million
tokens) counts instead of it.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from importlib import resources

from zoo.entities import Entity
from zoo.errors import InvalidInput

TABLE = "openai_models.csv"
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
        told = os.environ.get("ZOO_MAX_COST", "").strip()
        self.limit = _dollars(told, "ZOO_MAX_COST") if told else DEFAULT_LIMIT
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
