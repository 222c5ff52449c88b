"""How much memory a model takes to run: its weights as they are stored, and room to work in."""

from __future__ import annotations

import re

from zoo.entities import ModelCard

OVERHEAD = 1.2
"""Memory to run a model over that of its weights (Anthony et al., "Transformer Math 101", EleutherAI 2023)."""

_BITS = (
    (re.compile(r"(?:^|[^a-z0-9])(?:4[-_]?bit|int4|nf4|fp4|q4|awq|gptq)(?:$|[^a-z0-9])"), 4),
    (re.compile(r"(?:^|[^a-z0-9])(?:8[-_]?bit|int8|fp8|float8|q8)(?:$|[^a-z0-9])"), 8),
    (re.compile(r"(?:^|[^a-z0-9])(?:fp16|bf16|f16|float16|bfloat16|half)(?:$|[^a-z0-9])"), 16),
    (re.compile(r"(?:^|[^a-z0-9])(?:fp32|f32|float32)(?:$|[^a-z0-9])"), 32),
)
_LARGE = 1_000_000_000


def needed(card: ModelCard) -> int | None:
    """Bytes of memory that it takes to run a model; None where neither its size nor its parameters are known.

    The weights count with their true bytes where the card has them, which is what loading them in their own precision
    takes. Otherwise the parameters count with the precision that the card's name or tags tell (``4bit``, ``gptq``,
    ``fp8``, ``bf16``...), or with the usual one: 2 bytes from a billion parameters on, 4 below.
    """
    weights = weight_bytes(card)
    return None if weights is None else min(round(weights * OVERHEAD), 2**62)


def weight_bytes(card: ModelCard) -> int | None:
    """Bytes of the weights, as ``needed`` takes them."""
    if card.bytes is not None:
        return card.bytes
    if card.parameters is None:
        return None
    return card.parameters * bits(card) // 8


def bits(card: ModelCard) -> int:
    """Bits a parameter, told by the name or the tags, or the usual ones."""
    text = " ".join((card.id, *card.tags)).lower()
    for pattern, width in _BITS:
        if pattern.search(text):
            return width
    return 16 if (card.parameters or 0) >= _LARGE else 32
