"""Limits on candidates: what is left out, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zoo.answers import Exclusion
from zoo.entities import Entity, ModelCard

BYTES_PER_PARAMETER = 4
"""Measured in float32."""

RUNTIME_BYTES = 400_000_000
"""What the frameworks themselves and a batch of activations of a small backbone take, in bytes."""

ACTIVATION_SHARE = 0.5
"""Activations of a batch, as a share of the weights, on top of ``RUNTIME_BYTES``."""


@dataclass(frozen=True)
class Limits(Entity):
    """What the user allows.

    Attributes:
        licenses: SPDX ids allowed, compared without case; empty allows all.
        max_parameters: number of parameters.
        max_bytes: size of the model's files.
        memory: bytes of memory of the device, or None where it is unknown.
    """

    licenses: tuple[str, ...] = ()
    max_parameters: int | None = None
    max_bytes: int | None = None
    memory: int | None = None


def apply(cards: Iterable[ModelCard], limits: Limits) -> tuple[list[ModelCard], list[Exclusion]]:
    """Split cards into those within the limits and those outside, each of these with all its reasons."""
    kept: list[ModelCard] = []
    excluded: list[Exclusion] = []
    for card in cards:
        reasons = list(violations(card, limits))
        if reasons:
            excluded.append(Exclusion(card.id, "; ".join(reasons)))
        else:
            kept.append(card)
    return kept, excluded


def violations(card: ModelCard, limits: Limits) -> Iterator[str]:
    """The limits that a model breaks, in words. What is not known of a model breaks a limit on it."""
    allowed = {license.lower() for license in limits.licenses}
    if allowed and (card.license or "").lower() not in allowed:
        yield f"licence {card.license or 'unknown'} is not allowed"
    if limits.max_parameters is not None:
        if card.parameters is None:
            yield "number of parameters unknown"
        elif card.parameters > limits.max_parameters:
            yield f"{card.parameters:,} parameters, allowed are {limits.max_parameters:,}"
    if limits.max_bytes is not None:
        if card.bytes is None:
            yield "size unknown"
        elif card.bytes > limits.max_bytes:
            yield f"{card.bytes:,} bytes, allowed are {limits.max_bytes:,}"
    needed = memory_to_run(card)
    if limits.memory is not None and needed is not None and needed > limits.memory:
        yield f"needs about {needed / 1e9:.1f} GB of memory, the device has {limits.memory / 1e9:.1f} GB"


def memory_to_run(card: ModelCard) -> int | None:
    """Bytes to extract features in float32: weights, activations of a batch, and the frameworks; an estimate."""
    if card.parameters is None:
        return None
    weights = card.parameters * BYTES_PER_PARAMETER
    return int(weights * (1 + ACTIVATION_SHARE)) + RUNTIME_BYTES
