"""Parses the layers that are candidates."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from zoo.errors import InvalidInput, suggest

LAST: tuple[str, ...] = ()
"""No pattern: the model's last layer."""


def parse_layers(layers: str | Sequence[str] | None) -> tuple[str, ...]:
    """The patterns that ``--layers`` names: ``last``, ``all``, or names with ``*``, as a sequence or with commas.

    Raises:
        InvalidInput: no layer is named.
    """
    parts = layers.split(",") if isinstance(layers, str) else layers
    if parts is None or [part.strip() for part in parts] == ["last"]:
        return LAST
    patterns = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not patterns:
        raise InvalidInput("No layer is named.", "Write last, all, or names with commas, such as 'layer*.mean'.")
    return ("*",) if "all" in patterns else patterns


def expand(layers: Sequence[str], patterns: Sequence[str], model: str) -> tuple[str, ...]:
    """The layers that match the patterns, from input to output; ``last`` is the last layer.

    Args:
        layers: all layers of the model.
        patterns: see ``parse_layers``; by default the last layer.
        model: id, for the message.

    Raises:
        InvalidInput: a pattern matches no layer.
    """
    if not patterns:
        return (layers[-1],)
    found: set[str] = set()
    for pattern in patterns:
        fitting = [layers[-1]] if pattern == "last" else [layer for layer in layers if fnmatchcase(layer, pattern)]
        if not fitting:
            hint = suggest(pattern, layers) or f"Layers: {', '.join(layers)}."
            raise InvalidInput(f"'{model}' has no layer '{pattern}'.", hint)
        found.update(fitting)
    return tuple(layer for layer in layers if layer in found)
