"""Weights published by torchvision: one file, with the first digits of its SHA-256 at the end of its address.

They are stored in the folder of torch.hub, under the same name, so that nothing is stored twice:
``TORCH_HOME/hub/checkpoints``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from zoo.catalog.licenses import spdx
from zoo.config import settings
from zoo.contract.backbone import Progress
from zoo.entities import LocalFiles, ModelCard, ModelFile
from zoo.errors import InvalidInput, ModelNotFound, NetworkUnavailable, needs_extra, suggest
from zoo.sources.files.hashing import KnownHashes
from zoo.sources.files.http_files import fetch
from zoo.sources.files.paths import check_path

REPOSITORY = "pytorch/vision"
_HASH = re.compile(r"[-_]([0-9a-f]{8,64})\.[a-z0-9.]+\Z")
_TASKS = {
    "acc@1": "image-classification",
    "box_map": "object-detection",
    "miou": "image-segmentation",
    "mask_map": "image-segmentation",
}


def checkpoints() -> Path:
    """The folder where torch.hub stores downloaded weights, determined without importing torch."""
    home = os.environ.get("TORCH_HOME")
    if home:
        return Path(home).expanduser() / "hub" / "checkpoints"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "torch" / "hub" / "checkpoints"


def published_name(url: str) -> tuple[str, str]:
    """The file's name and the first digits of its SHA-256, from its address.

    Raises:
        InvalidInput: the address has fewer than eight digits of a hash, so the file could not be verified.
        IntegrityError: the name is not a valid file name.
    """
    parts = urlsplit(url)
    name = check_path(PurePosixPath(parts.path).name, "The card")
    match = _HASH.search(name)
    if parts.scheme not in {"http", "https"} or match is None:
        raise InvalidInput(
            f"The address {url} does not end in a file with at least 8 digits of its SHA-256.",
            "Without them the file cannot be verified.",
        )
    return name, match.group(1)


def fetch_weights(card: ModelCard, progress: Progress) -> LocalFiles:
    """The weight file, downloaded if missing or damaged, verified against the hash in its address.

    Raises:
        InvalidInput: the card has no address with a hash.
        ModelNotFound, NetworkUnavailable, IntegrityError: each with what to do.
    """
    name, prefix = published_name(card.url or "")
    listed = {file.path: file for file in card.files}.get(name)
    path = checkpoints() / name

    def accept(digest: str) -> bool:
        return digest.startswith(prefix) and (listed is None or listed.sha256 in {None, digest})

    with KnownHashes() as known:
        digest = known.digest(path) if path.is_file() else ""
        if not accept(digest):
            if settings().offline:
                raise NetworkUnavailable(
                    f"'{card.id}' is not on this machine, and zoo is offline (HF_HUB_OFFLINE or ZOO_OFFLINE is set).",
                    f"Unset them and run: zoo pull {card.id}",
                )
            digest = fetch(card.url or "", path, name, accept, progress)
    return LocalFiles(checkpoints(), (ModelFile(name, path.stat().st_size, digest),), _version(card))


def describe_weights(entry: str, version: str | None) -> ModelCard:
    """The card of an entry point's weights, from the installed torchvision.

    Args:
        entry: a model's name, such as ``resnet50``.
        version: name of its weights, such as ``IMAGENET1K_V1``; None for the default ones.

    Raises:
        ModelNotFound: torchvision has no such model or weights; with the nearest names.
        MissingExtra: torchvision is not installed.
    """
    with needs_extra("vision", "describe the models of torchvision"):
        from torchvision import models
    if entry not in models.list_models():
        raise ModelNotFound(
            f"torchvision has no model called '{entry}'.",
            suggest(entry, models.list_models()) or "List them: zoo search --source torchhub",
        )
    weights = models.get_model_weights(entry)
    names = list(weights.__members__)
    if version is not None and version not in names:
        raise ModelNotFound(f"'{entry}' has no weights called '{version}'.", f"There are: {', '.join(names)}.")
    if not names:
        raise ModelNotFound(f"torchvision publishes no weights of '{entry}'.", "Choose another model.")
    return _card(entry, weights.DEFAULT if version is None else weights[version])


def every_card() -> Iterator[ModelCard]:
    """The default weights of every model of the installed torchvision, if published with a hash."""
    with needs_extra("vision", "list the models of torchvision"):
        from torchvision import models
    for entry in models.list_models():
        if models.get_model_weights(entry).__members__:
            yield describe_weights(entry, None)


def _card(entry: str, weights: Any) -> ModelCard:
    meta = weights.meta
    metrics = [metric for found in meta.get("_metrics", {}).values() for metric in found]
    tasks = tuple(dict.fromkeys(_TASKS[metric] for metric in metrics if metric in _TASKS))
    categories = meta.get("categories") or ()
    return ModelCard(
        id=f"torchhub:{REPOSITORY}:{entry}",
        domain="vision",
        tasks=tasks,
        library="torchvision",
        parameters=meta.get("num_params"),
        bytes=round(meta["_file_size"] * 2**20) if "_file_size" in meta else None,
        license=spdx(meta.get("license", "BSD-3-Clause")),
        pretraining=("ImageNet-1k",) if len(categories) == 1000 else (),
        input={"kind": "image"},
        revision=weights.name,
        url=weights.url,
        loader={"weights": str(weights)},
    )


def _version(card: ModelCard) -> str | None:
    return card.revision or str(card.loader.get("weights", "")).rpartition(".")[2] or None
