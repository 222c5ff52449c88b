"""Trains image generators: the U-Net learns to predict the noise that was added to images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from PIL import Image, ImageOps
from torch import nn

from zoo.errors import UnsupportedModel
from zoo.loading.quiet import quiet
from zoo_vision.generation.generators import Generator, LatentGenerator, PixelGenerator, generate
from zoo_vision.generation.images import GeneratedImage
from zoo_vision.generation.prompts import UNCONDITIONAL, Prompt
from zoo_vision.image_recipe import in_rgb

UNPROMPTED = 0.1
"""Fraction of the images without prompt in training, for classifier-free guidance (Ho and Salimans, 2022)."""

EVALUATED_AT = (0.2, 0.5, 0.8)
"""Fractions of the noise schedule at which the validation loss is computed, so that it is the same each time."""

TO_IMAGE = "text-to-image"


class DiffusionLearner:
    """An image generator prepared for training.

    Attributes:
        module: maps a collated batch to the mean squared error of the predicted noise, batch x 1 (Ho et al., "DDPM",
            2020, equation 14), or of the model's own prediction type.
        pretrained: the U-Net, without embeddings of new classes.
        classes: names of the classes that prompts choose from.
    """

    def __init__(self, generator: Generator, new: bool = False) -> None:
        self._generator, self.classes = generator, generator.classes
        unprompted = generator.states("") if isinstance(generator, LatentGenerator) else None
        self.module = _Denoising(generator.unet, generator.schedule, unprompted)
        self.pretrained: nn.Module = generator.unet
        if new:
            known = [child for name, child in generator.unet.named_children() if name != "class_embedding"]
            self.pretrained = nn.ModuleList(known)

    def example(self, item: Prompt, target: GeneratedImage) -> dict[str, torch.Tensor]:
        """An image as the U-Net takes it, with its prompt."""
        generator = self._generator
        fitted = ImageOps.fit(in_rgb(target.image), (generator.size[1], generator.size[0]), Image.Resampling.BICUBIC)
        seed = torch.tensor(item.seed)
        if isinstance(generator, PixelGenerator):
            image = fitted.convert("L") if generator.unet.config.in_channels == 1 else fitted
            example = {"mean": _pixels(image), "seed": seed}
            labels = generator.labels([item.text])
            return example if labels is None else {**example, "label": labels[0].cpu()}
        with torch.inference_mode():
            pixels = _pixels(fitted)[None].to(generator.device, generator.vae.dtype)
            spread = generator.vae.encode(pixels).latent_dist
        factor = generator.vae.config.scaling_factor
        return {
            "mean": (spread.mean[0] * factor).float().cpu().clone(),
            "deviation": (spread.std[0] * factor).float().cpu().clone(),
            "states": generator.states(item.text),
            "seed": seed,
        }

    def collate(self, examples: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Examples as one batch."""
        return {name: torch.stack([example[name] for example in examples]) for name in examples[0]}

    def predict(self, inputs: Sequence[Prompt | str]) -> list[GeneratedImage]:
        """An image for each prompt."""
        return generate(self._generator, inputs)


