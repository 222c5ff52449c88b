"""The backbone of models with an image and a text tower, whose vectors are in one space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, InvalidInput, needs_extra
from zoo.kinds.classes import Labels

with needs_extra("multimodal", "run models of images and text"):
    import numpy as np
    import torch
    from PIL import Image
    from torch import nn

from zoo.loading.dtypes import float_dtype
from zoo.loading.heads import with_head

if TYPE_CHECKING:
    from zoo.entities import ModelCard

ZERO_SHOT = "zero-shot-image-classification"
LAYER = "projected"
TEMPLATES = ("a photo of a {}.", "a picture of a {}.", "a {}.")
"""Prompt templates for a class; their vectors are averaged (Radford et al., CLIP, 2021, section 3.1.4)."""

TOP = 5
_BATCH = 32


class Towers(nn.Module):
    """A model of images and texts.

    Attributes:
        dimension: length of the vectors of both towers.
    """

    dimension: int

    def pixels(self, image: Image.Image) -> torch.Tensor:
        """One image in the network's size, 3 x height x width: bytes, or normalised pixels."""
        raise TypeError(f"{type(self).__name__} takes no images.")

    def placed(self, batch: torch.Tensor) -> torch.Tensor:
        """Collated pixels on the device and in the dtype of the network, normalised if they were bytes."""
        like = next(self.parameters())
        return batch.to(like.device, like.dtype, non_blocking=True)

    def images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Vectors of images, batch x d, of any length."""
        raise TypeError(f"{type(self).__name__} has no image tower.")

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Vectors of texts, batch x d, of any length."""
        raise TypeError(f"{type(self).__name__} has no text tower.")

    def scale(self) -> float:
        """The scale that turns cosines into logits."""
        return 100.0

    def bias(self) -> float | None:
        """The bias that is then added, in models trained with a sigmoid loss; None in those trained with a softmax."""
        return None

    def odds(self, cosines: torch.Tensor) -> torch.Tensor:
        """Probabilities of texts, images x texts, as in the model's training.

        With a softmax (CLIP), those of an image add up to 1. With a sigmoid, each is that of the text matching the
        image, independently of the others (Zhai et al., Sigmoid loss for language image pre-training, 2023, section 3).
        """
        bias, logits = self.bias(), self.scale() * cosines
        return logits.softmax(dim=1) if bias is None else (logits + bias).sigmoid()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The same as ``images``."""
        return self.images(pixels)


class ImageBackbone:
    """Turns images into features with the image tower.

    Attributes:
        card: its model card.
        layers: one, a vector of length 1.
        module: the tower. ``head`` builds on this module, so training changes this backbone.
    """

    input_kind = "image"
    prepares_apart = True
    layers: tuple[str, ...] = (LAYER,)

    def __init__(self, card: ModelCard, towers: Towers, *, device: str, dtype: str) -> None:
        self.card, self.device = card, device
        self.module = towers.to(device=device, dtype=float_dtype(dtype)).eval()
        self.embedding_dimension = towers.dimension

    def preprocess(self, item: Any) -> torch.Tensor:
        """One ``PIL.Image`` in the network's size."""
        if not isinstance(item, Image.Image):
            raise DataError(f"'{self.card.id}' takes images, not {type(item).__name__}.")
        return self.module.pixels(item if item.mode == "RGB" else item.convert("RGB"))

    def collate(self, items: Sequence[torch.Tensor]) -> torch.Tensor:
        """Batch x 3 x height x width, in the type that ``preprocess`` returned."""
        return torch.stack(list(items))

    def features(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """The layer's name to vectors of length 1, float32, batch x d."""
        with torch.inference_mode():
            vectors = self.module.images(self.module.placed(batch))
        return {self.layers[0]: nn.functional.normalize(vectors.float(), dim=1)}

    def head(self, task: Any, classes: int) -> nn.Module:
        """The image tower with a new linear layer of ``classes`` outputs on top, all of it trainable.

        Raises:
            InvalidInput: fewer than one output.
        """
        return with_head(
            self.module,
            self.embedding_dimension,
            classes,
            task=task,
            device=self.device,
            features=lambda towers, pixels: nn.functional.normalize(towers(towers.placed(pixels)), dim=1),
            names=("towers", "head"),
        )


class ImageTextBackbone(ImageBackbone):
    """Embeds images and texts in one space, as unit vectors."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts in the same space, of length 1: float32, n x d."""
        with torch.inference_mode():
            parts = [self.module.texts(list(texts[at : at + _BATCH])).float() for at in range(0, len(texts), _BATCH)]
        return nn.functional.normalize(torch.cat(parts), dim=1).cpu().numpy()

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> Sequence[Any] | None:
        """The most likely of the labels for each image; None for tasks except zero-shot classification."""
        return self.zero_shot(inputs, labels) if task == ZERO_SHOT else None

    def zero_shot(self, inputs: Sequence[Any], labels: Sequence[str]) -> list[Labels]:
        """The most likely labels of each image, best first, with probabilities among all labels, or of each alone.

        Which of the two depends on the model's training: ``Towers.odds``.

        Raises:
            InvalidInput: there are fewer than two labels to choose from.
        """
        if len(labels) < 2:
            raise InvalidInput(
                f"'{self.card.id}' needs at least 2 labels to choose from, but got {len(labels)}.",
                "Name them: --labels cat,dog",
            )
        names = self._named(labels)
        rows: list[Labels] = []
        for start in range(0, len(inputs), _BATCH):
            batch = self.collate([self.preprocess(item) for item in inputs[start : start + _BATCH]])
            vectors = self.features(batch, self.layers)[LAYER].cpu()
            cosines = vectors @ names.T
            places = cosines.topk(
                min(TOP, len(labels))
            ).indices  # probabilities that round to 0 or 1 are ranked by their cosines
            scores = self.module.odds(cosines).gather(1, places)
            for row, chosen in zip(scores.tolist(), places.tolist(), strict=True):
                rows.append(Labels.of([labels[place] for place in chosen], row))
        return rows

    def _named(self, labels: Sequence[str]) -> torch.Tensor:
        """A unit vector for each label, the mean over its prompts."""
        words = [" ".join(label.replace("_", " ").split()) for label in labels]
        vectors = [torch.from_numpy(self.embed_texts([t.format(word) for word in words])) for t in TEMPLATES]
        return nn.functional.normalize(torch.stack(vectors).mean(dim=0), dim=1)
