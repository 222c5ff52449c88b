"""The feature cache: rows of features by model, layer and the content of the item, shared by all processes.

    features/v1/SETTINGS/about.json                 the settings, and the facts of the model
    features/v1/SETTINGS/CODE/LAYER/*.safetensors   rows; see ``zoo.features.cache.files``

No locks: a file is written atomically, is never changed, and its name is a digest of its content, so that processes
that work on the same data write the same files. Files that are deleted while in use are computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import urllib.parse
import uuid
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.config import settings
from zoo.contract.backbone import Classifier
from zoo.entities import ModelCard
from zoo.features.cache.files import PART, RowsFile, write_rows
from zoo.features.cache.identity import FORMAT, Identity, Settings
from zoo.features.cache.index import layer_index
from zoo.features.cache.upkeep import ABOUT, grow, mark_as_cache, read_about

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.backbone import Backbone


@dataclass(frozen=True)
class Facts:
    """Facts of a model from when it was last loaded; they replace its backbone if no forward pass is needed."""

    card: ModelCard
    input_kind: str
    layers: tuple[str, ...]
    embedding_dimension: int
    source_classes: int = 0


class RowCache:
    """The cached features of one model.

    Args:
        root: folder of the whole cache.
        folder: the model's own, one for each kind of settings and code.
        limit: bytes that the whole cache may take.
    """

    def __init__(self, root: Path, folder: Path, limit: int) -> None:
        self.root, self.folder, self.limit = root, folder, limit

    def find(self, layer: str, digests: np.ndarray) -> tuple[list[RowsFile], np.ndarray, np.ndarray]:
        """Find the rows of ``digests`` (n, ``S16``): the files, and for each digest a file's index, or -1, and the row.

        Every returned file was read and matches its checksum; damaged ones are deleted.
        """
        import numpy as np

        index = layer_index(self._layer_folder(layer))
        index.refresh()
        place, row = index.locate(digests)
        files: list[RowsFile] = []
        numbers = np.full(len(digests), -1, dtype=np.int64)
        for number in np.unique(place[place >= 0]):
            file = index.files[number]
            if index.use(file):
                numbers[place == number] = len(files)
                files.append(file)
        return files, numbers, row

    def keep(self, layer: str, digests: np.ndarray, values: np.ndarray) -> RowsFile | None:
        """Write rows, n x d; None, with a warning, if that fails."""
        try:
            mark_as_cache(self.root)
            file = write_rows(self._layer_folder(layer), digests, values)
            grow(self.root, file.path.stat().st_size, self.limit)
        except OSError as error:
            warnings.warn(
                f"Features cannot be saved in {self.root}: {error.strerror or error}; "
                "the next run computes them again.",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
        return file

    def _layer_folder(self, layer: str) -> Path:
        return self.folder / urllib.parse.quote(layer, safe="")


def row_cache(identity: Identity) -> RowCache | None:
    """The cache of a model's rows; None if the cache is switched off."""
    here = settings()
    if not here.cache_bytes:
        return None
    code = hashlib.sha256(json.dumps(identity.loaded_by, sort_keys=True).encode()).hexdigest()[:16]
    return RowCache(here.features, _folder(identity.settings) / code, here.cache_bytes)


def remember_facts(backbone: Backbone, identity: Identity) -> None:
    """Save the facts of a loaded model, so that it need not be loaded if all its features are cached."""
    if not settings().cache_bytes:
        return
    document = {
        "settings": dict(identity.settings.values),
        "code": dict(identity.code),
        "libraries": dict(identity.libraries),
        "input_kind": backbone.input_kind,
        "layers": list(backbone.layers),
        "embedding_dimension": int(backbone.embedding_dimension),
        "source_classes": int(backbone.source_classes) if isinstance(backbone, Classifier) else 0,
    }
    folder = _folder(identity.settings)
    if read_about(folder) == document:
        return
    temporary = folder / f"{ABOUT}.{uuid.uuid4().hex[:8]}{PART}"
    with contextlib.suppress(OSError):  # optional: without it, the model is loaded
        folder.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(json.dumps(document, indent=1), encoding="utf-8")
            os.replace(temporary, folder / ABOUT)
        finally:
            temporary.unlink(missing_ok=True)


def known_facts(card: ModelCard, loading: Settings) -> tuple[Facts, Identity] | None:
    """The saved facts of a model, if the same code would load it now."""
    if not settings().cache_bytes:
        return None
    about = read_about(_folder(loading))
    try:
        if about is None or about["settings"] != loading.values:
            return None
        code = {str(name): str(digest) for name, digest in about["code"].items()}
        libraries = {str(name): str(version) for name, version in about["libraries"].items()}
        identity = Identity(loading, code, libraries)
        if not identity.is_current:
            return None
        layers = tuple(str(layer) for layer in about["layers"])
        facts = Facts(
            card, str(about["input_kind"]), layers, int(about["embedding_dimension"]), int(about["source_classes"])
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return (facts, identity) if layers else None


def _folder(loading: Settings) -> Path:
    return settings().features / f"v{FORMAT}" / loading.digest
