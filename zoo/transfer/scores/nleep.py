"""NLEEP: LEEP for any features, with the components of a Gaussian mixture in place of the source classes.

Li, Jia, Sang, Zhu, Green, Wang and Gong, "Ranking Neural Checkpoints", CVPR 2021, section 3.2.
"""

from __future__ import annotations

import warnings

import numpy as np

from zoo.contract.estimator import Measured
from zoo.errors import needs_extra
from zoo.transfer.intervals import mean_of_samples
from zoo.transfer.scores.leep import log_predictions
from zoo.transfer.scores.principal import principal_components

COMPONENTS_A_CLASS = 5
SHARE = 0.8


def nleep(features: np.ndarray, targets: np.ndarray) -> float:
    """NLEEP in nats per sample; at most 0. Classes only.

    Principal components that hold 80 % of the variance; a mixture of 5 K Gaussians with full covariances (at most half
    as many as there are samples) by expectation-maximisation from k-means, drawn from seed 0; then LEEP. The paper
    has the mean of the logarithm; the code of SFDA, a common reference, leaves the logarithm out.

    Cost: O(n r^2 5 K) per iteration for r components: the costliest estimator here.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    return float(_log_predictions(features, targets, 0).mean())


def measure_nleep(features: np.ndarray, targets: np.ndarray, seed: int, groups: np.ndarray | None = None) -> Measured:
    """The same with value -/+ t * standard error over the samples (or groups), for the mixture drawn from ``seed``.

    Refitting it without each group of samples would cost ten times as much.
    """
    return mean_of_samples(_log_predictions(features, targets, seed), 0.0, groups)


def _log_predictions(features: np.ndarray, targets: np.ndarray, seed: int) -> np.ndarray:
    with needs_extra("data", "fit the mixture of NLEEP"):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture
    reduced = principal_components(features, share=SHARE)
    # The mixture adds 1e-6 to every variance, so its units must not be those of the features.
    reduced /= max(float(np.sqrt((reduced**2).mean())), np.finfo(float).tiny)
    components = max(min(COMPONENTS_A_CLASS * (int(targets.max()) + 1), len(targets) // 2), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = GaussianMixture(components, random_state=seed).fit(reduced)
    return log_predictions(mixture.predict_proba(reduced), targets)
