"""Layers as candidates: which ones are meant, and what is known of a model's layers before it is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from zoo.config import settings
from zoo.entities import ModelCard
from zoo.errors import InvalidInput, suggest
from zoo.recommend.measuring import revision_of

LAST: tuple[str, ...] = ()
"""No pattern at all: the model's own last layer, which is its default."""


def parse_layers(text: str | None) -> tuple[str, ...]:
    """The patterns that ``--layers`` names: ``last``, ``all``, or names with ``*``, separated by commas.

    Raises:
        InvalidInput: it names nothing.
    """
    if text is None or text.strip() == "last":
        return LAST
    patterns = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not patterns:
        raise InvalidInput("No layer is named.", "Write last, all, or names with commas, such as 'layer*.mean'.")
    return ("*",) if "all" in patterns else patterns


def expand(layers: Sequence[str], patterns: Sequence[str], model: str) -> tuple[str, ...]:
    """The layers that the patterns mean, from input to output; ``last`` among the patterns is the last one.

    Args:
        layers: all layers of the model.
        patterns: see ``parse_layers``; none means the last layer.
        model: id, for the message.

    Raises:
        InvalidInput: a pattern fits no layer.
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


def remembered_layers(card: ModelCard) -> tuple[str, ...] | None:
    """The layers that this revision of the model had when it was loaded before, or None."""
    layers = _kept().get(_key(card))
    return tuple(layers) if isinstance(layers, list) and all(isinstance(layer, str) for layer in layers) else None


def remember_layers(card: ModelCard, layers: Sequence[str]) -> None:
    """Keep the names of a loaded model's layers, so that kept figures are found without loading it.

    It is a convenience: where the file cannot be written, the model is loaded again the next time.
    """
    kept = _kept()
    if kept.get(_key(card)) == list(layers):
        return
    path = _path()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({**kept, _key(card): list(layers)}), encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)


def _path() -> Path:
    return settings().home / "layers.json"


def _key(card: ModelCard) -> str:
    return f"{card.id}@{revision_of(card)}"


def _kept() -> dict[str, object]:
    try:
        kept = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
