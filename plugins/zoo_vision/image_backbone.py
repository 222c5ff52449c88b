"""The backbone of image models: preprocessing of the pixels, and a trunk that turns them into features."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.backbone import PROBABILITIES
from zoo.errors import InvalidInput, needs_extra
from zoo.kinds.classes import Labels

with needs_extra("vision", "run image models"):
    import torch
    from torch import nn

from zoo.loading.dtypes import float_dtype
from zoo.loading.heads import with_head

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo_vision.image_recipe import ImageRecipe

POOLED = "pooled"
"""The input of the model's own classifier: its own pooling after the last stage or block."""

TOP = 5
_BATCH = 32


class Trunk(nn.Module):
    """A network without its classifier.

    Attributes:
        layers: names from input to output: ``stage1``... averaged over the image, ``block1.cls`` and ``block1.mean``
            for transformers, then ``pooled``.
        embedding_dimension: length of the pooled vector.
    """

    layers: tuple[str, ...] = (POOLED,)
    embedding_dimension: int

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The pooled features, batch x d."""
        return self.at(pixels, (POOLED,))[POOLED]

    def at(self, pixels: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Features of several layers from one forward pass, each batch x its own d."""
        raise TypeError(f"{type(self).__name__} has no feature layers.")

    def classified(self, pooled: torch.Tensor) -> torch.Tensor | None:
        """The same outputs from the pooled features, without another pass; None if that cannot be done."""
        return None

    def logits(self, pixels: torch.Tensor) -> torch.Tensor | None:
        """Outputs of the published classifier, or None if there is none."""
        return None


class ImageBackbone:
    """Turns images into features.

    Attributes:
        card: its model card.
        layers: see ``Trunk``; the last one, ``pooled``, is the default.
        module: the trunk. ``head`` builds on this module, so training changes this backbone; load the model again
            to have the pretrained one.
        classes: class names of the published classifier; empty without one.
    """

    input_kind = "image"
    prepares_apart = True

    def __init__(
        self,
        card: ModelCard,
        trunk: Trunk,
        recipe: ImageRecipe,
        *,
        device: str,
        dtype: str,
        classes: Sequence[str] = (),
    ) -> None:
        self.card, self.recipe, self.classes = card, recipe, tuple(classes)
        trunk = trunk.to(device=device, dtype=float_dtype(dtype)).eval()
        if not device.startswith("mps"):
            # Convolutions on CPUs and on CUDA run up to twice as fast with channels last.
            trunk = trunk.to(memory_format=torch.channels_last)
        self.module = trunk
        self.layers, self.embedding_dimension = trunk.layers, trunk.embedding_dimension

    @property
    def source_classes(self) -> int:
        """Number of classes of the published classifier; 0 without one."""
        return len(self.classes)

    def preprocess(self, item: Any) -> Any:
        """One ``PIL.Image`` in the network's size."""
        return self.recipe.prepare(item)

    def preprocess_all(self, items: Sequence[Any]) -> list[Any]:
        """``preprocess`` of many images."""
        return self.recipe.prepare_all(items)

    def collate(self, items: Sequence[Any]) -> Any:
        """Preprocessed images as one batch; see the recipe."""
        return self.recipe.collate(items)

    def features(self, batch: Any, layers: Sequence[str]) -> Mapping[str, torch.Tensor]:
        """Layer name to float32 features, batch x d; ``probabilities`` are those of the classifier's classes."""
        names = list(layers)
        rows = by_size(batch, lambda part: tuple(self._features(part, names)[name] for name in names))
        return dict(zip(names, rows, strict=True))

    def _features(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        with torch.inference_mode():
            pixels = self._pixels(batch)
            if PROBABILITIES not in layers:
                found = self.module.at(pixels, layers)
            else:
                wanted = (*(layer for layer in layers if layer not in {POOLED, PROBABILITIES}), POOLED)
                found = dict(self.module.at(pixels, wanted))
                logits = self.module.classified(found[POOLED])
                logits = self.module.logits(pixels) if logits is None else logits
                if logits is None:
                    raise InvalidInput(f"'{self.card.id}' has no classifier of its own.")
                found[PROBABILITIES] = logits.float().softmax(dim=1)
            return {layer: found[layer].float() for layer in layers}

    def head(self, task: Any, classes: int) -> nn.Module:
        """The trunk with a new linear layer of ``classes`` outputs on top (1 for numbers), all of it trainable.

        Raises:
            InvalidInput: fewer than one output.
        """
        device = next(self.module.parameters()).device
        pooled = functools.partial(_pooled, self.recipe)
        return with_head(
            self.module,
            self.embedding_dimension,
            classes,
            task=task,
            device=device,
            features=pooled,
            names=("trunk", "head"),
        )

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Any] | None:
        """The most likely classes of each image, by the published classifier; None without one."""
        if task != "image-classification" or not self.classes:
            return None
        answers: list[Any] = []
        for start in range(0, len(inputs), _BATCH):
            batch = self.collate([self.preprocess(item) for item in inputs[start : start + _BATCH]])
            with torch.inference_mode():
                logits = by_size(batch, lambda part: self.module.logits(self._pixels(part)))
            if logits is None:
                return None
            scores, indices = logits.float().softmax(dim=1).topk(min(TOP, logits.shape[1]))
            for row_scores, row_indices in zip(scores.tolist(), indices.tolist(), strict=True):
                answers.append(Labels.of([self.classes[index] for index in row_indices], row_scores))
        return answers

    def _pixels(self, batch: torch.Tensor) -> torch.Tensor:
        return self.recipe.pixels(batch, next(self.module.parameters()))


def _pooled(recipe: ImageRecipe, trunk: Trunk, batch: Any) -> torch.Tensor:
    """The pooled features of a collated batch."""
    like = next(trunk.parameters())
    found: torch.Tensor = by_size(batch, lambda part: trunk(recipe.pixels(part, like)))
    return found


def by_size(batch: Any, run: Callable[[torch.Tensor], Any]) -> Any:
    """The result of ``run`` for a batch, a tensor or several; a list of images of different size is run size by size.

    No image is padded for another, so its features do not depend on the batch.
    """
    if isinstance(batch, torch.Tensor):
        return run(batch)
    places: dict[tuple[int, ...], list[int]] = {}
    for at, item in enumerate(batch):
        places.setdefault(tuple(item.shape), []).append(at)
    found = [run(torch.stack([batch[at] for at in group])) for group in places.values()]
    if found[0] is None:
        return None
    order = torch.tensor([at for group in places.values() for at in group]).argsort()
    if isinstance(found[0], tuple):
        return tuple(torch.cat(parts)[order.to(parts[0].device)] for parts in zip(*found, strict=True))
    return torch.cat(found)[order.to(found[0].device)]


def averaged(states: torch.Tensor) -> torch.Tensor:
    """The mean over all positions: of batch x channels x height x width, or of batch x tokens x channels."""
    return states.mean(dim=(2, 3)) if states.dim() == 4 else states.mean(dim=1)


def imagenet_classes() -> tuple[str, ...]:
    """Names of the 1,000 classes of ImageNet-1k in the usual order, from torchvision's weights."""
    from torchvision.models import MobileNet_V2_Weights

    return tuple(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])
