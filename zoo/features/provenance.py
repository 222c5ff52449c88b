"""What must be known to repeat an extraction."""

from __future__ import annotations

import functools
import hashlib
import platform
from datetime import datetime, timezone
from importlib import metadata
from typing import Any

from zoo.entities import Dataset, ModelCard
from zoo.version import __version__

_PACKAGES = ("numpy", "torch", "torchvision", "timm", "transformers", "onnxruntime", "tokenizers", "pillow")


def provenance(
    card: ModelCard,
    dataset: Dataset,
    *,
    layer: str,
    device: str,
    dtype: str,
    seconds: float,
    revision: str | None,
    computed: int,
) -> dict[str, Any]:
    """Model, revision, data, layer, device, versions, seconds and time of an extraction, as plain JSON values.

    Args:
        computed: samples that a forward pass was made for; the others were kept, or are equal to one of these.
    """
    return {
        "model": card.id,
        "revision": revision or card.revision or _digest(card),
        "data": dataset.name,
        "fingerprint": dataset.fingerprint,
        "samples": len(dataset),
        "computed": computed,
        "layer": layer,
        "device": device,
        "dtype": dtype,
        "seconds": round(seconds, 4),
        "versions": versions(),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def versions() -> dict[str, str]:
    """Versions of Python, zoo and of the packages that features depend on, where they are installed."""
    return dict(_versions())


@functools.lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "zoo": __version__}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _digest(card: ModelCard) -> str | None:
    """Stands for the revision of a model that has none: a digest of its files' hashes."""
    hashes = sorted(f"{file.path}:{file.sha256}" for file in card.files if file.sha256)
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16] if hashes else None
