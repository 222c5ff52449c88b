"""CLIP, SigLIP and similar models of transformers, from a local folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import needs_extra

with needs_extra("multimodal", "load models of images and text of transformers"):
    import numpy as np
    import torch
    import transformers

from zoo.loading.published_config import architectures, published_config
from zoo.loading.transformers import load_model, load_part, load_tokenizer
from zoo_multimodal import blip
from zoo_multimodal.image_text_backbone import ImageBackbone, ImageTextBackbone, Towers

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.entities import LocalFiles, ModelCard

_WHOLE = ("siglip", "siglip2")
"""Families that were trained on texts padded to the full length, without a mask; they pool the last token."""
_FLEXIBLE = ("pixel_values", "pixel_attention_mask", "spatial_shapes")
"""Inputs of SigLIP 2 with flexible resolution."""

_LOWERED = ("GemmaTokenizer", "GemmaTokenizerFast")
"""Tokenizers that keep the case, although SigLIP 2 was trained on lower case (Tschannen et al., SigLIP 2, 2025)."""


class TransformersTowers(Towers):
    """A model with ``get_image_features`` and ``get_text_features``, its image processor and its tokenizer."""

    def __init__(self, model: Any, processor: Any, tokenizer: Any) -> None:
        super().__init__()
        self.model, self._processor, self._tokenizer = model, processor, tokenizer
        text = model.config.get_text_config()
        self._longest = int(text.max_position_embeddings)
        whole = model.config.model_type in _WHOLE
        self._padding = "max_length" if whole else True
        self._taken = ("input_ids",) if whole else ("input_ids", "attention_mask")
        self._lowered = whole and type(tokenizer).__name__ in _LOWERED
        with torch.inference_mode():
            self.dimension = int(self.texts(["a"]).shape[1])

    def pixels(self, image: Image) -> torch.Tensor:
        """As the model's own image processor has it."""
        values = self._processor(images=image, return_tensors="np")["pixel_values"][0]
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))

    def images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Vectors of images, batch x d."""
        return _vectors(self.model.get_image_features(pixel_values=pixels))

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Vectors of texts, batch x d; longer ones are truncated to the model's context."""
        texts = [text.lower() for text in texts] if self._lowered else list(texts)
        tokens = self._tokenizer(
            texts, padding=self._padding, truncation=True, max_length=self._longest, return_tensors="pt"
        )
        device = next(self.model.parameters()).device
        taken = {name: tokens[name].to(device) for name in self._taken if name in tokens}
        return _vectors(self.model.get_text_features(**taken))

    def scale(self) -> float:
        """The model's own, learned in its training."""
        return float(self.model.logit_scale.detach().float().exp())

    def bias(self) -> float | None:
        """The model's own, in SigLIP."""
        bias = getattr(self.model, "logit_bias", None)
        return None if bias is None else float(bias.detach().float())


class FlexibleTowers(TransformersTowers):
    """SigLIP 2 of flexible resolution (NaFlex): an image keeps its shape, with a maximum number of patches.

    A prepared image is one matrix, so that batches are like those of other models: patches x (values + 3), where each
    row ends with whether it is a patch or padding, and the rows and columns of the image's grid (exact in bfloat16 to
    256).
    """

    def pixels(self, image: Image) -> torch.Tensor:
        """As the model's own image processor has it, with mask and grid."""
        found = self._processor(images=image, return_tensors="np")
        values, mask, grid = (np.asarray(found[name][0], dtype=np.float32) for name in _FLEXIBLE)
        return torch.from_numpy(np.column_stack([values, mask, np.broadcast_to(grid, (len(mask), 2))]))

    def images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Vectors of images, batch x d."""
        parts = (pixels[..., :-3], pixels[..., -3].int(), pixels[:, 0, -2:].long())
        return _vectors(self.model.get_image_features(**dict(zip(_FLEXIBLE, parts, strict=True))))


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> ImageBackbone | None:
    """The backbone of a folder of transformers, or None if the model neither has two towers nor is a BLIP.

    Raises:
        UnsupportedModel: the folder needs its own code, lacks weights, or cannot be read.
    """
    folder = files.root
    architecture = next(iter(architectures(published_config(folder, card))), "")
    if architecture in blip.TASKS:
        return blip.load(card, files, architecture, device, dtype)
    processor = load_part(transformers.AutoImageProcessor, card, folder)
    tokenizer = load_tokenizer(card, folder, "multimodal")
    model = load_model(transformers.AutoModel, card, folder)
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        return None
    kind = FlexibleTowers if architecture == "Siglip2Model" else TransformersTowers
    return ImageTextBackbone(card, kind(model.eval(), processor, tokenizer), device=device, dtype=dtype)


def _vectors(found: Any) -> torch.Tensor:
    """The projected vectors; newer versions of transformers return them inside an output object."""
    return found if isinstance(found, torch.Tensor) else found.pooler_output
