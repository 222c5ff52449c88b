"""Small real backbones in plain numpy, and data sets for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.entities import Dataset, ModelCard


class WordLengths:
    """Turns texts into letter counts and lengths; pads to the longest of the batch, as a language model does."""

    input_kind = "text"
    layers = ("letters", "summary")
    embedding_dimension = 2

    def __init__(self) -> None:
        self.card = ModelCard("pkg:word-lengths", "language", revision="7")
        self.batch_sizes: list[int] = []
        self.padding = 0

    def preprocess(self, item: str) -> np.ndarray:
        return np.frombuffer(item.encode("ascii"), dtype=np.uint8)

    def length(self, item: np.ndarray) -> int:
        return len(item)

    def collate(self, items: Sequence[np.ndarray]) -> np.ndarray:
        batch = np.zeros((len(items), max(len(item) for item in items) or 1), dtype=np.uint8)
        for row, item in zip(batch, items, strict=True):
            row[: len(item)] = item
        return batch

    def features(self, batch: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
        self.batch_sizes.append(len(batch))
        self.padding += int((batch == 0).sum())
        lengths = (batch != 0).sum(axis=1)
        letters = np.stack([(batch == ord(letter)).sum(axis=1) for letter in "abc"], axis=1)
        summary = np.stack([lengths, batch.sum(axis=1)], axis=1)
        found = {"letters": letters.astype(np.float64), "summary": summary.astype(np.float64)}
        return {layer: found[layer] for layer in layers}


class Unsorted(WordLengths):
    """The same without lengths, so that batches keep the order of the data set."""

    length = None


@pytest.fixture
def backbone() -> WordLengths:
    return WordLengths()


@pytest.fixture
def unsorted() -> Unsorted:
    return Unsorted()


@pytest.fixture
def texts() -> Callable[..., Dataset]:
    def make(items: Sequence[Any], **fields: Any) -> Dataset:
        return Dataset("texts", "text", items, fingerprint="f" * 64, **fields)

    return make


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    return tmp_path / "home"
