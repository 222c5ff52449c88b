"""Distances between two sets of feature vectors, to evaluate generated samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import DataError

if TYPE_CHECKING:
    import numpy as np

BANDWIDTH = 10.0
"""Bandwidth of the Gaussian kernel of CMMD, on vectors of length 1."""

SCALE = 1000.0
"""Factor that makes CMMD readable, from its paper."""


def frechet_distance(real: np.ndarray, made: np.ndarray) -> float:
    """Squared Frechet distance between the normal distributions that fit two sets of vectors, 0 and up.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Heusel et al., "GANs trained by a two time-scale update rule", 2017,
    equation 6). It is biased upwards where there are few vectors for their dimension.

    Args:
        real, made: n x d and m x d, at least two vectors each.

    Raises:
        DataError: too few vectors, or vectors of different length.
    """
    import numpy as np

    real, made = _checked("The Frechet distance", real, made)
    means = real.mean(axis=0) - made.mean(axis=0)
    # The trace of the root of C1 C2 is the sum of the singular values of A1 A2', where C = A'A.
    roots = [(vectors - vectors.mean(axis=0)) / np.sqrt(len(vectors) - 1) for vectors in (real, made)]
    roots = [np.linalg.qr(root, mode="r") if len(root) > root.shape[1] else root for root in roots]
    shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum(float((root**2).sum()) for root in roots)
    return max(0.0, float(means @ means + spread - 2 * shared))


def maximum_mean_discrepancy(real: np.ndarray, made: np.ndarray) -> float:
    """CMMD: the squared maximum mean discrepancy of vectors of length 1 under a Gaussian kernel, 0 and up, times 1000.

    Jayasumana et al., "Rethinking FID", 2024, equation 3, with the kernel's width 10; they take CLIP's vectors. It
    assumes no distribution, and needs far fewer samples than the Frechet distance. The kernel of each vector with
    itself is included, so that two equal sets have distance 0.

    Raises:
        DataError: as ``frechet_distance``.
    """
    import numpy as np

    real, made = _checked("CMMD", real, made)
    lengths = [np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12) for vectors in (real, made)]
    first, second = real / lengths[0], made / lengths[1]

    def likeness(one: np.ndarray, other: np.ndarray) -> float:
        # |a - b|^2 = 2 - 2 a.b for vectors of length 1.
        return float(np.exp(-(1 - one @ other.T) / BANDWIDTH**2).mean())

    return max(0.0, SCALE * (likeness(first, first) + likeness(second, second) - 2 * likeness(first, second)))


def _checked(name: str, real: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    first, second = np.asarray(real, dtype=np.float64), np.asarray(made, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise DataError(
            f"{name} compares two sets of vectors of one length, at least two each; these have the shapes "
            f"{first.shape} and {second.shape}."
        )
    return first, second
