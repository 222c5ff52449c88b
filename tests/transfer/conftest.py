"""Data whose classes are shifted by a random vector each: the layout that the published values are for."""

import numpy as np
import pytest


@pytest.fixture
def shifted_classes():
    """A function of n, d, K and a seed that gives float32 features and integer targets."""

    def make(n, d, k, seed=0):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, k, n)
        w = rng.standard_normal((k, d)).astype(np.float32)
        x = (0.3 * w[y] + rng.standard_normal((n, d)).astype(np.float32)).astype(np.float32)
        return x, y

    return make
