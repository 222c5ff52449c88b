"""Image generators in the format of diffusers: DDPM on pixels, and latent diffusion from prompts.

A pipeline's index lists its parts; this module chooses the classes that load them, so no file of the model chooses
code. Weights are read from safetensors only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import UnsupportedModel, needs_extra
from zoo.loading.dtypes import float_dtype
from zoo.loading.published_config import published_config
from zoo.loading.quiet import quiet
from zoo.loading.transformers import clear_errors
from zoo.loading.weights_report import refuse_missing
from zoo.untrusted import parse_json
from zoo_vision.generation.generators import Generator, LatentGenerator, PixelGenerator, generate
from zoo_vision.generation.prompts import UNCONDITIONAL, Prompt

with needs_extra("generation", "generate images"):
    import diffusers
    import torch
    import transformers

if TYPE_CHECKING:
    from zoo.contract.backbone import Learner
    from zoo.entities import LocalFiles, ModelCard
    from zoo_vision.generation.images import GeneratedImage

_PIXEL_PIPELINES = ("DDPMPipeline", "DDIMPipeline")
_LATENT_PIPELINES = ("StableDiffusionPipeline",)
_IN_ROOT = {"unet": "config.json", "scheduler": "scheduler_config.json"}


class DiffusionBackbone:
    """A model that generates images and has no features.

    Attributes:
        generator: the parts of the model, put together.
        learning_rate: usual for fine-tuning a pretrained U-Net.
    """

    input_kind = "prompt"
    layers: tuple[str, ...] = ()
    embedding_dimension = 0
    learning_rate = 1e-4

    def __init__(self, card: ModelCard, generator: Generator) -> None:
        self.card, self.generator = card, generator

    def preprocess(self, item: Any) -> Any:
        """The item as it is."""
        return item

    def collate(self, items: Sequence[Any]) -> Any:
        """The items as they are."""
        return list(items)

    def features(self, batch: Any, layers: Sequence[str]) -> Mapping[str, Any]:
        """Raises ``UnsupportedModel``: there are no features."""
        raise UnsupportedModel(f"'{self.card.id}' generates images and has no features.")

    def head(self, task: Any, classes: int) -> Any:
        """Raises ``UnsupportedModel``: there are no features to classify by."""
        raise UnsupportedModel(
            f"'{self.card.id}' generates images, and cannot be trained for other tasks.",
            f"Name its task: --task {self.card.tasks[0] if self.card.tasks else UNCONDITIONAL}",
        )

    def examples(self) -> list[Prompt]:
        """Prompts that it takes, with few steps."""
        by_class = isinstance(self.generator, PixelGenerator)
        texts = self.generator.classes if by_class else ("a red house", "the sea", "a dog")
        return [Prompt(text, seed, steps=2) for seed, text in enumerate((texts or ("",) * 3)[:3])]

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[GeneratedImage]:
        """An image for each prompt.

        Raises:
            UnsupportedModel: the task is not one of the model's.
            DataError: an input is not a prompt.
        """
        if task not in self.card.tasks:
            raise UnsupportedModel(
                f"'{self.card.id}' supports {' and '.join(self.card.tasks)}, not '{task}'.",
                f"Find a model that does: zoo search --task {task}",
            )
        return generate(self.generator, inputs)

    def learner(self, task: str, classes: Sequence[str]) -> Learner | None:
        """The model prepared for training to generate images; None for other tasks."""
        from zoo_vision.generation.diffusion_learner import learner

        return learner(self.generator, task, classes, self.card.id)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> DiffusionBackbone:
    """The backbone of a diffusers folder; nothing is downloaded, and only code of the libraries is run.

    Raises:
        UnsupportedModel: the pipeline is of another kind, a part is missing, damaged or a pickle, or it needs code from
            elsewhere.
    """
    root = files.root
    index = _index(root, card)
    pipeline = index.get("_class_name")
    if pipeline not in (*_PIXEL_PIPELINES, *_LATENT_PIPELINES):
        raise UnsupportedModel(
            f"'{card.id}' is a '{pipeline}', which zoo does not support.",
            f"Supported pipelines: {', '.join((*_PIXEL_PIPELINES, *_LATENT_PIPELINES))}.",
        )
    torch_dtype = float_dtype(dtype)
    schedule = dict(diffusers.DDPMScheduler.load_config(_part(root, card, "scheduler"), local_files_only=True))
    if pipeline in _PIXEL_PIPELINES:
        unet = _model(diffusers.UNet2DModel, root, card, "unet", torch_dtype).to(device)
        if unet.config.out_channels != unet.config.in_channels:
            raise UnsupportedModel(f"The U-Net of '{card.id}' also predicts variances, which zoo does not support.")
        count = int(unet.config.num_class_embeds or 0)
        named = index.get("id2label") or {}
        classes = [str(named.get(str(at), at)) for at in range(count)]
        return DiffusionBackbone(card, PixelGenerator(unet, schedule, classes, device))
    parts: dict[str, Any] = {
        "unet": _model(diffusers.UNet2DConditionModel, root, card, "unet", torch_dtype).to(device),
        "vae": _model(diffusers.AutoencoderKL, root, card, "vae", torch_dtype).to(device),
        "text_encoder": _model(transformers.CLIPTextModel, root, card, "text_encoder", torch_dtype).to(device),
        "tokenizer": transformers.AutoTokenizer.from_pretrained(
            _part(root, card, "tokenizer"), local_files_only=True, trust_remote_code=False
        ),
    }
    if any(index.get("safety_checker") or ()):
        from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

        parts["safety_checker"] = _model(StableDiffusionSafetyChecker, root, card, "safety_checker", torch_dtype).to(
            device
        )
        parts["feature_extractor"] = transformers.CLIPImageProcessor.from_pretrained(
            _part(root, card, "feature_extractor"), local_files_only=True
        )
    return DiffusionBackbone(card, LatentGenerator(parts, schedule, device))


def _index(root: Path, card: ModelCard) -> dict[str, Any]:
    try:
        index: dict[str, Any] = parse_json((root / "model_index.json").read_text(encoding="utf-8"), finite=False)
        index.get("_class_name")
    except (OSError, ValueError, AttributeError) as error:
        raise UnsupportedModel(
            f"'{card.id}' cannot be loaded: its model_index.json cannot be read ({error}).", f"Run: zoo pull {card.id}"
        ) from error
    return index


def _part(root: Path, card: ModelCard, name: str) -> Path:
    folder = root / name
    if not folder.is_dir():
        # Pipelines with weights in only one part may have all files in their own folder.
        if (root / _IN_ROOT.get(name, "")).is_file():
            return root
        raise UnsupportedModel(f"'{card.id}' lacks its part '{name}'.", f"Run: zoo pull {card.id}")
    return folder


def _model(kind: Any, root: Path, card: ModelCard, name: str, dtype: torch.dtype) -> Any:
    """One part of the pipeline, in evaluation mode, every tensor of it from safetensors."""
    folder = _part(root, card, name)
    published_config(folder, card)
    if not any(folder.glob("*.safetensors")):
        raise UnsupportedModel(
            f"'{card.id}' has no safetensors for its part '{name}', the only format in which zoo reads image "
            "generators.",
            "Save it again: save_pretrained(..., safe_serialization=True)",
        )
    with clear_errors(card, f"The part '{name}' of '{card.id}' cannot be loaded"), quiet():
        model, report = kind.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, output_loading_info=True, torch_dtype=dtype
        )
    refuse_missing(card, sorted(report["missing_keys"]), name)
    return model.eval().requires_grad_(True)
