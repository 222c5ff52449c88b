"""Digests of a data set's items by their content, so that equal items are found in any data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.kinds.content import content_digest, unwrapped
from zoo.kinds.items import HasFacts

if TYPE_CHECKING:
    import numpy as np

BYTES = 16
"""Length of a digest: the first half of SHA-256, too long for two different items to share it by chance."""


def item_digests(inputs: Sequence[Any]) -> np.ndarray | None:
    """n digests as fixed-length bytes (dtype ``S16``), or None if the content of an item's kind is unknown.

    Sequences that know the digests of their items without decoding (``facts(index).digest``) supply them; texts, bytes,
    numbers, arrays, PIL images, and dataclasses and containers of these are hashed with their types and shapes.
    """
    import numpy as np

    digests = np.empty(len(inputs), dtype=f"S{BYTES}")
    inputs, places = unwrapped(inputs)
    facts = inputs.facts if isinstance(inputs, HasFacts) else None
    for row, place in enumerate(places):
        digest = facts(place).digest if facts is not None else content_digest(inputs[place])
        if digest is None:
            return None
        digests[row] = digest[:BYTES]
    return digests
