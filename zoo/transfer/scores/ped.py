"""PED: SFDA after the classes have pushed each other apart, as fine-tuning would.

Li, Hu, Ge, Shan and Duan, "Exploring Model Transferability through the Lens of Potential Energy", ICCV 2023.
"""

from __future__ import annotations

import numpy as np

from zoo.transfer.scores.sfda import sfda
from zoo.transfer.statistics import of_classes

RADIUS = 0.6
TIME_STEP = 0.1
EXIT_RATIO = 0.5
STEPS = 6
LEAST_DEVIATION = 1e-3


def ped(features: np.ndarray, targets: np.ndarray) -> float:
    """Score of ``sfda`` after potential energy descent, 0 to 1; classes only.

    Each class is a ball about its mean with radius 0.6 sqrt(trace of its covariance). Balls that overlap repel each
    other along the line of their means by a force as large as the overlap, which moves them, samples and all, by
    force * time^2 / 2, time 0.1. At most 6 steps, until a step moves the means by half of what the first moved them or
    less (sum of absolute coordinates, as in the authors' code, which makes the number of steps depend on the rotation
    of the features). Constants are those of the authors' code, as are the pairs: all of them, at once.

    The authors measure in units of each dimension's deviation on ImageNet's validation images. There are no source
    features here, so the units are the deviations on the data itself.

    Cost: that of ``sfda`` and O(6 K^2 d): each class moves as a whole, so its mean and radius suffice.
    """
    deviation = np.maximum(features.std(axis=0, dtype=np.float64), LEAST_DEVIATION)
    scaled = (features - features.mean(axis=0, dtype=np.float64)) / deviation
    statistics = of_classes(scaled, targets)
    radii = RADIUS * np.sqrt(statistics.class_spread / statistics.counts)
    moves = descend(statistics.class_centres, radii)
    return sfda(scaled * deviation + (moves * deviation)[targets], targets)


def descend(centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """How far each class ends up from where it started, K x d.

    Args:
        centres: class means, K x d.
        radii: of the balls, K.
    """
    start, first = centres, 0.0
    for _ in range(STEPS):
        gaps = _distances(centres)
        push = 0.5 * TIME_STEP**2 * np.maximum(radii[:, None] + radii - gaps, 0.0)
        # Coinciding means have no direction to leave in.
        share = np.divide(push, gaps, out=np.zeros_like(gaps), where=gaps > 0)
        np.fill_diagonal(share, 0.0)
        move = share.sum(axis=1)[:, None] * centres - share @ centres
        size = float(np.abs(move).sum())
        first = first or size
        if size <= EXIT_RATIO * first:
            break
        centres = centres + move
    return centres - start


def _distances(points: np.ndarray) -> np.ndarray:
    return np.stack([np.sqrt(((points - point) ** 2).sum(axis=1)) for point in points])
