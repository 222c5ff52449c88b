"""The known platforms, by the name that model ids start with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import InvalidInput, suggest

if TYPE_CHECKING:
    from zoo.contract.source import HostedModels, SingleFiles, Source

REFERENCES = {
    "github": "published in a GitHub repository",
    "gitee": "published in a Gitee repository",
    "paper": "described in a paper",
}
"""Sources of models that the catalog has scores of, but that no platform provides."""


_PLATFORMS = {
    "huggingface": "hf",
    "hugging-face": "hf",
    "hub": "hf",
    "pytorch": "torchhub",
    "torch": "torchhub",
    "torchvision": "torchhub",
    "tensorflow": "kaggle",
    "tfhub": "kaggle",
    "pypi": "pkg",
}
"""Aliases of the platforms."""


def builtin_sources() -> list[Source]:
    """The platforms that come with zoo: installed packages, local folders, and the model hubs."""
    from zoo.sources.hub import HubSource
    from zoo.sources.kaggle import KaggleSource
    from zoo.sources.local.folder import FileSource
    from zoo.sources.local.package import PackageSource
    from zoo.sources.torch_hub import TorchHubSource

    return [
        PackageSource(),
        FileSource(),
        HubSource(),
        TorchHubSource(),
        KaggleSource(),
    ]


def sources() -> dict[str, Source]:
    """The sources of all plugins by name; if two share a name, the first plugin wins."""
    from zoo.contract.source import Aliases, HostedModels, SingleFiles, Source
    from zoo.plugins import plugins

    found: dict[str, Source] = {}
    for given in plugins().items("zoo_sources", (Source, SingleFiles, HostedModels, Aliases)):
        if not isinstance(given, Aliases):
            found.setdefault(given.name, _made(given))
    return found


def _made(given: Source | SingleFiles | HostedModels) -> Source:
    from zoo.contract.source import HostedModels, SingleFiles
    from zoo.sources.hosted_models import HostedSource
    from zoo.sources.single_files import SingleFileSource

    if isinstance(given, SingleFiles):
        return SingleFileSource(given)
    return HostedSource(given, source) if isinstance(given, HostedModels) else given


def source(name: str) -> Source:
    """The source with this name, the part of an id before the colon.

    Raises:
        InvalidInput: there is no such source; with the nearest names.
    """
    known = sources()
    if name not in known:
        titles = {one.title.lower(): one.name for one in known.values()}
        meant = _PLATFORMS.get(name.lower()) or titles.get(name.lower())
        hint = f"Did you mean {meant}?" if meant else suggest(name, known) or f"There are: {', '.join(sorted(known))}."
        raise InvalidInput(f"There is no source called '{name}'.", hint)
    return known[name]


def elsewhere(id: str) -> str:
    """Where the weights of a model that zoo cannot pull are published; empty for a model of a platform."""
    name = id.partition(":")[0]
    return REFERENCES[name] if name in REFERENCES and name not in sources() else ""
