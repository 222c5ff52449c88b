"""Generates images by denoising: with a U-Net on pixels, or in the latent space of an autoencoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.errors import DataError, InvalidInput, needs_extra, suggest
from zoo_vision.generation.images import GeneratedImage
from zoo_vision.generation.prompts import Prompt

with needs_extra("generation", "generate images"):
    import diffusers
    import numpy as np
    import torch
    from PIL import Image

STEPS = 50
"""Denoising steps, if the prompt sets none."""

GUIDANCE = 7.5
"""Guidance, if the prompt sets none; the usual value of Stable Diffusion."""

_PIXELS_AT_ONCE = 1 << 18
_MOST_AT_ONCE = 64


class PixelGenerator:
    """Generates images with a U-Net on pixels, by class if it has classes (Ho et al., "DDPM", 2020).

    Sampled by DDIM without added noise (Song et al., "DDIM", 2021, equation 12), so that few steps are enough.

    Attributes:
        guided: whether it takes a guidance scale.
        classes: names of the classes that prompts choose from; empty for a model without classes.
        size: height and width of the images.
    """

    guided = False

    def __init__(self, unet: Any, scheduler: Mapping[str, Any], classes: Sequence[str], device: str) -> None:
        self.unet, self.schedule, self.classes, self.device = unet, scheduler, tuple(classes), device
        side = unet.config.sample_size
        self.size: tuple[int, int] = (side, side) if isinstance(side, int) else tuple(side)

    def labels(self, texts: Sequence[str]) -> torch.Tensor | None:
        """Class indices of prompts; None if the model takes none.

        Raises:
            InvalidInput: a prompt is not one of the model's classes.
        """
        if not self.classes:
            return None
        known = {name: index for index, name in enumerate(self.classes)}
        for text in texts:
            if text not in known:
                shown = ", ".join(self.classes[:10]) + ("..." if len(self.classes) > 10 else "")
                raise InvalidInput(
                    f"The model generates images of classes, and '{text[:40]}' is not one of them.",
                    suggest(text, known) or f"Its classes: {shown}.",
                )
        return torch.tensor([known[text] for text in texts], device=self.device)

    def generate(self, prompts: Sequence[Prompt]) -> list[GeneratedImage]:
        """Images for prompts with the same steps and guidance."""
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
            GeneratedImage(_as_image(image), prompt.text, prompt.seed, steps)
            for image, prompt in zip(pixels, prompts, strict=True)
        ]


class LatentGenerator:
    """Generates images from prompts in the latent space of an autoencoder (Rombach et al., "Latent diffusion", 2022).

    If the model has a safety checker, images that it flags are black.

    Attributes:
        size: height and width of the images.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, parts: Mapping[str, Any], scheduler: Mapping[str, Any], device: str) -> None:
        from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

        self.unet, self.vae, self.schedule, self.device = parts["unet"], parts["vae"], scheduler, device
        self.tokenizer, self.text_encoder = parts["tokenizer"], parts["text_encoder"]
        checker = parts.get("safety_checker")
        self._pipeline = StableDiffusionPipeline(
            **{**parts, "safety_checker": checker, "feature_extractor": parts.get("feature_extractor")},
            scheduler=diffusers.DDIMScheduler.from_config(scheduler),
            requires_safety_checker=checker is not None,
        )
        self._pipeline.set_progress_bar_config(disable=True)
        side = self.unet.config.sample_size
        rows, columns = (side, side) if isinstance(side, int) else side
        self.latent_size = (rows, columns)
        self.size = (rows * self._pipeline.vae_scale_factor, columns * self._pipeline.vae_scale_factor)

    def generate(self, prompts: Sequence[Prompt]) -> list[GeneratedImage]:
        """Images for prompts with the same steps and guidance."""
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
            GeneratedImage(image, prompt.text, prompt.seed, steps, guidance, bool(flag))
            for image, prompt, flag in zip(found.images, prompts, flagged, strict=True)
        ]

    def states(self, text: str) -> torch.Tensor:
        """The hidden states of a prompt that the U-Net attends to, tokens x d, on the CPU."""
        tokens = self.tokenizer(
            text, padding="max_length", truncation=True, max_length=self.tokenizer.model_max_length, return_tensors="pt"
        )
        with torch.inference_mode():
            found: torch.Tensor = self.text_encoder(tokens.input_ids.to(self.device))[0][0]
        return found.float().cpu().clone()


Generator = PixelGenerator | LatentGenerator


def generate(generator: Generator, inputs: Sequence[Prompt | str]) -> list[GeneratedImage]:
    """An image for each prompt, in order; plain texts get their position as seed.

    Raises:
        DataError: an input is not a prompt.
    """
    for item in inputs:
        if not isinstance(item, (str, Prompt)):
            raise DataError(f"Images are generated from prompts, and this is of type {type(item).__name__}.")
    prompts = [Prompt(item, at) if isinstance(item, str) else item for at, item in enumerate(inputs)]
    groups: dict[tuple[int | None, float | None], list[int]] = {}
    for at, prompt in enumerate(prompts):
        groups.setdefault((prompt.steps, prompt.guidance), []).append(at)
    size = max(1, min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // (generator.size[0] * generator.size[1])))
    generator.unet.eval()
    answers: dict[int, GeneratedImage] = {}
    for places in groups.values():
        for start in range(0, len(places), size):
            part = places[start : start + size]
            answers.update(zip(part, generator.generate([prompts[at] for at in part]), strict=True))
    return [answers[at] for at in range(len(prompts))]


def _noise(shape: tuple[int, ...], prompts: Sequence[Prompt]) -> torch.Tensor:
    """Normal noise for each prompt by its own seed, drawn on the CPU, so that it does not depend on device or batch."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(p.seed)) for p in prompts])


def _as_image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
