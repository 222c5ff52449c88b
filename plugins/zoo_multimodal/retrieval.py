"""Image-text retrieval: recall at k of texts for images, and of images for texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zoo.contract.backbone import EmbedsTexts
from zoo.contract.kind import Kind
from zoo.errors import DataError, UnsupportedModel

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.backbone import LoadedModel, Progress
    from zoo.entities import Dataset
    from zoo.tasks import Task

TASK = "image-text-retrieval"
AT = (1, 5, 10)
AT_ONCE = 64
"""Images or texts per batch."""


class Vectors(Kind):
    """Vectors as targets: a model is evaluated by the nearest neighbours, and has no answers."""

    name = "vector"

    def evaluate(
        self, model: LoadedModel, dataset: Dataset, task: Task, progress: Progress
    ) -> tuple[dict[str, float], dict[str, float]] | None:
        """Recalls of images and their texts, and those of a random order; None for other tasks.

        Raises:
            DataError: the data have no text for each image.
            UnsupportedModel: the model does not embed texts.
        """
        return retrieval(model, dataset, progress) if task.name == TASK else None

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """The dimension."""
        return [(f"{len(answer)} numbers", "")]

    def to_json(self, answer: Any) -> list[float]:
        """The numbers."""
        found: list[float] = answer.tolist()
        return found

    def ordinary(self) -> Sequence[Any]:
        """Two vectors of length 1."""
        import numpy as np

        return [np.array(values, dtype=np.float32) for values in ((0.6, 0.8, 0.0), (0.0, -0.6, 0.8))]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """A vector without a direction."""
        import numpy as np

        return [("zeros", np.zeros(3, dtype=np.float32))]


def retrieval(model: LoadedModel, dataset: Dataset, progress: Progress) -> tuple[dict[str, float], dict[str, float]]:
    """Recalls of a model on images with a text each, and those of a random order; see ``recalls``.

    Raises:
        DataError: the data have no text for each image.
        UnsupportedModel: the model does not embed texts.
    """
    import numpy as np

    from zoo.entities import FeatureRequest
    from zoo.features import extract

    if dataset.target_kind != "text" or dataset.targets is None:
        raise DataError(
            f"'{dataset.name}' does not have a text for each image.",
            f"Name the column of texts with --target-column, and the task with --task {TASK}.",
        )
    backbone = model.backbone
    if not isinstance(backbone, EmbedsTexts):
        raise UnsupportedModel(
            f"'{model.card.id}' has no text features, so it cannot match texts with images.",
            f"Find a model that has: zoo search --task {TASK}",
        )
    texts = [str(text) for text in dataset.targets]
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    own = np.array([places[text] for text in texts])
    unlabelled = replace(dataset, targets=None, target_kind="none")
    request = FeatureRequest(batch_size=AT_ONCE, device=model.device)
    [images] = extract(backbone, unlabelled, request, progress).values()
    distinct = list(places)
    with progress.step("Embedding the texts", len(distinct)) as step:
        found = []
        for start in range(0, len(distinct), AT_ONCE):
            found.append(backbone.embed_texts(distinct[start : start + AT_ONCE]))
            step.advance(len(found[-1]))
    similarities = _unit(images.values) @ _unit(np.concatenate(found)).T
    return recalls(similarities, own), chance(len(texts), len(distinct), own)


def _unit(vectors: np.ndarray) -> np.ndarray:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit


def recalls(similarities: np.ndarray, own: np.ndarray) -> dict[str, float]:
    """Recall at 1, 5 and 10 in both directions; ``recall_at_k`` is the mean of the two.

    The share of the queries with a match among their k nearest (Karpathy and Fei-Fei, "Deep visual-semantic
    alignments", 2015, section 4.1). If several images share a text, any of them counts. Ties count as misses.

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
    """The expected recalls of a random order: k of m texts, and any of a text's c images among k of n."""
    import numpy as np

    counts = np.bincount(own, minlength=texts)

    def images_found(k: int) -> float:
        missed = np.ones(len(counts))
        for drawn in range(min(k, images)):
            missed *= np.maximum(images - counts - drawn, 0) / (images - drawn)
        return float(1 - missed.mean())

    return _figures(lambda k: min(1.0, k / texts), images_found)


def _rank_of_first_match(similarities: np.ndarray, matches: np.ndarray) -> np.ndarray:
    """For each query the number of others that are at least as near as its nearest match."""
    import numpy as np

    best = np.where(matches, similarities, -np.inf).max(axis=1, keepdims=True)
    return np.asarray(((similarities >= best) & ~matches).sum(axis=1))


def _figures(to_texts: Callable[[int], float], to_images: Callable[[int], float]) -> dict[str, float]:
    found = {f"recall_at_{k}": (to_texts(k) + to_images(k)) / 2 for k in AT}
    found.update({f"image_to_text_recall_at_{k}": to_texts(k) for k in AT})
    found.update({f"text_to_image_recall_at_{k}": to_images(k) for k in AT})
    return found
