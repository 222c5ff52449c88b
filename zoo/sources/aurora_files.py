"""Recognises the published checkpoints of Aurora by their names: they have no configuration beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo.entities import ModelCard, ModelFile

LIBRARY = "aurora"

CHECKPOINTS = (
    "aurora-0.25-small-pretrained.ckpt",
    "aurora-0.25-pretrained.ckpt",
    "aurora-0.25-finetuned.ckpt",
    "aurora-0.25-12h-pretrained.ckpt",
    "aurora-0.1-finetuned.ckpt",
)
"""Names that say of which architecture they are."""


def checkpoint_of(root: Path) -> str | None:
    """The one file of a folder that is such a checkpoint, or None."""
    found = [name for name in CHECKPOINTS if (root / name).is_file()]
    return found[0] if len(found) == 1 else None


def card_of(model: str, files: Sequence[ModelFile]) -> ModelCard:
    """The card of a folder with such a checkpoint."""
    return ModelCard(
        id=model,
        domain="scientific",
        tasks=("weather-forecasting",),
        architecture="Aurora",
        library=LIBRARY,
        bytes=sum(file.bytes or 0 for file in files),
        input={"kind": "grid"},
        files=tuple(files),
        loader={"weights": files[0].path, "format": "pytorch"},
    )
