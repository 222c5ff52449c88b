"""Platforms that models come from: resolve ids, download models, verify and delete their files, sync listings."""

from __future__ import annotations

from zoo.sources.known import builtin_sources, elsewhere, source, sources
from zoo.sources.local_models import local_models, remove, verify
from zoo.sources.pulling import download, pull
from zoo.sources.resolving import resolve
from zoo.sources.syncing import sync

__all__ = [
    "builtin_sources",
    "download",
    "elsewhere",
    "local_models",
    "pull",
    "remove",
    "resolve",
    "source",
    "sources",
    "sync",
    "verify",
]
