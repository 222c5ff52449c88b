"""Models of diffusers that make pictures out of noise: DDPM on pixels, and latent diffusion by prompts.

The index of a pipeline says which parts there are; which classes read them is settled here, so that no file of the
model's chooses code. Weights are read from safetensors alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.prompts import UNCONDITIONAL, Prompt
from zoo.errors import DataError, InvalidInput, UnsupportedModel, needs_extra, suggest
from zoo.loading.dtypes import float_dtype
from zoo.loading.published_config import published_config
from zoo.loading.quiet import quiet
from zoo.loading.transformers import clear_errors
from zoo.loading.weights_report import refuse_missing
from zoo.untrusted import parse_json

with needs_extra("generation", "make pictures"):
    import diffusers
    import numpy as np
    import torch
    import transformers
    from PIL import Image

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard
    from zoo_vision.generation.diffusion_learner import DiffusionLearner

STEPS = 50
"""Of denoising, where nobody names a number."""

GUIDANCE = 7.5
"""How closely a prompt is kept to, where nobody says; the usual figure of Stable Diffusion."""

_PIXELS_AT_ONCE = 1 << 18
_MOST_AT_ONCE = 64
_PIXEL_PIPELINES = ("DDPMPipeline", "DDIMPipeline")
_LATENT_PIPELINES = ("StableDiffusionPipeline",)
_IN_ROOT = {"unet": "config.json", "scheduler": "scheduler_config.json"}


class PixelMaker:
    """Makes pictures with a U-Net on pixels, of classes where it knows some (Ho et al., "DDPM", 2020).

    Sampled by DDIM without added noise (Song et al., "DDIM", 2021, equation 12), so that few steps do.

    Attributes:
        classes: what can be asked for; empty where nothing can.
        size: height and width of the pictures.
    """

    def __init__(self, unet: Any, scheduler: Mapping[str, Any], classes: Sequence[str], device: str) -> None:
        self.unet, self.schedule, self.classes, self.device = unet, scheduler, tuple(classes), device
        side = unet.config.sample_size
        self.size: tuple[int, int] = (side, side) if isinstance(side, int) else tuple(side)

    def labels(self, texts: Sequence[str]) -> torch.Tensor | None:
        """Class indices of prompts; None where the model takes none.

        Raises:
            InvalidInput: a prompt is no class of the model's.
        """
        if not self.classes:
            return None
        known = {name: index for index, name in enumerate(self.classes)}
        for text in texts:
            if text not in known:
                shown = ", ".join(self.classes[:10]) + ("..." if len(self.classes) > 10 else "")
                raise InvalidInput(
                    f"The model makes pictures of classes, and '{text[:40]}' is none of them.",
                    suggest(text, known) or f"Its classes: {shown}.",
                )
        return torch.tensor([known[text] for text in texts], device=self.device)

    def make(self, prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
        """Pictures for prompts of the same steps and guidance."""
        steps = prompts[0].steps or STEPS
        labels = self.labels([prompt.text for prompt in prompts])
        scheduler = diffusers.DDIMScheduler.from_config(self.schedule)
        scheduler.set_timesteps(steps)
        state = _noise((self.unet.config.in_channels, *self.size), prompts).to(self.device, self.unet.dtype)
        with torch.inference_mode():
            for step in scheduler.timesteps:
                predicted = self.unet(state, step, class_labels=labels).sample
                state = scheduler.step(predicted, step, state).prev_sample
        pixels = ((state.float() / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return [
            {"image": _as_image(picture), "prompt": prompt.text, "seed": prompt.seed, "steps": steps}
            for picture, prompt in zip(pixels, prompts, strict=True)
        ]


class LatentMaker:
    """Makes pictures of prompts in the latent space of an autoencoder (Rombach et al., "Latent diffusion", 2022).

    Where the model came with a safety checker, pictures that it flags come black.

    Attributes:
        size: height and width of the pictures.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, parts: Mapping[str, Any], scheduler: Mapping[str, Any], device: str) -> None:
        self.unet, self.vae, self.schedule, self.device = parts["unet"], parts["vae"], scheduler, device
        self.tokenizer, self.text_encoder = parts["tokenizer"], parts["text_encoder"]
        checker = parts.get("safety_checker")
        self._pipeline = diffusers.StableDiffusionPipeline(
            **{**parts, "safety_checker": checker, "feature_extractor": parts.get("feature_extractor")},
            scheduler=diffusers.DDIMScheduler.from_config(scheduler),
            requires_safety_checker=checker is not None,
        )
        self._pipeline.set_progress_bar_config(disable=True)
        side = self.unet.config.sample_size
        rows, columns = (side, side) if isinstance(side, int) else side
        self.latent_size = (rows, columns)
        self.size = (rows * self._pipeline.vae_scale_factor, columns * self._pipeline.vae_scale_factor)

    def make(self, prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
        """Pictures for prompts of the same steps and guidance."""
        first = prompts[0]
        steps, guidance = first.steps or STEPS, GUIDANCE if first.guidance is None else first.guidance
        noise = _noise((self.unet.config.in_channels, *self.latent_size), prompts)
        with torch.inference_mode():
            found = self._pipeline(
                prompt=[prompt.text for prompt in prompts],
                latents=noise.to(self.device, self.unet.dtype),
                num_inference_steps=steps,
                guidance_scale=guidance,
            )
        flagged = found.nsfw_content_detected or [False] * len(prompts)
        return [
            {
                "image": picture,
                "prompt": prompt.text,
                "seed": prompt.seed,
                "steps": steps,
                "guidance": guidance,
                **({"flagged": True} if flag else {}),
            }
            for picture, prompt, flag in zip(found.images, prompts, flagged, strict=True)
        ]

    def states(self, text: str) -> torch.Tensor:
        """What the U-Net is told of a prompt, tokens x d, on the CPU."""
        tokens = self.tokenizer(
            text, padding="max_length", truncation=True, max_length=self.tokenizer.model_max_length, return_tensors="pt"
        )
        with torch.inference_mode():
            found: torch.Tensor = self.text_encoder(tokens.input_ids.to(self.device))[0][0]
        return found.float().cpu().clone()


Maker = PixelMaker | LatentMaker


class DiffusionBackbone:
    """A model that makes pictures; it gives no features.

    Attributes:
        maker: the model's parts, put together.
        learning_rate: usual for training a U-Net that has learned already.
    """

    input_kind = "prompt"
    layers: tuple[str, ...] = ()
    embedding_dimension = 0
    learning_rate = 1e-4

    def __init__(self, card: ModelCard, maker: Maker) -> None:
        self.card, self.maker = card, maker

    def preprocess(self, item: Any) -> Any:
        """Nothing is done before the model itself."""
        return item

    def collate(self, items: Sequence[Any]) -> Any:
        """The items as they are."""
        return list(items)

    def features(self, batch: Any, layers: Sequence[str]) -> Mapping[str, Any]:
        """Raises ``UnsupportedModel``: there are none."""
        raise UnsupportedModel(f"'{self.card.id}' makes pictures and gives no features.")

    def head(self, task: Any, classes: int) -> Any:
        """Raises ``UnsupportedModel``: there is nothing that classes could be told apart by."""
        raise UnsupportedModel(
            f"'{self.card.id}' makes pictures, and learns nothing else.",
            f"Name what it is to learn: --task {self.card.tasks[0] if self.card.tasks else UNCONDITIONAL}",
        )

    def examples(self) -> list[Prompt]:
        """Prompts that it takes, with few steps."""
        texts = self.maker.classes if isinstance(self.maker, PixelMaker) else ("a red house", "the sea", "a dog")
        return [Prompt(text, seed, steps=2) for seed, text in enumerate((texts or ("",) * 3)[:3])]

    def generate(self, inputs: Sequence[Prompt | str]) -> list[dict[str, Any]]:
        """A picture for each prompt: ``image`` (PIL, RGB), and the prompt, seed and steps that give it again."""
        return made(self.maker, inputs)

    def learner(self, task: str, classes: Sequence[str]) -> DiffusionLearner | None:
        """What is trained to make pictures (``zoo.adapt.structured``); None for other tasks."""
        from zoo_vision.generation.diffusion_learner import learner

        return learner(self.maker, task, classes, self.card.id)


def made(maker: Maker, inputs: Sequence[Prompt | str]) -> list[dict[str, Any]]:
    """A picture for each prompt, in order; plain texts get their position as seed.

    Raises:
        DataError: an input is no prompt.
    """
    for item in inputs:
        if not isinstance(item, (str, Prompt)):
            raise DataError(f"Pictures are made of prompts, and this is of type {type(item).__name__}.")
    prompts = [Prompt(item, at) if isinstance(item, str) else item for at, item in enumerate(inputs)]
    groups: dict[tuple[int | None, float | None], list[int]] = {}
    for at, prompt in enumerate(prompts):
        groups.setdefault((prompt.steps, prompt.guidance), []).append(at)
    size = max(1, min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // (maker.size[0] * maker.size[1])))
    maker.unet.eval()
    answers: dict[int, dict[str, Any]] = {}
    for places in groups.values():
        for start in range(0, len(places), size):
            part = places[start : start + size]
            answers.update(zip(part, maker.make([prompts[at] for at in part]), strict=True))
    return [answers[at] for at in range(len(prompts))]


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> DiffusionBackbone:
    """The backbone of a diffusers folder; nothing is downloaded, and no code but that of the libraries is run.

    Raises:
        UnsupportedModel: the pipeline is of another kind, a part is missing, damaged, or only there as a pickle, or it
            asks for code from elsewhere.
    """
    root = files.root
    index = _index(root, card)
    pipeline = index.get("_class_name")
    if pipeline not in (*_PIXEL_PIPELINES, *_LATENT_PIPELINES):
        raise UnsupportedModel(
            f"'{card.id}' is the pipeline '{pipeline}', which zoo does not run.",
            f"It runs {', '.join((*_PIXEL_PIPELINES, *_LATENT_PIPELINES))}.",
        )
    torch_dtype = float_dtype(dtype)
    schedule = dict(diffusers.DDPMScheduler.load_config(_part(root, card, "scheduler"), local_files_only=True))
    if pipeline in _PIXEL_PIPELINES:
        unet = _model(diffusers.UNet2DModel, root, card, "unet", torch_dtype).to(device)
        if unet.config.out_channels != unet.config.in_channels:
            raise UnsupportedModel(f"The U-Net of '{card.id}' predicts variances too, which zoo does not use.")
        count = int(unet.config.num_class_embeds or 0)
        named = index.get("id2label") or {}
        classes = [str(named.get(str(at), at)) for at in range(count)]
        return DiffusionBackbone(card, PixelMaker(unet, schedule, classes, device))
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
    return DiffusionBackbone(card, LatentMaker(parts, schedule, device))


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
        # Pipelines with one part that has weights may keep all in their own folder.
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
            f"'{card.id}' has no safetensors for its part '{name}', and zoo reads pictures' models from nothing else.",
            "Save it again: save_pretrained(..., safe_serialization=True)",
        )
    with clear_errors(card, f"The part '{name}' of '{card.id}' cannot be loaded"), quiet():
        model, report = kind.from_pretrained(
            folder, use_safetensors=True, local_files_only=True, output_loading_info=True, torch_dtype=dtype
        )
    refuse_missing(card, sorted(report["missing_keys"]), name)
    return model.eval().requires_grad_(True)


def _noise(shape: tuple[int, ...], prompts: Sequence[Prompt]) -> torch.Tensor:
    """Normal noise for each prompt by its own seed, drawn on the CPU: the same for all devices and in all batches."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(p.seed)) for p in prompts])


def _as_image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")


__all__ = ["STEPS", "UNCONDITIONAL", "DiffusionBackbone", "LatentMaker", "Maker", "PixelMaker", "load", "made"]
