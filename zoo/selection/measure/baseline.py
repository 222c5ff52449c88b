"""The baseline without a pretrained model: the same measurement on raw pixels or word counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.entities import Dataset, Entity
from zoo.errors import ZooError
from zoo.kinds.known import kind_of

SAMPLES = 1000
"""Maximum number of samples for the baseline."""


@dataclass(frozen=True)
class Baseline(Entity):
    """The result of raw features.

    Attributes:
        estimator: its name.
        features: what they are, in words.
        value, low, high: the estimator's value and interval.
        samples: number of samples that it was measured on.
    """

    estimator: str
    features: str
    value: float
    low: float | None
    high: float | None
    samples: int


HELD_OUT = frozenset({"accuracy", "R²"})
"""Units in which raw features and those of a model are comparable; others depend on the dimension."""


def baseline(dataset: Dataset, estimators: Sequence[str], seed: int = 0, samples: int = SAMPLES) -> Baseline | None:
    """The first estimator that predicts held-out samples, on raw features of a stratified sample of the data.

    None if no estimator does, and for kinds of input without such features.
    """
    from zoo.data import sample, units
    from zoo.transfer.measure import find_estimator, measure

    if dataset.targets is None:
        return None
    estimator = next((name for name in estimators if find_estimator(name).unit in HELD_OUT), None)
    if estimator is None:
        return None
    part = sample(dataset, min(samples, SAMPLES), seed) if len(dataset) > min(samples, SAMPLES) else dataset
    try:
        raw = kind_of(dataset.input_kind).raw_features(part.inputs)
        if raw is None:
            return None
        features, words = raw
        targets = kind_of(dataset.target_kind).array(() if part.targets is None else part.targets)
        found = measure([estimator], features, targets, seed, groups=units(part))[estimator]
    except ZooError:
        return None  # too few samples, or constant inputs: no baseline
    return Baseline(estimator, words, found.value, found.low, found.high, len(part))
