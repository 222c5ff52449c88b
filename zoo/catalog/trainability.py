"""Which models can be fine-tuned here, and which can be given low-rank adapters, by what their cards say."""

from __future__ import annotations

import functools
import re
from importlib import resources

from zoo.entities import ModelCard

FIXED_LIBRARIES = frozenset({"api", "onnx", "static", "tensorflow"})
"""Libraries whose weights cannot be trained here."""


def takes_adapters(card: ModelCard) -> bool:
    """Whether a model can be given low-rank adapters: a transformer whose weights are here and can be trained.

    Adapters stand beside linear layers, of which the blocks of transformers are made; the families are those in
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
