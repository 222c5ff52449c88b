"""Reads the models in a folder, or in a cache of the Hugging Face Hub."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.catalog.licenses import of_hub_tag
from zoo.catalog.model_index import scores_of
from zoo.entities import BenchmarkScore, ModelCard
from zoo.errors import DataError
from zoo.exchange.model_cards import header_of
from zoo.sources.local.folder import FileSource


def snapshots(source: str) -> Iterator[ModelCard | BenchmarkScore]:
    """The models of each subfolder with a ``config.json``, or of the snapshots in a cache of the Hub.

    Raises:
        DataError: it is not a folder, or has no models.
    """
    root = Path(source).expanduser()
    if not root.is_dir():
        raise DataError(f"{source} is not a folder.", "Name the folder that holds the models.")
    found = 0
    for folder, name, commit in _model_folders(root):
        card = FileSource().describe(str(folder))
        if name:
            card = dataclasses.replace(card, id=f"hf:{name}", revision=commit)
        readme = folder / "README.md"
        header = header_of(readme)
        found += 1
        yield _described(card, header)
        yield from scores_of(card.id, header.get("model-index"), str(readme.name))
    if not found:
        raise DataError(f"{source} has no subfolders with a config.json.", "Name the parent folder of the models.")


def _model_folders(root: Path) -> Iterator[tuple[Path, str | None, str | None]]:
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if folder.name.startswith("models--"):
            name = folder.name.removeprefix("models--").replace("--", "/")
            for snapshot in sorted((folder / "snapshots").glob("*")):
                if (snapshot / "config.json").is_file():
                    yield snapshot, name, snapshot.name
        elif (folder / "config.json").is_file():
            yield folder, None, None


def _described(card: ModelCard, header: Mapping[str, Any]) -> ModelCard:
    """The card, completed from the header of the model card."""
    task, tags = header.get("pipeline_tag"), header.get("tags")
    return dataclasses.replace(
        card,
        tasks=(task,) if isinstance(task, str) and not card.tasks else card.tasks,
        license=card.license or of_hub_tag(header.get("license")),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else card.tags,
    )
