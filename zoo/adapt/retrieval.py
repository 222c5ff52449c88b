"""Recall at k of finding an image's text among all texts, and a text's image among all images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

AT = (1, 5, 10)


def recalls(similarities: np.ndarray, own: np.ndarray) -> dict[str, float]:
    """Recall at 1, 5 and 10 in both directions; ``recall_at_k`` is the mean of the two.

    The share of the queries with a match among their k nearest (Karpathy and Fei-Fei, "Deep visual-semantic
    alignments", 2015, section 4.1). Where several images share a text, any of them counts. Ties count against it.

    Args:
        similarities: n images x m texts.
        own: n indices of the images' texts.
    """
    import numpy as np

    matches = own[:, None] == np.arange(similarities.shape[1])[None, :]
    texts = _rank_of_first_match(similarities, matches)
    images = _rank_of_first_match(similarities.T, matches.T)
    return _figures(lambda k: float((texts < k).mean()), lambda k: float((images < k).mean()))


def chance(images: int, texts: int, own: np.ndarray) -> dict[str, float]:
    """The recalls that a random order has: k of m texts, and any of a text's c images among k of n, on average."""
    import numpy as np

    counts = np.bincount(own, minlength=texts)

    def images_found(k: int) -> float:
        missed = np.ones(len(counts))
        for drawn in range(min(k, images)):
            missed *= np.maximum(images - counts - drawn, 0) / (images - drawn)
        return float(1 - missed.mean())

    return _figures(lambda k: min(1.0, k / texts), images_found)


def _rank_of_first_match(similarities: np.ndarray, matches: np.ndarray) -> np.ndarray:
    """For each query how many others are at least as near as its nearest match."""
    import numpy as np

    best = np.where(matches, similarities, -np.inf).max(axis=1, keepdims=True)
    return np.asarray(((similarities >= best) & ~matches).sum(axis=1))


def _figures(to_texts: Callable[[int], float], to_images: Callable[[int], float]) -> dict[str, float]:
    found = {f"recall_at_{k}": (to_texts(k) + to_images(k)) / 2 for k in AT}
    found.update({f"image_to_text_recall_at_{k}": to_texts(k) for k in AT})
    found.update({f"text_to_image_recall_at_{k}": to_images(k) for k in AT})
    return found
