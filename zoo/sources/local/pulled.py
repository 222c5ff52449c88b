"""Records of pulled models, for platforms whose caches do not describe their content."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.contract.source import LocalModel
from zoo.entities import LocalFiles, ModelCard, ModelFile, Problem
from zoo.errors import IntegrityError, InvalidInput, ModelNotFound, storage_errors
from zoo.sources.files.hashing import KnownHashes, differences
from zoo.untrusted import parse_json


class PulledModels:
    """The pulled models of one source, one JSON file each: the card, the folder, and the files with their hashes."""

    def __init__(self, source: str) -> None:
        self.folder = settings().models / source

    def remember(self, card: ModelCard, files: LocalFiles) -> LocalFiles:
        """Record a pulled model; return its files.

        Raises:
            StorageError: zoo's folder cannot be written.
        """
        path = self._path(card.id, files.revision)
        recorded = dataclasses.replace(card, revision=files.revision, files=files.files)
        with storage_errors(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".new")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"root": str(files.root), "card": recorded.to_dict()}, file)
            os.replace(temporary, path)
        return files

    def find(self, model: str, revision: str | None = None) -> LocalModel | None:
        """A complete local model; without a revision, the one that was pulled last."""
        found = [one for one in self.models() if one.id == model and revision in {None, one.files.revision}]
        return max(found, key=lambda one: self._path(one.id, one.files.revision).stat().st_mtime_ns, default=None)

    def models(self) -> Iterator[LocalModel]:
        """The complete local models, with every file in its size."""
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            model = _read(path)
            if model is not None and all(_present(model.files, file) for file in model.files.files):
                yield model

    def forget(self, model: LocalModel) -> None:
        """Delete the record of a model."""
        self._path(model.id, model.files.revision).unlink(missing_ok=True)

    def _path(self, model: str, revision: str | None) -> Path:
        return self.folder / (quote(f"{model}@{revision or ''}", safe="") + ".json")


class PulledSource:
    """Base of the sources that record their pulled models.

    Attributes:
        name: the part of a model id before the colon.
    """

    name: str

    @property
    def pulled(self) -> PulledModels:
        """The records of this source."""
        return PulledModels(self.name)

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The files, if they are complete; no network, no hashing."""
        model = self.pulled.find(card.id, card.revision)
        return None if model is None else model.files

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Hash every file again.

        Raises:
            ModelNotFound: the model is not on this machine.
        """
        files = self._here(card).files
        with KnownHashes() as known:
            return differences(files.root, files.files, known, progress, f"Verifying {card.id}", fresh=True)

    def remove(self, card: ModelCard) -> int:
        """Delete the files; return the bytes that were freed.

        Raises:
            ModelNotFound: the model is not on this machine.
        """
        model = self._here(card)
        with storage_errors(model.files.root, "delete"):
            self._delete(model)
        self.pulled.forget(model)
        return model.files.bytes

    def models(self) -> Iterator[LocalModel]:
        """The complete local models."""
        return self.pulled.models()

    def local(self) -> Iterator[LocalFiles]:
        """The files of those models."""
        for model in self.models():
            yield model.files

    def checked(self, model: LocalModel, progress: Progress) -> LocalFiles:
        """The files of a local model, verified against the hashes recorded when it was pulled.

        Raises:
            IntegrityError: they differ.
        """
        with KnownHashes() as known:
            problems = differences(model.files.root, model.files.files, known, progress, f"Verifying {model.id}")
        if problems:
            raise IntegrityError(
                f"The files of '{model.id}' changed since they were pulled: {problems[0].item} {problems[0].reason}.",
                f"Run: zoo remove {model.id}, then: zoo pull {model.id}",
            )
        return model.files

    def _delete(self, model: LocalModel) -> None:
        for file in model.files.files:
            model.files.path(file.path).unlink()

    def _here(self, card: ModelCard) -> LocalModel:
        model = self.pulled.find(card.id, card.revision)
        if model is None:
            raise ModelNotFound(f"'{card.id}' is not on this machine.", f"Run: zoo pull {card.id}")
        return model


def _read(path: Path) -> LocalModel | None:
    try:
        document = parse_json(path.read_text(encoding="utf-8"))
        card = ModelCard.from_dict(document["card"])
        return LocalModel(card.id, LocalFiles(Path(document["root"]), card.files, card.revision), card)
    except (OSError, ValueError, KeyError, TypeError, InvalidInput):
        return None


def _present(files: LocalFiles, file: ModelFile) -> bool:
    try:
        return file.bytes is None or files.path(file.path).stat().st_size == file.bytes
    except OSError:
        return False
