"""Which models can be fine-tuned locally, and which can take low-rank adapters, by their cards."""

from __future__ import annotations

import functools
import re
from importlib import resources

from zoo.entities import ModelCard

FIXED_LIBRARIES = frozenset({"api", "onnx", "static", "tensorflow"})
"""Libraries whose weights zoo cannot train."""


def takes_adapters(card: ModelCard) -> bool:
    """Whether a model can take low-rank adapters: a transformer with local, trainable weights.

    Adapters are added to the linear layers of transformer blocks; the families are those in
    ``transformer_families.txt``.
    """
    if card.library in FIXED_LIBRARIES:
        return False
    return bool(_transformers().search(f"{card.architecture or ''} {card.name.rpartition('/')[2]}".lower()))


@functools.lru_cache(maxsize=1)
def _transformers() -> re.Pattern[str]:
    """The expressions of the table, any of which may occur in an architecture or a name."""
    text = (resources.files("zoo.catalog") / "tables" / "transformer_families.txt").read_text(encoding="utf-8")
    return re.compile("|".join(text.split()))
