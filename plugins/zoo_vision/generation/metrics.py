"""Metrics of generated images: their distance from real images as a set, and how well they match their prompts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from zoo.contract.backbone import EmbedsTexts
from zoo.contract.metric import Metric
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.metrics.distances import frechet_distance, maximum_mean_discrepancy
from zoo_vision.generation.images import GeneratedImage

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo.features import Model

SETTING, DEFAULT, FORMER = "image_model", "pkg:efficientnet-lite0", "ZOO_PICTURE_MODEL"
"""The setting that chooses the model whose features are compared, its default, and its former environment variable."""

_BATCH = 32
_MOST_KEPT = 20_000
"""Maximum rows of cached features: real images are embedded for every metric and every model compared."""


def fid(targets: Sequence[GeneratedImage], predictions: Sequence[GeneratedImage]) -> float:
    """The Fréchet distance (see ``frechet_distance``) between features of the metric model; 0 and up.

    Values are comparable only for the same metric model and number of images, and not with published ones, which use
    Inception-v3.
    """
    return frechet_distance(*_features("fid", targets, predictions))


def cmmd(targets: Sequence[GeneratedImage], predictions: Sequence[GeneratedImage]) -> float:
    """The maximum mean discrepancy (see ``maximum_mean_discrepancy``) between features of the metric model."""
    return maximum_mean_discrepancy(*_features("cmmd", targets, predictions))


def clip_score(targets: Sequence[GeneratedImage], predictions: Sequence[GeneratedImage]) -> float:
    """Mean cosine similarity of an image and its prompt, clipped at 0, times 100 (Hessel et al., "CLIPScore", 2021).

    Raises:
        DataError: the metric model does not embed texts, or an image has no prompt.
    """
    import numpy as np

    images = _checked("clip_score", predictions)
    model = metric_model()
    if not isinstance(model.backbone, EmbedsTexts):
        raise DataError(
            f"'clip_score' needs an image-text model, but '{model.card.id}' takes only images.",
            "Choose one: --image-model openclip:ViT-B-32/laion2b_s34b_b79k",
        )
    if not all(image.prompt for image in images):
        raise DataError("'clip_score' needs a prompt for each image, and some have none.")
    texts = list(dict.fromkeys(image.prompt for image in images))
    vectors = np.asarray(model.backbone.embed_texts(texts), dtype=np.float64)
    rows = vectors[[texts.index(image.prompt) for image in images]]
    embedded = _embedded(images)
    lengths = np.linalg.norm(embedded, axis=1) * np.linalg.norm(rows, axis=1)
    cosines = (embedded * rows).sum(axis=1) / np.maximum(lengths, 1e-12)
    return float(100 * np.maximum(cosines, 0).mean())


METRICS = (
    Metric(
        "fid",
        fid,
        False,
        "Fréchet distance between features of generated and real images; 0 and up.",
        bounds=(0, inf),
        recomputed=20,
    ),
    Metric(
        "cmmd",
        cmmd,
        False,
        "Maximum mean discrepancy between features of generated and real images; 0 and up.",
        bounds=(0, inf),
        recomputed=20,
    ),
    Metric(
        "clip_score",
        clip_score,
        True,
        "Mean cosine similarity of images and prompts by a CLIP model, times 100; 0 to 100.",
        bounds=(0, 100),
        recomputed=20,
    ),
)


def metric_model() -> Model:
    """The model whose features the metrics compare.

    Raises:
        UnsupportedModel: it does not take images.
        ZooError: it is unknown, or cannot be downloaded or loaded.
    """
    from zoo.features.metric_models import MetricModel

    model = MetricModel(SETTING, DEFAULT, former=FORMER).load()
    if model.facts.input_kind != "image":
        raise UnsupportedModel(
            f"Generated images are evaluated with image features, but '{model.card.id}' takes "
            f"{model.facts.input_kind} inputs.",
            f"Choose an image model: --image-model {DEFAULT}",
        )
    return model


def _features(
    name: str, targets: Sequence[GeneratedImage], predictions: Sequence[GeneratedImage]
) -> tuple[np.ndarray, np.ndarray]:
    return _embedded(_checked(name, targets)), _embedded(_checked(name, predictions))


def _checked(name: str, images: Sequence[Any]) -> list[GeneratedImage]:
    found = [images[index] for index in range(len(images))]
    if len(found) < 2 or not all(isinstance(image, GeneratedImage) for image in found):
        raise DataError(f"'{name}' compares sets of at least two images.")
    return found


def _embedded(images: Sequence[GeneratedImage]) -> np.ndarray:
    """Features of the last layer, n x d; those of recent images are cached."""
    import numpy as np

    model = metric_model()
    known = _kept(model.card.id)
    digests = [_digest(image.image) for image in images]
    missing = {digest: image for digest, image in zip(digests, images, strict=True) if digest not in known}
    waiting = list(missing.items())
    backbone, layer = model.backbone, model.layers[-1]
    for start in range(0, len(waiting), _BATCH):
        part = waiting[start : start + _BATCH]
        batch = backbone.collate([backbone.preprocess(image.image.convert("RGB")) for _, image in part])
        values = backbone.features(batch, (layer,))[layer]
        rows = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=np.float32)
        known.update(zip((digest for digest, _ in part), rows, strict=True))
    found = np.stack([known[digest] for digest in digests])
    while len(known) > _MOST_KEPT:
        known.pop(next(iter(known)))
    return found


@functools.lru_cache(maxsize=1)
def _kept(model: str) -> dict[str, np.ndarray]:
    return {}


def _digest(image: Image) -> str:
    import hashlib

    return hashlib.sha256(f"{image.mode}{image.size}".encode() + image.tobytes()).hexdigest()
