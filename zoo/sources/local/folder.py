"""``file:`` models in a local folder: in a format that a plugin knows, or written by ``zoo tune``."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.contract.source import LocalModel
from zoo.entities import LocalFiles, ModelCard, ModelFile, Problem
from zoo.errors import IntegrityError, InvalidInput, ModelNotFound, SourceError, ZooError, storage_errors
from zoo.sources.files.config_card import card_from_config, count_parameters
from zoo.sources.files.hashing import KnownHashes, differences
from zoo.sources.files.model_files import choose, format_of, missing_shards
from zoo.sources.files.recognising import complete, recognise
from zoo.sources.files.stated_base import with_stated_bases
from zoo.untrusted import read_json

TUNED = "zoo.json"
CONFIG = "config.json"


class FileSource:
    """Folders of the user, to which zoo never writes."""

    name = "file"
    title = "Local folders"

    def fetch(self, card: ModelCard, store: Path, progress: Progress) -> LocalFiles:
        """The folder's files, verified against the card.

        Raises:
            ModelNotFound: the folder does not exist.
            IntegrityError: a file has changed since the card was made.
        """
        files = self._files(card)
        with KnownHashes() as known:
            problems = differences(files.root, files.files, known, progress, f"Verifying {card.id}")
        if problems:
            raise IntegrityError(
                f"The folder of '{card.id}' does not match its card: {problems[0].item} {problems[0].reason}.",
                "Restore the folder, or register it again.",
            )
        return files

    def locate(self, card: ModelCard) -> LocalFiles | None:
        """The folder's files, if they are complete."""
        try:
            files = self._files(card)
        except ZooError:
            return None
        return files if all(files.path(file.path).is_file() for file in files.files) else None

    def describe(self, name: str, revision: str | None = None) -> ModelCard:
        """A card made from the folder: its configuration, the headers of its weights, and the hash of every file.

        Raises:
            ModelNotFound: the folder does not exist, or has no model.
            IntegrityError: the weights are malformed, or a link leaves the folder.
            InvalidInput: the configuration cannot be read.
        """
        root = _folder(name)
        everything = _walk(root)
        tuned, config = read_json(root / TUNED), read_json(root / CONFIG)
        # All files of a tuned model belong to it: its head is in a separate file from the backbone's weights.
        paths = choose(everything) if tuned is None else [path for path in everything if not path.endswith(".py")]
        if tuned is None and (found := recognise(f"file:{root}", root, paths, config)):
            paths = [file.path for file in found.files] or paths
            _check_shards(root, paths)
            files = _hashed(root, paths)
            return with_stated_bases(complete(found, root, files, _revision(files)), root, config)
        if tuned is None and config is None:
            raise ModelNotFound(
                f"The folder {root} has no {CONFIG}, so zoo cannot identify the model.",
                "Save the model with save_pretrained(), or in timm's format.",
            )
        weights = [path for path in paths if format_of(path)]
        if not weights:
            raise ModelNotFound(
                f"The folder {root} has no weights.",
                "It needs model.safetensors or pytorch_model.bin next to the config.",
            )
        _check_shards(root, paths)
        files = _hashed(root, paths)
        parameters = count_parameters(root, weights)
        if tuned is not None:
            return _tuned_card(root, tuned, files, parameters)
        card = card_from_config(f"file:{root}", config or {}, files, parameters)
        return with_stated_bases(dataclasses.replace(card, revision=_revision(files)), root, config)

    def verify(self, card: ModelCard, progress: Progress) -> Sequence[Problem]:
        """Hash every file again, without the cache of hashes."""
        files = self._files(card)
        with KnownHashes() as known:
            return differences(files.root, files.files, known, progress, f"Verifying {card.id}", fresh=True)

    def remove(self, card: ModelCard) -> int:
        """Raise an error, because the folder belongs to the user.

        Raises:
            SourceError: always; the hint names the folder to delete.
        """
        raise SourceError(
            f"The folder of '{card.id}' is your own, so zoo does not delete it.",
            f"Delete the folder: {_folder(card.name)}",
        )

    def models(self) -> Iterator[LocalModel]:
        """The tuned models in zoo's folder."""
        home = settings().models
        for marker in sorted(home.glob(f"*/{TUNED}")) if home.is_dir() else ():
            try:
                card = self.describe(str(marker.parent))
            except ZooError:
                continue
            yield LocalModel(card.id, LocalFiles(marker.parent, card.files, card.revision), card)

    def local(self) -> Iterator[LocalFiles]:
        """The files of those models."""
        for model in self.models():
            yield model.files

    def _files(self, card: ModelCard) -> LocalFiles:
        root = _folder(card.name)
        _walk(root)
        card = card if card.files else self.describe(card.name)
        return LocalFiles(root, card.files, card.revision)


def _folder(name: str) -> Path:
    root = Path(name).expanduser()
    if root.is_file():
        raise ModelNotFound(f"{name} is a file; a model is a folder.", f"Name its folder: file:{root.parent}")
    if not root.is_dir():
        raise ModelNotFound(f"There is no folder {name}.", "Check the path after 'file:'.")
    return root.resolve()


def _walk(root: Path) -> list[str]:
    """Relative paths of all files below ``root`` except hidden ones, with forward slashes."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders, *names]:
            path = Path(folder, name)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise IntegrityError(
                    f"{path.relative_to(root)} in {root} is a link that leaves the folder.",
                    "Copy what it points to into the folder.",
                )
        found += [Path(folder, name).relative_to(root).as_posix() for name in names if not name.startswith(".")]
    if not found:
        raise ModelNotFound(f"The folder {root} is empty.", "A model folder has a config.json and weights.")
    return sorted(found)


def _check_shards(root: Path, paths: Sequence[str]) -> None:
    for path in paths:
        if not path.endswith(".index.json"):
            continue
        weight_map = (read_json(root / path) or {}).get("weight_map")
        if not isinstance(weight_map, Mapping) or not all(isinstance(shard, str) for shard in weight_map.values()):
            raise IntegrityError(f"{root / path} has no weight_map that names its shards.", "Save the model again.")
        missing = missing_shards(paths, path, weight_map.values())
        if missing:
            raise IntegrityError(f"{root} lacks {missing[0]}, which {path} lists.", "Copy the whole model.")


def _hashed(root: Path, paths: Sequence[str]) -> tuple[ModelFile, ...]:
    with storage_errors(root, "read"), KnownHashes() as known:
        return tuple(ModelFile(p, (root / p).stat().st_size, known.digest(root / p)) for p in paths)


def _revision(files: Sequence[ModelFile]) -> str:
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path))
    return hashlib.sha256(lines.encode()).hexdigest()[:40]


def _tuned_card(
    root: Path, tuned: Mapping[str, Any], files: tuple[ModelFile, ...], parameters: int | None
) -> ModelCard:
    values = tuned.get("card")
    if not isinstance(values, Mapping):
        raise InvalidInput(f"{root / TUNED} has no 'card'.", "Run zoo tune again.")
    base = ModelCard.from_dict(values)
    return dataclasses.replace(
        base,
        id=f"file:{root}",
        base_model=base.base_model or (base.id if base.source != FileSource.name else None),
        parameters=parameters if parameters is not None else base.parameters,
        bytes=sum(file.bytes or 0 for file in files),
        files=files,
        revision=_revision(files),
    )
