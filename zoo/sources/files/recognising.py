"""The card of a model in a folder: from a plugin that knows its format, else from its ``config.json``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.contract.source import ModelFolder
from zoo.entities import ModelCard, ModelFile
from zoo.plugins import plugins
from zoo.sources.files.config_card import count_parameters
from zoo.sources.files.model_files import format_of


def recognise(model: str, root: Path, paths: Iterable[str], config: Mapping[str, Any] | None) -> ModelCard | None:
    """A plugin's card of a folder, without hashes; None if no plugin knows its format.

    Args:
        paths: the files that would be downloaded of the folder.
        config: the content of ``config.json``.
    """
    weights = {path: found for path in paths if (found := format_of(path))}
    folder = ModelFolder(model, root, weights)
    card: ModelCard | None = plugins().first("zoo_recognise", folder=folder, config=config or {})
    return card


def complete(card: ModelCard, root: Path, files: Sequence[ModelFile], revision: str | None) -> ModelCard:
    """The card, completed by the source: files with their hashes, size, revision, number of parameters.

    Raises:
        IntegrityError: weights are malformed.
    """
    weights = [file.path for file in files if format_of(file.path)]
    parameters = card.parameters
    if parameters is None and weights:
        parameters = count_parameters(root, weights)
    return dataclasses.replace(
        card,
        files=tuple(files),
        bytes=sum(file.bytes or 0 for file in files),
        parameters=parameters,
        revision=revision,
    )
