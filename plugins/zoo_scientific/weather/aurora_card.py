"""The card of an Aurora model in a folder: a published checkpoint, known by its name, or one with a ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.contract.source import ModelFolder
from zoo.entities import ModelCard, ModelFile
from zoo_scientific.weather.fields import TASK

LIBRARY = "aurora"

CHECKPOINTS = (
    "aurora-0.25-small-pretrained.ckpt",
    "aurora-0.25-pretrained.ckpt",
    "aurora-0.25-finetuned.ckpt",
    "aurora-0.25-12h-pretrained.ckpt",
    "aurora-0.1-finetuned.ckpt",
)
"""Names of files, each of which stands for an architecture of the library; they have no configuration."""


def recognise(folder: ModelFolder, config: Mapping[str, Any]) -> ModelCard | None:
    """The card of a folder with one such checkpoint, or with settings of the library's ``Aurora``; None for others."""
    if config.get("model_type") == "aurora" and folder.weights:
        return _card(folder.id, folder.loader)
    found = [] if config else [name for name in CHECKPOINTS if (folder.root / name).is_file()]
    if len(found) != 1:
        return None
    return _card(folder.id, {"weights": found[0], "format": "pytorch"}, (ModelFile(found[0]),))


def _card(model: str, loader: Mapping[str, Any], files: tuple[ModelFile, ...] = ()) -> ModelCard:
    return ModelCard(
        id=model,
        domain="scientific",
        tasks=(TASK,),
        architecture="Aurora",
        library=LIBRARY,
        input={"kind": "grid"},
        files=files,
        loader=dict(loader),
    )
