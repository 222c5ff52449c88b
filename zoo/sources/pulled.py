"""Notes of the models that were pulled from platforms whose caches do not tell what lies in them."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from zoo.config import settings
from zoo.entities import LocalFiles, ModelCard, ModelFile
from zoo.errors import InvalidInput, storage_errors
from zoo.sources.base import LocalModel


class PulledModels:
    """The pulled models of one source: a JSON file each, with the card, the folder, and the files with their hashes."""

    def __init__(self, source: str) -> None:
        self.folder = settings().models / source

    def remember(self, card: ModelCard, files: LocalFiles) -> LocalFiles:
        """Note that a model is here; returns its files.

        Raises:
            StorageError: zoo's folder cannot be written.
        """
        path = self._path(card.id, files.revision)
        noted = dataclasses.replace(card, revision=files.revision, files=files.files)
        with storage_errors(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".new")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"root": str(files.root), "card": noted.to_dict()}, file)
            os.replace(temporary, path)
        return files

    def find(self, model: str, revision: str | None = None) -> LocalModel | None:
        """A model that is here, whole; the one pulled last where no revision is named."""
        found = [one for one in self.models() if one.id == model and revision in {None, one.files.revision}]
        return max(found, key=lambda one: self._path(one.id, one.files.revision).stat().st_mtime_ns, default=None)

    def models(self) -> Iterator[LocalModel]:
        """The models that are here, whole: every file in its size."""
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            model = _read(path)
            if model is not None and all(_present(model.files, file) for file in model.files.files):
                yield model

    def forget(self, model: LocalModel) -> None:
        """Drop the note of a model."""
        self._path(model.id, model.files.revision).unlink(missing_ok=True)

    def _path(self, model: str, revision: str | None) -> Path:
        return self.folder / (quote(f"{model}@{revision or ''}", safe="") + ".json")


def _read(path: Path) -> LocalModel | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        card = ModelCard.from_dict(document["card"])
        return LocalModel(card.id, LocalFiles(Path(document["root"]), card.files, card.revision), card)
    except (OSError, ValueError, KeyError, TypeError, InvalidInput):
        return None


def _present(files: LocalFiles, file: ModelFile) -> bool:
    try:
        return file.bytes is None or files.path(file.path).stat().st_size == file.bytes
    except OSError:
        return False
