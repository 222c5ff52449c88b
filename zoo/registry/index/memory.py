"""Estimates the memory that running a model takes: its weights as stored, and working memory."""

from __future__ import annotations

import re

from zoo.entities import ModelCard

OVERHEAD = 1.2
"""Memory to run a model, relative to its weights (Anthony et al., "Transformer Math 101", EleutherAI 2023)."""

_BITS = (
    (re.compile(r"(?:^|[^a-z0-9])(?:4[-_]?bit|int4|nf4|fp4|q4|awq|gptq)(?:$|[^a-z0-9])"), 4),
    (re.compile(r"(?:^|[^a-z0-9])(?:8[-_]?bit|int8|fp8|float8|q8)(?:$|[^a-z0-9])"), 8),
    (re.compile(r"(?:^|[^a-z0-9])(?:fp16|bf16|f16|float16|bfloat16|half)(?:$|[^a-z0-9])"), 16),
    (re.compile(r"(?:^|[^a-z0-9])(?:fp32|f32|float32)(?:$|[^a-z0-9])"), 32),
)
_LARGE = 1_000_000_000


def needed(card: ModelCard) -> int | None:
    """Bytes of memory to run a model; None if neither its size nor its number of parameters is known.

    The weights count with their size in bytes if the card has it, which is what loading them in their own precision
    takes. Otherwise each parameter counts with the precision in the card's name or tags (``4bit``, ``gptq``, ``fp8``,
    ``bf16``...), or by default with 2 bytes from a billion parameters on, 4 below.
    """
    weights = weight_bytes(card)
    return None if weights is None else min(round(weights * OVERHEAD), 2**62)


def weight_bytes(card: ModelCard) -> int | None:
    """Bytes of the weights, as used by ``needed``."""
    if card.bytes is not None:
        return card.bytes
    if card.parameters is None:
        return None
    return card.parameters * bits(card) // 8


def bits(card: ModelCard) -> int:
    """Bits per parameter, from the name or the tags, or the default."""
    text = " ".join((card.id, *card.tags)).lower()
    for pattern, width in _BITS:
        if pattern.search(text):
            return width
    return 16 if (card.parameters or 0) >= _LARGE else 32
