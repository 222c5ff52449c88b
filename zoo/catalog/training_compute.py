"""Published compute of pretrainings, each with its source; most models have none."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources

from zoo.entities import Entity, ModelCard

_DEPTH = 8


@dataclass(frozen=True)
class TrainingCompute(Entity):
    """The compute of a pretraining, in floating-point operations, as ``source`` publishes it."""

    model: str
    flop: float
    source: str


def training_compute(model: str, card_of: Callable[[str], ModelCard | None]) -> TrainingCompute | None:
    """The published compute of a model's pretraining, or else that of the nearest model that it was derived from.

    Args:
        card_of: the card of a model id; None if it is unknown.
    """
    seen: set[str] = set()
    while model not in seen and len(seen) < _DEPTH:
        if (found := _published().get(model)) is not None:
            return found
        seen.add(model)
        card = card_of(model)
        model = (card.base_model if card else None) or model
    return None


@functools.lru_cache(maxsize=1)
def _published() -> Mapping[str, TrainingCompute]:
    place = resources.files("zoo.catalog") / "tables" / "training_compute.csv"
    rows = list(csv.DictReader(place.read_text(encoding="utf-8").splitlines()))
    return {row["model"]: TrainingCompute(row["model"], float(row["flop"]), row["source"]) for row in rows}
