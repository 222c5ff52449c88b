"""Loads the models of the domain acme and extracts their features."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from zoo.errors import DataError, IntegrityError

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard


class Trigrams:
    """Relative frequencies of a text's character trigrams, in a hash table of fixed size."""

    input_kind = "text"
    layers = ("counts", "frequencies")

    def __init__(self, card: ModelCard, size: int, length: int) -> None:
        self.card, self.embedding_dimension, self._length = card, size, length

    def preprocess(self, item: object) -> list[int]:
        """The hash table indices of a text's trigrams."""
        if not isinstance(item, str):
            raise DataError(f"'{self.card.id}' takes texts, not {type(item).__name__}.")
        text = f" {' '.join(item.lower().split())} "
        trigrams = (text[start : start + self._length] for start in range(max(1, len(text) - self._length + 1)))
        return [zlib.crc32(trigram.encode("utf-8", "surrogatepass")) % self.embedding_dimension for trigram in trigrams]

    def collate(self, items: Sequence[list[int]]) -> np.ndarray:
        """Counts, batch x table size."""
        rows = [np.bincount(indices, minlength=self.embedding_dimension) for indices in items]
        return np.asarray(rows, dtype=np.float32).reshape(len(items), self.embedding_dimension)

    def features(self, batch: np.ndarray, layers: Sequence[str]) -> Mapping[str, np.ndarray]:
        """Counts, or counts divided by their sum; batch x table size."""
        values = {"counts": batch, "frequencies": batch / np.maximum(batch.sum(axis=1, keepdims=True), 1)}
        return {layer: values[layer] for layer in layers}


def load(card: ModelCard, files: LocalFiles) -> Trigrams:
    """Loads the model from its files.

    Raises:
        IntegrityError: the files are damaged.
    """
    path = files.path(card.files[0].path)
    try:
        weights = json.loads(path.read_text(encoding="utf-8"))
        return Trigrams(card, int(weights["size"]), int(weights["length"]))
    except (OSError, ValueError, KeyError) as error:
        raise IntegrityError(
            f"The file of '{card.id}' cannot be read: {error}.", "Install the plugin again."
        ) from error
