"""Pictures that a model makes: how far they are, as a set, from real ones, and how well they fit their prompts."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.adapt.metric_models import judge
from zoo.contract.backbone import EmbedsTexts
from zoo.contract.metric import Metric
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.distances import frechet_distance, maximum_mean_discrepancy
from zoo.legacy.kinds import TargetKind

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from zoo.data.prompts import Picture
    from zoo.features import Model

_BATCH = 32


def fid(targets: Sequence[Picture], predictions: Sequence[Picture]) -> float:
    """The Frechet distance (see ``frechet_distance``) on features of ``ZOO_PICTURE_MODEL``; 0 and up.

    Its figures compare with each other for one such model and one number of pictures, not with those that papers
    measure on Inception-v3.
    """
    return frechet_distance(*_features("fid", targets, predictions))


def cmmd(targets: Sequence[Picture], predictions: Sequence[Picture]) -> float:
    """The maximum mean discrepancy (see ``maximum_mean_discrepancy``) on features of ``ZOO_PICTURE_MODEL``."""
    return maximum_mean_discrepancy(*_features("cmmd", targets, predictions))


def clip_score(targets: Sequence[Picture], predictions: Sequence[Picture]) -> float:
    """Mean cosine of a picture and its prompt, at least 0 each, times 100 (Hessel et al., "CLIPScore", 2021).

    Raises:
        DataError: ``ZOO_PICTURE_MODEL`` is no model of images and text, or a picture has no prompt.
    """
    import numpy as np

    pictures = _checked("clip_score", predictions)
    backbone = _judge().backbone
    if not isinstance(backbone, EmbedsTexts):
        raise DataError(
            f"'clip_score' needs a model of images and text, and '{_judge().card.id}' is none.",
            "Name one: --picture-model openclip:ViT-B-32/laion2b_s34b_b79k",
        )
    if not all(picture.prompt for picture in pictures):
        raise DataError("'clip_score' judges pictures by their prompts, and some have none.")
    texts = list(dict.fromkeys(picture.prompt for picture in pictures))
    vectors = np.asarray(backbone.embed_texts(texts), dtype=np.float64)
    rows = vectors[[texts.index(picture.prompt) for picture in pictures]]
    images = _embedded(pictures)
    lengths = np.linalg.norm(images, axis=1) * np.linalg.norm(rows, axis=1)
    cosines = (images * rows).sum(axis=1) / np.maximum(lengths, 1e-12)
    return float(100 * np.maximum(cosines, 0).mean())


METRICS = (
    Metric("fid", fid, False, "Frechet distance of features to those of real pictures; 0 and up."),
    Metric("cmmd", cmmd, False, "Maximum mean discrepancy of features from those of real pictures; 0 and up."),
    Metric("clip_score", clip_score, True, "Mean cosine of pictures and prompts by a CLIP, times 100; 0 to 100."),
)


def _features(name: str, targets: Sequence[Picture], predictions: Sequence[Picture]) -> tuple[np.ndarray, np.ndarray]:
    return _embedded(_checked(name, targets)), _embedded(_checked(name, predictions))


def _checked(name: str, pictures: Sequence[Any]) -> list[Picture]:
    found = [pictures[index] for index in range(len(pictures))]
    if len(found) < 2 or not all(hasattr(picture, "image") and hasattr(picture, "prompt") for picture in found):
        raise DataError(f"'{name}' compares sets of pictures, two at least.")
    return found


def _judge() -> Model:
    model = judge("ZOO_PICTURE_MODEL")
    if model.facts.input_kind != "image":
        raise UnsupportedModel(
            f"Pictures are judged by features of images, and '{model.card.id}' takes {model.facts.input_kind} inputs.",
            "Name an image model: --picture-model pkg:efficientnet-lite0",
        )
    return model


def _embedded(pictures: Sequence[Picture]) -> np.ndarray:
    """Features of the last layer, n x d; each picture's are computed once as long as they are among the latest."""
    import numpy as np

    model = _judge()
    known = _kept(model.card.id)
    digests = [_digest(picture.image) for picture in pictures]
    missing = {digest: picture for digest, picture in zip(digests, pictures, strict=True) if digest not in known}
    waiting = list(missing.items())
    backbone, layer = model.backbone, model.layers[-1]
    for start in range(0, len(waiting), _BATCH):
        part = waiting[start : start + _BATCH]
        batch = backbone.collate([backbone.preprocess(picture.image.convert("RGB")) for _, picture in part])
        values = backbone.features(batch, (layer,))[layer]
        rows = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values, dtype=np.float32)
        known.update(zip((digest for digest, _ in part), rows, strict=True))
    found = np.stack([known[digest] for digest in digests])
    while len(known) > _MOST_KEPT:
        known.pop(next(iter(known)))
    return found


_MOST_KEPT = 20_000
"""Rows of features that stay in memory: the real pictures are judged by every metric, and by every model compared."""


@functools.lru_cache(maxsize=1)
def _kept(model: str) -> dict[str, np.ndarray]:
    return {}


def _digest(image: Image) -> str:
    import hashlib

    return hashlib.sha256(f"{image.mode}{image.size}".encode() + image.tobytes()).hexdigest()


def _guess(inputs: Sequence[Any], known: Sequence[Any], task: str) -> list[Any]:
    """The mean of the pictures that are known, in the size of the first."""
    import numpy as np
    from PIL import Image as Images

    from zoo.data.prompts import Picture

    first = known[0].image
    total = np.zeros((first.size[1], first.size[0], 3))
    for index in range(len(known)):
        total += np.asarray(known[index].image.convert("RGB").resize(first.size))
    mean = Images.fromarray((total / len(known)).round().astype(np.uint8))
    return [Picture(mean, str(inputs[index])) for index in range(len(inputs))]


def _answer(item: Any, answer: Any) -> Any:
    from zoo.data.prompts import Picture

    return Picture(answer["image"], str(item))


def _judged_by() -> Mapping[str, str]:
    model = _judge()
    return {"picture_model": f"{model.card.id}@{model.revision}" if model.revision else model.card.id}


KIND = TargetKind("generated-image", _guess, _answer, by_loss=True, judged_by=_judged_by)
