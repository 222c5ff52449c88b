"""The identity of features beyond the item: the model's files, recipe, precision, device, versions, plugin code."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import sys
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.contract.backbone import Backbone, HasModule, Preprocesses
from zoo.entities import LocalFiles, ModelCard
from zoo.provenance import FEATURES, PYTHON, are_installed, libraries_of, versions

FORMAT = 1
"""Version of the core's extraction and the cache's layout; a new one invalidates cached features."""

_WRAPPED_DEPTH = 3
_SAMPLED = 16


@dataclass(frozen=True)
class Settings:
    """How a model is loaded, as plain JSON values; known before it is loaded.

    Attributes:
        values: model, hashes of its files, recipe, precision, kind of device, versions of the libraries.
    """

    values: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Names these settings, in hex."""
        return _digest(json.dumps(self.values, sort_keys=True).encode())


@dataclass(frozen=True)
class Identity:
    """Settings, and the code that loaded the model.

    Attributes:
        code: digests of source by top-level package, for the backbone and those that it wraps.
        libraries: versions of the distributions that the model is made of, besides those among the settings.
        stamp: digest of sampled weights as they were loaded; training changes it.
    """

    settings: Settings
    code: Mapping[str, str]
    libraries: Mapping[str, str] = field(default_factory=dict)
    stamp: str = ""

    @property
    def is_current(self) -> bool:
        """Whether the same code and libraries would load the model now; nothing is imported for it."""
        return code_is_current(self.code) and are_installed(self.libraries)

    @property
    def loaded_by(self) -> Mapping[str, str]:
        """Code and libraries, by name."""
        return {**self.code, **{f"{name}==": version for name, version in self.libraries.items()}}


def loading_settings(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> Settings | None:
    """The settings of a model; None if nothing distinguishes versions of its weights."""
    hashes = {file.path: file.sha256 for file in files.files or card.files if file.sha256}
    revision = files.revision or card.revision
    if not hashes and not revision:
        return None
    packages = versions(FEATURES)
    packages.pop(PYTHON)
    return Settings(
        {
            "format": FORMAT,
            "model": card.id,
            "revision": revision,
            "files": hashes,
            "library": card.library,
            "input": _plain(card.input),
            "loader": _plain(card.loader),
            "dtype": dtype,
            "device": device.partition(":")[0],
            "versions": packages,
        }
    )


def identify(backbone: Backbone, settings: Settings) -> Identity | None:
    """The identity of a model that was just loaded, or None if its code is not in a file."""
    code = {}
    for package in _packages(backbone):
        digest = code_digest(package)
        if digest is None:
            return None
        code[package] = digest
    others = {name: version for name, version in libraries_of(backbone).items() if name not in FEATURES}
    return Identity(settings, code, others, weights_stamp(backbone))


def code_is_current(code: Mapping[str, str]) -> bool:
    """Whether packages are unchanged since a model was loaded; nothing is imported for it."""
    return bool(code) and all(code_digest(package) == digest for package, digest in code.items())


@functools.lru_cache(maxsize=64)
def code_digest(package: str) -> str | None:
    """A digest of the source files of a top-level package or module; None if it has none, as in a notebook."""
    files = _source_files(package)
    if not files:
        return None
    total = hashlib.sha256()
    for name, path in files:
        try:
            total.update(f"{name} ".encode() + hashlib.sha256(path.read_bytes()).digest())
        except OSError:
            return None
    return total.hexdigest()[:32]


def weights_stamp(backbone: Backbone) -> str:
    """A digest over a few values of each tensor of ``backbone.module``, and whether it is in training mode.

    Training changes all values of a tensor, so a few suffice; empty for a backbone without a module.
    """
    if not isinstance(backbone, HasModule) or "torch" not in sys.modules:
        return ""
    import torch

    module = backbone.module
    if not isinstance(module, torch.nn.Module):
        return ""
    total = hashlib.sha256(b"training" if module.training else b"")
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if isinstance(tensor, torch.Tensor) and tensor.numel():
                values = tensor.reshape(-1)[:: max(1, tensor.numel() // _SAMPLED)].cpu().to(torch.float64)
                total.update(f"{name} {tuple(tensor.shape)} ".encode() + values.numpy().tobytes())
    return total.hexdigest()[:32]


_known: weakref.WeakKeyDictionary[Any, Identity] = weakref.WeakKeyDictionary()


def remember_identity(backbone: Backbone, identity: Identity) -> None:
    """Store a loaded model's identity as long as the model exists."""
    _known[backbone] = identity


def identity_of(backbone: Backbone) -> Identity | None:
    """The identity that the model was loaded with; None if it is unknown, or its weights have changed since."""
    try:
        identity = _known.get(backbone)
    except TypeError:  # the identity of an unhashable backbone was never stored
        return None
    return identity if identity is not None and weights_stamp(backbone) == identity.stamp else None


def _packages(backbone: Any, depth: int = 0) -> list[str]:
    """Top-level packages of a backbone's class, and of the backbones that it holds."""
    found = [type(backbone).__module__.partition(".")[0]]
    if depth < _WRAPPED_DEPTH:
        for value in getattr(backbone, "__dict__", {}).values():
            if isinstance(value, Preprocesses):
                found += _packages(value, depth + 1)
    return sorted(set(found))


def _source_files(package: str) -> list[tuple[str, Path]]:
    module = sys.modules.get(package)
    origin = getattr(module, "__file__", None)
    if module is None:
        try:
            spec = importlib.util.find_spec(package)
        except (ImportError, ValueError):
            return []
        origin = spec.origin if spec else None
    if not origin or not Path(origin).is_file():
        return []
    path = Path(origin)
    if path.name != "__init__.py":
        return [(path.name, path)]
    root = path.parent
    return [(found.relative_to(root).as_posix(), found) for found in sorted(root.rglob("*.py"))]


def _plain(value: Any) -> Any:
    """JSON values with their keys in order; anything else by its representation."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
