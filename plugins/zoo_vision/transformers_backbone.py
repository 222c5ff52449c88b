"""Backbones of transformers from a local folder: ViT, DINOv2, Swin, ConvNeXt, ResNet and similar models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra

with needs_extra("vision", "load models of transformers"):
    import numpy as np
    import torch
    import transformers
    from PIL import Image
    from torch import nn

from zoo.loading.published_config import architectures, published_config
from zoo.loading.transformers import load_model, load_part
from zoo_vision.image_backbone import POOLED, ImageBackbone, Trunk, averaged
from zoo_vision.image_recipe import bytes_of, in_rgb

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.contract.backbone import Learner
    from zoo.entities import LocalFiles, ModelCard
    from zoo_vision.dense import Dense

_SAFE_PICKLE = (2, 10)
_ON_TENSORS = frozenset({"TorchvisionBackend", "BaseImageProcessorFast"})
"""Base classes of transformers' image processors that work on tensors; the second is the name before 5.3."""


class ProcessorRecipe:
    """The model's own image processor, as its folder describes it.

    If its arithmetic is one factor and one offset per channel, as rescaling and normalising are, resized images stay
        bytes until the batch is on the device: a quarter of the data to transfer, and one pass over the batch instead
        of one per image. A test image shows whether that results in the same pixels.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        # torchvision-based processors turn images into tensors first, Pillow-based ones tensors into images.
        self._takes_bytes = not _ON_TENSORS.isdisjoint(kind.__name__ for kind in type(processor).__mro__)
        self._factor: torch.Tensor | None
        self._summand: torch.Tensor | None
        self._factor, self._summand = self._arithmetic() or (None, None)

    def prepare(self, image: Image.Image) -> torch.Tensor:
        """One image, 3 x height x width: bytes if possible, else normalised pixels."""
        return self.prepare_all([image])[0]

    def prepare_all(self, images: Sequence[Image.Image]) -> list[torch.Tensor]:
        """``prepare`` of many images; those of one size are resized together.

        Raises:
            DataError: one of them cannot be resized to a size that the model takes.
        """
        given = [in_rgb(image) for image in images]
        try:
            if getattr(self._processor, "do_pad", False) and len({image.size for image in given}) > 1:
                # In one batch they would be padded to the largest.
                return [self._processed([image], as_bytes=self._factor is not None)[0] for image in given]
            return list(self._processed(given, as_bytes=self._factor is not None))
        except ValueError as error:
            sizes = ", ".join(dict.fromkeys(f"{image.width} x {image.height}" for image in given[:3]))
            raise DataError(
                f"The model's own image processor cannot resize an image of {sizes} pixels: {error}"[:300]
            ) from error

    def collate(self, items: Sequence[torch.Tensor]) -> Any:
        """Batch x 3 x height x width, in the type of ``prepare``; a list if it returns images of different size."""
        return torch.stack(list(items)) if len({item.shape for item in items}) == 1 else list(items)

    def pixels(self, batch: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Normalised, on the device and in the dtype of the network."""
        if self._factor is None or self._summand is None:
            return batch.to(like.device, like.dtype, non_blocking=True)
        factor, summand = self._factor.to(like.device), self._summand.to(like.device)
        return batch.to(like.device, non_blocking=True).float().mul_(factor).add_(summand).to(like.dtype)

    def _processed(self, images: list[Image.Image], *, as_bytes: bool) -> Sequence[torch.Tensor]:
        arithmetic = {"do_rescale": False, "do_normalize": False} if as_bytes else {}
        given = [bytes_of(image) for image in images] if as_bytes and self._takes_bytes else images
        pixels = self._processor(images=given, return_tensors=None, **arithmetic)["pixel_values"]
        return [torch.as_tensor(np.ascontiguousarray(one), dtype=None if as_bytes else torch.float32) for one in pixels]

    def _arithmetic(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Factor and offset of each channel, 1 x 3 x 1 x 1, fitted to one image; None if they do not explain it.

        The image is noise over all values and not square, so that a dependence on position is detected too.
        """
        image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 60, 3), dtype=np.uint8))
        try:
            plain = self._processed([image], as_bytes=True)[0]
            wanted = self._processed([image], as_bytes=False)[0]
        except (TypeError, ValueError):
            return None
        if plain.dtype != torch.uint8 or plain.shape != wanted.shape:
            return None
        before, after = plain.flatten(1).double(), wanted.flatten(1).double()
        centred = before - before.mean(dim=1, keepdim=True)
        factor = (centred * after).sum(dim=1) / (centred**2).sum(dim=1)
        summand = after.mean(dim=1) - factor * before.mean(dim=1)
        if not torch.allclose(before * factor[:, None] + summand[:, None], after, rtol=0, atol=1e-5):
            return None
        return factor.float().view(1, -1, 1, 1), summand.float().view(1, -1, 1, 1)


class TransformersTrunk(Trunk):
    """A vision encoder of transformers; its depths are its hidden states after each block or stage.

    Args:
        encoder: the model without its classifier.
        full: its full model with the classifier, or None.
        example: pixels of one image, to determine the shapes.
    """

    def __init__(self, encoder: nn.Module, full: nn.Module | None, example: torch.Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        self._full = [full]  # in a list, so that the encoder's weights are not registered twice
        pooler = getattr(encoder, "pooler", None)
        # A dense pooler belongs to pretraining; classifiers use the class token itself.
        self._own_pooling = pooler is not None and not any(isinstance(m, nn.Linear) for m in pooler.modules())
        self._prefix = 0
        encoder.eval()
        with torch.inference_mode():
            outputs = encoder(pixel_values=example, output_hidden_states=True)
        states = _depths(outputs)
        # YOLOS puts detection tokens after the patches.
        self._suffix = int(getattr(encoder.config, "num_detection_tokens", 0))
        if states and states[-1].dim() == 3:
            self._prefix = max(0, states[-1].shape[1] - self._suffix - _patches(encoder.config, example))
            poolings = ("cls", "mean") if self._prefix else ("mean",)
            names = [f"block{number}.{pooling}" for number in range(1, len(states) + 1) for pooling in poolings]
        else:
            names = [f"stage{number}" for number in range(1, len(states) + 1)]
        self.layers = (*names, POOLED)
        self.embedding_dimension = int(self._pooled(outputs).shape[1])

    def at(self, pixels: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Features of several layers; depths are the outputs of their stage or block."""
        deep = any(layer != POOLED for layer in layers)
        outputs = self.encoder(pixel_values=pixels, output_hidden_states=deep)
        found = {POOLED: self._pooled(outputs)} if POOLED in layers else {}
        states = _depths(outputs) if deep else ()
        for layer in layers:
            if layer != POOLED:
                place, _, pooling = layer.partition(".")
                state = states[int(place.removeprefix("stage").removeprefix("block")) - 1]
                found[layer] = state[:, 0] if pooling == "cls" else averaged(self._patches_of(state))
        return found

    def logits(self, pixels: torch.Tensor) -> torch.Tensor | None:
        """Outputs of the classifier in the checkpoint; None if it has none."""
        full = self._full[0]
        return None if full is None else full(pixel_values=pixels).logits

    def _pooled(self, outputs: Any) -> torch.Tensor:
        if self._own_pooling:
            return outputs.pooler_output.flatten(1)
        state = _final(outputs)
        # The class token of a detection model is untrained: no loss uses it.
        return state[:, 0] if self._prefix and not self._suffix else averaged(self._patches_of(state))

    def _patches_of(self, state: torch.Tensor) -> torch.Tensor:
        return state[:, self._prefix : state.shape[1] - self._suffix] if state.dim() == 3 else state


class TransformersImageBackbone(ImageBackbone):
    """An image backbone that also predicts boxes and masks, if transformers has such a head for the model.

    Attributes:
        folder: where the model's files are.
    """

    folder: Path
    _published: dict[str, Dense | None]

    def learner(self, task: str, classes: Sequence[str]) -> Learner | None:
        """A learner for boxes or masks; None for other tasks."""
        from zoo_vision.dense import learner

        return learner(self.folder, task, classes, self._place())

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Any] | None:
        """Classes, boxes or masks of the published head; None without one."""
        from zoo_vision.dense import published

        if (classes := super().answer(task, inputs, labels)) is not None:
            return classes
        if task not in self._published:
            self._published[task] = published(self.folder, task, self._place())
        found = self._published[task]
        return None if found is None else found.predict(inputs)

    def _place(self) -> str:
        return str(next(self.module.parameters()).device)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> ImageBackbone:
    """The backbone of a transformers folder; nothing is downloaded and no code of the model's is run.

    Raises:
        UnsupportedModel: the folder needs its own code, lacks weights or image preprocessing, or is not an image
            encoder.
    """
    folder = files.root
    classifier = _is_classifier(folder, card)
    kind = transformers.AutoModelForImageClassification if classifier else transformers.AutoModel
    safetensors = _has_safetensors(folder, card)
    recipe = ProcessorRecipe(load_part(transformers.AutoImageProcessor, card, folder))
    model = load_model(kind, card, folder, unneeded=("pooler.",), use_safetensors=safetensors)
    encoder = model.base_model if classifier else model
    if encoder.main_input_name != "pixel_values":
        raise UnsupportedModel(f"'{card.id}' is not an image encoder: it takes {encoder.main_input_name}.")
    example = recipe.pixels(recipe.collate([recipe.prepare(Image.new("RGB", (64, 64)))]), torch.zeros(1))
    trunk = TransformersTrunk(encoder, model if classifier else None, example)
    names = [str(model.config.id2label[index]) for index in range(model.config.num_labels)] if classifier else []
    backbone = TransformersImageBackbone(card, trunk, recipe, device=device, dtype=dtype, classes=names)
    backbone.folder, backbone._published = folder, {}
    if classifier:
        model.to(device=device, dtype=next(encoder.parameters()).dtype).eval()
    return backbone


