"""Warnings about tuned candidates that were trained on the samples that they are measured on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.entities import Dataset, ModelCard


def training_overlap(cards: Iterable[ModelCard], measured: Dataset) -> Iterator[str]:
    """A warning for each candidate that ``zoo tune`` trained on samples that it was measured on."""
    from zoo.adapt.saved.seen import seen_by_weights

    for id, card in {card.id: card for card in cards}.items():
        seen = seen_by_weights(card)
        known = seen.holds(measured) if seen is not None and len(seen.digests) else None
        if known is not None and known.any():
            yield (
                f"Leakage: {id} was trained on {int(known.sum()):,} of the {len(measured):,} samples that it was "
                "measured on, so that its score is too good. Leave it out, or measure on samples that are new to it."
            )
