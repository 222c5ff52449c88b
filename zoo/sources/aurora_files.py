"""Recognises the published checkpoints of Aurora by their names: they have no configuration beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.contract.source import ModelFolder
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


def recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """The card of a folder of which one file has such a name, without a configuration."""
    found = [] if config else [name for name in CHECKPOINTS if (folder.root / name).is_file()]
    if len(found) != 1:
        return None
    return ModelCard(
        id=folder.id,
        domain="scientific",
        tasks=("weather-forecasting",),
        architecture="Aurora",
        library=LIBRARY,
        input={"kind": "grid"},
        files=(ModelFile(found[0]),),
        loader={"weights": found[0], "format": "pytorch"},
    )
