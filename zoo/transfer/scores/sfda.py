"""SFDA: how confidently regularised Fisher discriminants separate the classes, before and after a challenge.

Shao et al., "Not All Models Are Equal: Predicting Model Transferability in a Self-challenging Fisher Space", ECCV 2022,
sections 3.1 to 3.3.
"""

from __future__ import annotations

import numpy as np

from zoo.transfer.measure import compact
from zoo.transfer.scores.discriminant import discriminant
from zoo.transfer.statistics import of_classes


def lda(features: np.ndarray, targets: np.ndarray) -> float:
    """Mean posterior probability of the true class under the regularised discriminants, 0 to 1; classes only.

    The first step of SFDA, and the classification score S_cls of Gholami et al., "ETran: Energy-Based Transferability
    Estimation", ICCV 2023.

    Cost: O(n d^2 + d^3 + n d K).
    """
    dimension, features = features.shape[1], compact(features)
    functions, _ = discriminant(of_classes(features, targets, dimension))
    return _mean_true(functions.posteriors(features), targets)


def sfda(features: np.ndarray, targets: np.ndarray) -> float:
    """SFDA with its self-challenging step, 0 to 1; classes only.

    Confidential mix-up (section 3.3): the more confident the first discriminants are of a sample's class, the less it
    is moved towards the mean of the other classes' means; p is their posterior, softened by a second softmax. The
    discriminants are then fitted to the moved samples, with the same shrinkage, and evaluated on them. The paper
    averages log p; the authors' code, whose results the paper reports, averages p, "in case of instability": zoo
    follows the code.

    Cost: twice that of ``lda``.
    """
    dimension, features = features.shape[1], compact(features)
    statistics = of_classes(features, targets, dimension)
    functions, intensity = discriminant(statistics)
    softened = np.exp(functions.posteriors(features))
    sure = (softened[np.arange(len(targets)), targets] / softened.sum(axis=1))[:, None]
    centres = statistics.class_centres
    others = statistics.mean + (centres.sum(axis=0) - centres) / (len(centres) - 1)
    moved = sure * features + (1.0 - sure) * others[targets]
    functions, _ = discriminant(of_classes(moved, targets, dimension), intensity)
    return _mean_true(functions.posteriors(moved), targets)


def _mean_true(posteriors: np.ndarray, targets: np.ndarray) -> float:
    return float(posteriors[np.arange(len(targets)), targets].mean())