def _is_classifier(folder: Path, card: ModelCard) -> bool:
    return any(name.endswith("ForImageClassification") for name in architectures(published_config(folder, card)))


def _has_safetensors(folder: Path, card: ModelCard) -> bool:
    if any(folder.glob("*.safetensors")):
        return True
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < _SAFE_PICKLE:
        raise UnsupportedModel(
            f"'{card.id}' has its weights in a pickle, which torch {torch.__version__} cannot read safely.",
            "Run: pip install 'torch>=2.10'",
        )
    return False


def _depths(outputs: Any) -> Sequence[torch.Tensor]:
    """The outputs of each block or stage, without the embeddings, which come first.

    Swin models return their stages as images too (``reshaped_hidden_states``), and has no class token.
    """
    states = getattr(outputs, "reshaped_hidden_states", None) or getattr(outputs, "hidden_states", None) or ()
    return states[1:]


def _final(outputs: Any) -> torch.Tensor:
    """The encoder's output for the image, also for models whose decoder queries objects or masks.

    DETR returns positions, RT-DETR maps of several sizes, the smallest last, and Mask2Former the last map.
    """
    state = getattr(outputs, "encoder_last_hidden_state", None)
    if isinstance(state, (list, tuple)):
        state = state[-1]
    return outputs.last_hidden_state if state is None else state


def _patches(config: Any, example: torch.Tensor) -> int:
    patch = getattr(config, "patch_size", None)
    if patch is None:
        return example.shape[2] * example.shape[3]
    height, width = (patch, patch) if isinstance(patch, int) else patch
    return (example.shape[2] // height) * (example.shape[3] // width)
