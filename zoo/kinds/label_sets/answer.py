"""The answer of a multi-label model: a probability and a threshold for each label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

THRESHOLD = 0.5
"""Threshold of a label if none was chosen."""

_LARGEST = 700.0
"""Largest logit; its exponential is still representable."""


@dataclass(frozen=True)
class ScoredLabel:
    """One label with its probability; the label is predicted if that is above the threshold."""

    label: str
    score: float
    threshold: float = THRESHOLD

    @property
    def predicted(self) -> bool:
        """Whether the probability is above the threshold."""
        return self.score > self.threshold

    @property
    def decision(self) -> float:
        """How far the probability is above the threshold, in log odds; positive if the label is predicted."""
        return logit(self.score) - logit(self.threshold)


@dataclass(frozen=True)
class LabelSet(Sequence[ScoredLabel]):
    """The labels that a model predicts for one sample, the most probable first.

    As a sequence it holds the predicted labels only.

    Attributes:
        scored: every label that the model knows, the most probable first.
    """

    scored: tuple[ScoredLabel, ...]

    @classmethod
    def of(cls, labels: Sequence[str], scores: Sequence[float], thresholds: Sequence[float] = ()) -> LabelSet:
        """From names, probabilities and thresholds in the model's order; without thresholds, 0.5 for each."""
        given = thresholds or [THRESHOLD] * len(labels)
        found = [
            ScoredLabel(str(label), float(score), float(threshold))
            for label, score, threshold in zip(labels, scores, given, strict=True)
        ]
        return cls(tuple(sorted(found, key=lambda one: -one.score)))

    @property
    def predicted(self) -> tuple[ScoredLabel, ...]:
        """The labels whose probability is above their threshold."""
        return tuple(one for one in self.scored if one.predicted)

    def __len__(self) -> int:
        return len(self.predicted)

    def __getitem__(self, index: Any) -> Any:
        return self.predicted[index]

    def __iter__(self) -> Iterator[ScoredLabel]:
        return iter(self.predicted)


def logit(probability: float) -> float:
    """Log odds of a probability, between -700 and 700."""
    if probability <= 0.0:
        return -_LARGEST
    return _LARGEST if probability >= 1.0 else math.log(probability) - math.log1p(-probability)
