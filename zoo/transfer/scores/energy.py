"""ETran's energy score: how similar the features are to those of the training data.

Gholami et al., "ETran: Energy-Based Transferability Estimation", ICCV 2023: the free energy of a sample is minus the
logarithm of the summed exponentials of its features; samples unlike the training data have high energy.
"""

from __future__ import annotations

import numpy as np

FRACTION = 0.005


def energy(features: np.ndarray, targets: np.ndarray) -> float:
    """Mean of log sum exp(features) over the 0.5 % of the samples with the lowest; any real number, in nats.

    It ignores the targets, so they may be of any kind. The authors' code averages over floor(0.005 n) samples, none
    below 200; zoo takes at least one. Their complete score combines this number and that of ``lda`` after scaling both
    to 0..1 over the compared models, which a score of a single model cannot do.

    Cost: O(n d).
    """
    lowest = np.empty(len(features))
    for start in range(0, len(features), 4096):
        rows = slice(start, start + 4096)
        values = features[rows].astype(np.float64)
        top = values.max(axis=1)
        lowest[rows] = top + np.log(np.exp(values - top[:, None]).sum(axis=1))
    chosen = max(int(FRACTION * len(lowest)), 1)
    return float(np.partition(lowest, chosen - 1)[:chosen].mean())
