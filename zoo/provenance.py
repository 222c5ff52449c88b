"""What pins a figure: the revision of a model's weights, and the versions of the software that computed it."""

from __future__ import annotations

import functools
import hashlib
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from typing import Any

from zoo.entities import ModelCard
from zoo.version import __version__

FEATURES = ("numpy", "torch", "torchvision", "timm", "transformers", "onnxruntime", "tokenizers", "pillow")
"""Distributions that the features of any model may depend on."""

FIGURES = (*FEATURES, "scikit-learn")
"""Distributions that a metric or a transferability estimate may depend on."""

PYTHON = "python"
"""Recorded with the others; no figure depends on it."""

_WRAPPED_DEPTH = 3
"""Maximum nesting depth of backbones."""

_BUILT_IN = frozenset({*sys.stdlib_module_names, "zoo"})


def revision_of(card: ModelCard) -> str | None:
    """What pins the weights: the revision, or a digest of the files' hashes if there is none."""
    if card.revision:
        return card.revision
    hashes = sorted(f"{file.path}:{file.sha256}" for file in card.files if file.sha256)
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16] if hashes else None


def versions(distributions: Iterable[str] = FIGURES) -> dict[str, str]:
    """Versions of zoo, of Python, and of those distributions that are installed."""
    found = {"zoo": __version__, PYTHON: platform.python_version()}
    return found | {name: version for name in distributions if (version := _version(name)) is not None}


def are_current(recorded: Mapping[str, str]) -> bool:
    """Whether the recorded versions are those installed now; the version of Python may differ."""
    now = {name: version for name, version in versions().items() if name != PYTHON}
    others = {name: version for name, version in recorded.items() if name not in {*now, PYTHON}}
    return all(recorded.get(name) == version for name, version in now.items()) and are_installed(others)


def are_installed(recorded: Mapping[str, str]) -> bool:
    """Whether distributions are installed in their recorded versions."""
    return all(_version(name) == version for name, version in recorded.items())


def feature_versions(backbone: Any) -> dict[str, str]:
    """Versions of all that a backbone's features depend on."""
    return versions(FEATURES) | libraries_of(backbone)


def figure_versions(backbone: Any, *kinds: Any) -> dict[str, str]:
    """Versions of all that figures of a backbone depend on, on data of some ``zoo.contract.kind.Kind``s."""
    return versions((*FIGURES, *(name for kind in kinds for name in kind.libraries))) | libraries_of(backbone)


def libraries_of(*objects: Any) -> dict[str, str]:
    """Versions of the distributions that objects come from: those of their classes, and of what they are made of.

    Args:
        objects: functions, or backbones with their ``module`` and its parts; zoo's own distribution is left out.
    """
    packages = {package for thing in objects for package in _packages(thing)} - _BUILT_IN
    found = {name: _version(name) for package in packages for name in _distributions(package)}
    found.pop(_of_plugins().get("zoo", ""), None)
    return {name: version for name, version in sorted(found.items()) if version is not None}


def _packages(thing: Any, depth: int = 0) -> Iterator[str]:
    """Top-level packages of a function, or of a backbone's class, its parts and the backbones that it holds."""
    if callable(thing) and hasattr(thing, "__qualname__"):
        yield _top(thing)
        return
    yield from _of_class(thing)
    for value in getattr(thing, "__dict__", {}).values():
        yield from _of_class(value)
        if hasattr(type(value), "preprocess") and depth < _WRAPPED_DEPTH:
            yield from _packages(value, depth + 1)
    parts = getattr(getattr(thing, "module", None), "modules", None)
    for part in parts() if callable(parts) else ():
        yield from _of_class(part)


def _of_class(thing: Any) -> Iterator[str]:
    return (_top(kind) for kind in type(thing).__mro__)


def _top(named: Any) -> str:
    return str(named.__module__).partition(".")[0]


@functools.lru_cache(maxsize=256)
def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@functools.lru_cache(maxsize=256)
def _distributions(package: str) -> tuple[str, ...]:
    """Names of the distributions that provide a top-level package, spelt as in their metadata."""
    try:
        return (str(metadata.distribution(package).name),)
    except (metadata.PackageNotFoundError, ValueError):
        plugin = _of_plugins().get(package)
        return tuple(sorted(set(_by_package().get(package, ())))) if plugin is None else (plugin,)


@functools.lru_cache(maxsize=1)
def _of_plugins() -> Mapping[str, str]:
    """The distribution of each top-level package that is a plugin of zoo, editable installs included."""
    found = metadata.entry_points(group="zoo")
    return {point.module.partition(".")[0]: point.dist.name for point in found if point.dist is not None}


@functools.lru_cache(maxsize=1)
def _by_package() -> Mapping[str, list[str]]:
    """Reads the metadata of all distributions, which takes about a second: used only if no name matches."""
    return metadata.packages_distributions()
