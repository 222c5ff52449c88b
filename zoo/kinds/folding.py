"""Names of classes as they are compared."""

from __future__ import annotations


def folded(name: str) -> str:
    """A name without case, hyphens, underscores and surplus space."""
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
