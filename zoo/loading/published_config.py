"""The ``config.json`` of a transformers folder, read before anything is loaded from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.entities import ModelCard
from zoo.errors import UnsupportedModel
from zoo.untrusted import parse_json


def published_config(folder: Path, card: ModelCard) -> dict[str, Any]:
    """The content of the folder's ``config.json``.

    Raises:
        UnsupportedModel: it is missing or damaged, or requires code from another repository.
    """
    try:
        raw: dict[str, Any] = parse_json((folder / "config.json").read_text(encoding="utf-8"), finite=False)
        items = raw.items()
    except (OSError, ValueError, AttributeError) as error:
        raise UnsupportedModel(
            f"'{card.id}' cannot be loaded: its config.json cannot be read ({error}).", f"Run: zoo pull {card.id}"
        ) from error
    # Attention code may be named like a repository, which transformers would then fetch and run.
    for key, value in items:
        if key.endswith("attn_implementation_internal") or ("attn_implementation" in key and "/" in str(value)):
            raise UnsupportedModel(f"'{card.id}' needs attention code from another repository, which zoo never runs.")
    return raw


def architectures(raw: dict[str, Any]) -> tuple[str, ...]:
    """The classes that a checkpoint was saved from; empty if its config names none."""
    named = raw.get("architectures") or ()
    return tuple(str(name) for name in named) if isinstance(named, list) else ()