class _Denoising(nn.Module):
    """The U-Net with noise added to its inputs; in evaluation mode the same noise each time."""

    def __init__(self, unet: nn.Module, schedule: Mapping[str, Any], unprompted: torch.Tensor | None) -> None:
        super().__init__()
        self.unet: Any = unet
        # In lists, so that they are not saved with the module.
        self._scheduler = [diffusers.DDPMScheduler.from_config(schedule)]
        self._unprompted = [unprompted]

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        scheduler = self._scheduler[0]
        count = scheduler.config.num_train_timesteps
        size, device = len(batch["mean"]), batch["mean"].device
        if self.training:
            steps = torch.randint(0, count, (size,), device=device)
            return self._error(batch, steps, torch.randn_like(batch["mean"]))[:, None]
        drawn = [torch.Generator().manual_seed(int(seed)) for seed in batch["seed"]]
        errors = []
        for part in EVALUATED_AT:
            noise = torch.stack([torch.randn(batch["mean"].shape[1:], generator=chance) for chance in drawn])
            errors.append(self._error(batch, torch.full((size,), int(part * count), device=device), noise.to(device)))
        return torch.stack(errors).mean(dim=0)[:, None]

    def _error(self, batch: dict[str, torch.Tensor], steps: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        scheduler = self._scheduler[0]
        clean = batch["mean"]
        conditions: dict[str, Any] = {}
        if "deviation" in batch and self.training:
            clean = clean + batch["deviation"] * torch.randn_like(clean)
        if "states" in batch:
            conditions["encoder_hidden_states"] = self._some_unprompted(batch["states"])
        if "label" in batch:
            conditions["class_labels"] = batch["label"]
        predicted = self.unet(scheduler.add_noise(clean, noise, steps), steps, **conditions).sample
        wanted = {
            "epsilon": lambda: noise,
            "v_prediction": lambda: scheduler.get_velocity(clean, noise, steps),
            "sample": lambda: clean,
        }[scheduler.config.prediction_type]()
        error: torch.Tensor = (predicted.float() - wanted.float()).square().flatten(1).mean(dim=1)
        return error

    def _some_unprompted(self, states: torch.Tensor) -> torch.Tensor:
        if not self.training or self._unprompted[0] is None:
            return states
        dropped = torch.rand(len(states), 1, 1, device=states.device) < UNPROMPTED
        return torch.where(dropped, self._unprompted[0].to(states.device, states.dtype), states)


def learner(generator: Generator, task: str, classes: Sequence[str], model: str) -> DiffusionLearner | None:
    """The model prepared for training; a U-Net on pixels gets new classes if the data's are not its own.

    Raises:
        UnsupportedModel: the prompts of the data are not classes, and the model takes no prompts, or classes only; or
            the data lack what the model needs.
    """
    if task not in {TO_IMAGE, UNCONDITIONAL}:
        return None
    if isinstance(generator, LatentGenerator):
        if task == UNCONDITIONAL:
            raise UnsupportedModel(f"'{model}' generates images from prompts.", f"Name the task: --task {TO_IMAGE}")
        return DiffusionLearner(generator)
    wanted = tuple(classes) if task == TO_IMAGE else ()
    if task == TO_IMAGE and not wanted:
        raise UnsupportedModel(
            f"'{model}' is trained on classes of images, but these data have a text for each image.",
            "Sort the images into class folders, or train a latent diffusion model.",
        )
    if wanted == generator.classes:
        return DiffusionLearner(generator)
    return DiffusionLearner(_with_classes(generator, wanted), new=True)


def _with_classes(generator: PixelGenerator, classes: Sequence[str]) -> PixelGenerator:
    """The same model with other classes, or with none; all else keeps its weights."""
    with quiet():
        settings = {name: value for name, value in generator.unet.config.items() if not name.startswith("_")}
        unet = UNet2DModel(**{**settings, "num_class_embeds": len(classes) or None})
    known = {name: tensor for name, tensor in generator.unet.state_dict().items() if "class_embedding" not in name}
    unet.load_state_dict(known, strict=False)
    if isinstance(unet.class_embedding, nn.Embedding):
        # Class embeddings start close to zero, so that training starts from the model's output without them.
        nn.init.normal_(unet.class_embedding.weight, std=0.02)
    return PixelGenerator(unet.to(generator.device).eval(), generator.schedule, classes, generator.device)


def _pixels(image: Image.Image) -> torch.Tensor:
    """Channels x height x width, -1 to 1."""
    values = np.asarray(image, dtype=np.float32) / 127.5 - 1
    return torch.from_numpy(values[None] if values.ndim == 2 else values.transpose(2, 0, 1).copy())
