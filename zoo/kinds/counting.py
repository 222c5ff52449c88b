"""Summaries of many samples: lengths of texts, sizes of images; from histograms, so that memory stays small."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.entities import Entity


@dataclass(frozen=True)
class Lengths(Entity):
    """How long texts are; ``p95`` is the length that 95 % do not exceed."""

    minimum: int
    median: int
    p95: int
    maximum: int


@dataclass(frozen=True)
class ImageSizes(Entity):
    """Width and height in pixels of the images with minimum, median and maximum area, and images by colour mode."""

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    modes: Mapping[str, int]


def lengths(histogram: Counter[int]) -> Lengths | None:
    """The lengths that a histogram counts; None if it is empty."""
    return Lengths(*(quantile(histogram, q) for q in (0.0, 0.5, 0.95, 1.0))) if histogram else None


def quantile(histogram: Counter[Any], q: float) -> Any:
    """The smallest value that at least a fraction ``q`` of the items does not exceed."""
    rank = max(1, math.ceil(q * histogram.total()))
    passed = 0
    for value in sorted(histogram):
        passed += histogram[value]
        if passed >= rank:
            return value
    raise ValueError("an empty histogram has no quantile")
