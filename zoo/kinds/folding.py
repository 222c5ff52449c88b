"""Normalises names of classes for comparison."""

from __future__ import annotations


def folded(name: str) -> str:
    """A name without case, hyphens, underscores and extra spaces."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
