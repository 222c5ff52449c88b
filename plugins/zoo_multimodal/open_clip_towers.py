"""Models of open_clip from a local folder: ``open_clip_config.json`` next to the weights."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel, needs_extra

with needs_extra("multimodal", "run models of open_clip"):
    import open_clip
    import torch
    from safetensors import SafetensorError
    from torchvision.transforms import Compose, Normalize, ToTensor
    from torchvision.transforms.functional import pil_to_tensor

from zoo.untrusted import parse_json
from zoo_multimodal.image_text_backbone import ImageTextBackbone, Towers

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.entities import LocalFiles, ModelCard

_FAILURES = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    ImportError,
    SafetensorError,
    pickle.UnpicklingError,
)
_FROM_ELSEWHERE = ("hf_model_name", "hf_tokenizer_name")


class OpenClipTowers(Towers):
    """A model of open_clip with its transform and tokenizer."""

    def __init__(self, model: Any, transform: Any, tokenizer: Any) -> None:
        super().__init__()
        self.model, self._transform, self._tokenizer = model, transform, tokenizer
        self._normalise: Any = None
        steps = list(getattr(transform, "transforms", ()))
        if len(steps) > 1 and isinstance(steps[-2], ToTensor) and isinstance(steps[-1], Normalize):
            # Bytes are a quarter of the data to transfer, and are normalised in one pass over the batch.
            self._transform, self._normalise = Compose(steps[:-2]), steps[-1]
        with torch.inference_mode():
            self.dimension = int(self.texts(["a"]).shape[1])

    def pixels(self, image: Image) -> torch.Tensor:
        """As in the model's evaluation: resized and cropped, and normalised unless ``placed`` does that."""
        found = self._transform(image)
        pixels: torch.Tensor = found if self._normalise is None else pil_to_tensor(found)
        return pixels

    def placed(self, batch: torch.Tensor) -> torch.Tensor:
        """Pixels on the device, normalised in float32, in the dtype of the network."""
        if self._normalise is None:
            return super().placed(batch)
        like = next(self.model.parameters())
        batch = batch.to(like.device, non_blocking=True).float()
        mean, std = (
            255 * torch.tensor(values, device=like.device).view(1, -1, 1, 1)
            for values in (self._normalise.mean, self._normalise.std)
        )
        return batch.sub_(mean).div_(std).to(like.dtype)

    def images(self, pixels: torch.Tensor) -> torch.Tensor:
        """Vectors of images, batch x d."""
        return self.model.encode_image(pixels)

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Vectors of texts, batch x d; longer ones are truncated to the model's context."""
        device = next(self.model.parameters()).device
        return self.model.encode_text(self._tokenizer(list(texts)).to(device))

    def scale(self) -> float:
        """The model's own, learned in its training."""
        return float(self.model.logit_scale.detach().float().exp())

    def bias(self) -> float | None:
        """The model's own, if it was trained with SigLIP's loss."""
        bias = getattr(self.model, "logit_bias", None)
        return None if bias is None else float(bias.detach().float())


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> ImageTextBackbone:
    """The backbone of a folder of open_clip; nothing is downloaded.

    Raises:
        UnsupportedModel: the folder is damaged, or needs a text model that it does not contain.
    """
    folder = files.root
    try:
        config = parse_json((folder / "open_clip_config.json").read_text(encoding="utf-8"), finite=False)
        text = config["model_cfg"].get("text_cfg", {})
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UnsupportedModel(
            f"'{card.id}' cannot be loaded: its open_clip_config.json cannot be read ({error}).", "Pull it again."
        ) from error
    elsewhere = next((str(text[key]) for key in _FROM_ELSEWHERE if text.get(key)), None)
    if elsewhere and not (folder / "tokenizer.json").is_file():
        raise UnsupportedModel(
            f"'{card.id}' needs the text model '{elsewhere}', which its folder does not contain.",
            "Choose a CLIP model with a text tower of its own: zoo search --library open_clip",
        )
    name = f"local-dir:{folder}"
    try:
        model, _, transform = open_clip.create_model_and_transforms(
            name, pretrained_text=False, pretrained_image=False, require_pretrained=True, weights_only=True
        )
        tokenizer = open_clip.get_tokenizer(name)
        towers = OpenClipTowers(model.eval(), transform, tokenizer)
    except _FAILURES as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(f"open_clip cannot load '{card.id}': {reason}.", f"Run: zoo verify {card.id}") from error
    return ImageTextBackbone(card, towers, device=device, dtype=dtype)
