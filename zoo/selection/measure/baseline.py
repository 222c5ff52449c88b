"""The baseline without a pretrained model: the same measurement on raw pixels or word counts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.entities import Dataset, Entity
from zoo.errors import ZooError

if TYPE_CHECKING:
    import numpy as np

SAMPLES = 1000
"""Most samples that the baseline is measured on."""

SIDE = 16
"""Width and height that images are shrunk to, in colour: 768 numbers."""

WORDS = 512
"""Number of buckets that words are counted in."""


@dataclass(frozen=True)
class Baseline(Entity):
    """The figure of raw features.

    Attributes:
        estimator: its name.
        features: what they are, in words.
        value, low, high: the estimator's value and interval.
        samples: how many samples it was measured on.
    """

    estimator: str
    features: str
    value: float
    low: float | None
    high: float | None
    samples: int


HELD_OUT = frozenset({"accuracy", "R²"})
"""Units in which raw features and those of a model can be compared; others depend on the dimension."""


def baseline(dataset: Dataset, estimators: Sequence[str], seed: int = 0, samples: int = SAMPLES) -> Baseline | None:
    """The first estimator that predicts held-out samples, on raw features of a stratified part of the data.

    None where no estimator does, and for kinds of input without such features.

    Images: pixels of the image shrunk to 16 x 16 in RGB. Texts: square roots of the counts of words, hashed (CRC-32)
    into 512 buckets (Weinberger et al., "Feature hashing for large scale multitask learning", 2009).
    """
    from zoo.data import sample, units
    from zoo.transfer.measure import find_estimator, measure

    kinds = {"image": (_pixels, f"pixels of {SIDE} x {SIDE} images"), "text": (_words, "counts of words")}
    if dataset.input_kind not in kinds or dataset.targets is None:
        return None
    estimator = next((name for name in estimators if find_estimator(name).unit in HELD_OUT), None)
    if estimator is None:
        return None
    extract, words = kinds[dataset.input_kind]
    part = sample(dataset, min(samples, SAMPLES), seed) if len(dataset) > min(samples, SAMPLES) else dataset
    try:
        features = extract(part.inputs)
        found = measure([estimator], features, _targets(part), seed, groups=units(part))[estimator]
    except ZooError:
        return None  # too few samples, or constant inputs: then there is nothing to compare with
    return Baseline(estimator, words, found.value, found.low, found.high, len(part))


def _pixels(images: Sequence[Any]) -> np.ndarray:
    import numpy as np

    rows = [np.asarray(image.resize((SIDE, SIDE)), dtype=np.float32).reshape(-1) / 255 for image in images]
    return np.stack(rows)


def _words(texts: Sequence[str]) -> np.ndarray:
    import numpy as np

    counts = np.zeros((len(texts), WORDS), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            counts[row, zlib.crc32(word.encode("utf-8", "surrogatepass")) % WORDS] += 1
    return np.sqrt(counts)


def _targets(dataset: Dataset) -> np.ndarray:
    import numpy as np

    return np.asarray(dataset.targets, dtype=np.int64 if dataset.target_kind == "class" else np.float64)
