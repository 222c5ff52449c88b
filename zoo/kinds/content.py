"""Digests of single items by their content: equal items have equal digests."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.entities import Subset

_PLAIN = (str, bytes, bool, int, float, type(None))


def content_digest(item: Any) -> bytes | None:
    """SHA-256 over the content of one item, or None for unknown kinds of items."""
    digest = hashlib.sha256()
    return digest.digest() if _add(digest, item) else None


def unwrapped(inputs: Sequence[Any]) -> tuple[Sequence[Any], Sequence[int]]:
    """The sequence behind nested subsets, and the positions in it."""
    places: Sequence[int] = range(len(inputs))
    while isinstance(inputs, Subset):
        indices = inputs.indices
        inputs, places = inputs.items, [indices[place] for place in places]
    return inputs, places


def _add(digest: Any, item: Any) -> bool:
    """Add an item to a running hash, every part with its type and length; False if a part has an unknown kind."""
    if isinstance(item, _PLAIN):
        content = item.encode("utf-8", "surrogatepass") if isinstance(item, str) else item
        content = content if isinstance(content, bytes) else repr(content).encode()
        digest.update(b"%s %d " % (type(item).__name__.encode(), len(content)) + content)
        return True
    if isinstance(item, (list, tuple)):
        digest.update(b"sequence %d " % len(item))
        return all(_add(digest, part) for part in item)
    if isinstance(item, Mapping):
        digest.update(b"mapping %d " % len(item))
        return all(_add(digest, key) and _add(digest, value) for key, value in item.items())
    if hasattr(item, "dtype") and hasattr(item, "shape") and hasattr(item, "tobytes"):
        if item.dtype.hasobject:
            return False
        digest.update(f"array {item.dtype.str} {item.shape} ".encode())
        digest.update(item.tobytes())
        return True
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        digest.update(f"{type(item).__qualname__} ".encode())
        return all(_add(digest, getattr(item, field.name)) for field in dataclasses.fields(item))
    if hasattr(item, "getpalette") and hasattr(item, "mode"):
        # A palette image stores its colours and transparency separately from its pixels.
        extras = [item.getpalette() if item.mode in {"P", "PA"} else None, item.info.get("transparency")]
        digest.update(f"picture {item.mode} {item.size} ".encode())
        digest.update(item.tobytes())
        return _add(digest, extras)
    return False
