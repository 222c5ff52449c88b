"""Trains models that make pictures: the U-Net learns to tell the noise that was added to pictures from the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image, ImageOps
from torch import nn

from zoo.data.prompts import UNCONDITIONAL, Picture, Prompt
from zoo.errors import UnsupportedModel
from zoo.loading.quiet import quiet
from zoo_vision.generation.diffusion import LatentMaker, Maker, PixelMaker, made
from zoo_vision.image_recipe import in_rgb

UNPROMPTED = 0.1
"""Share of the pictures that are learned without their prompt, for classifier-free guidance (Ho and Salimans, 2022)."""

JUDGED_AT = (0.2, 0.5, 0.8)
"""Parts of the way to pure noise at which the validation loss is taken, so that it is the same each time."""

TO_IMAGE = "text-to-image"


class DiffusionLearner:
    """What a model that makes pictures is trained by.

    Attributes:
        module: maps a collated batch to the mean squared error of the predicted noise, batch x 1 (Ho et al., "DDPM",
            2020, equation 14); or of what else the model's schedule says that it predicts.
        pretrained: the U-Net, without the vectors of classes that are new to it.
        classes: names of the classes that can be asked for.
    """

    def __init__(self, maker: Maker, new: bool = False) -> None:
        self._maker, self.classes = maker, maker.classes
        unprompted = maker.states("") if isinstance(maker, LatentMaker) else None
        self.module = _Denoising(maker.unet, maker.schedule, unprompted)
        self.pretrained: nn.Module = maker.unet
        if new:
            known = [child for name, child in maker.unet.named_children() if name != "class_embedding"]
            self.pretrained = nn.ModuleList(known)

    def example(self, item: Prompt, target: Picture) -> dict[str, torch.Tensor]:
        """A picture as the U-Net takes it, with its prompt."""
        maker = self._maker
        picture = ImageOps.fit(in_rgb(target.image), (maker.size[1], maker.size[0]), Image.Resampling.BICUBIC)
        seed = torch.tensor(item.seed)
        if isinstance(maker, PixelMaker):
            image = picture.convert("L") if maker.unet.config.in_channels == 1 else picture
            example = {"mean": _pixels(image), "seed": seed}
            labels = maker.labels([item.text])
            return example if labels is None else {**example, "label": labels[0].cpu()}
        with torch.inference_mode():
            pixels = _pixels(picture)[None].to(maker.device, maker.vae.dtype)
            spread = maker.vae.encode(pixels).latent_dist
        factor = maker.vae.config.scaling_factor
        return {
            "mean": (spread.mean[0] * factor).float().cpu().clone(),
            "deviation": (spread.std[0] * factor).float().cpu().clone(),
            "states": maker.states(item.text),
            "seed": seed,
        }

    def collate(self, examples: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Examples as one batch."""
        return {name: torch.stack([example[name] for example in examples]) for name in examples[0]}

    def predict(self, inputs: Sequence[Prompt | str]) -> list[dict[str, Any]]:
        """A picture for each prompt."""
        return made(self._maker, inputs)


class _Denoising(nn.Module):
    """The U-Net with noise added to what it is given; while it is judged, the same noise each time."""

    def __init__(self, unet: nn.Module, schedule: Mapping[str, Any], unprompted: torch.Tensor | None) -> None:
        super().__init__()
        self.unet: Any = unet
        # No parts of the module, which is what is saved.
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
        for part in JUDGED_AT:
            noise = torch.stack([torch.randn(batch["mean"].shape[1:], generator=chance) for chance in drawn])
            errors.append(self._error(batch, torch.full((size,), int(part * count), device=device), noise.to(device)))
        return torch.stack(errors).mean(dim=0)[:, None]

    def _error(self, batch: dict[str, torch.Tensor], steps: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        scheduler = self._scheduler[0]
        clean = batch["mean"]
        told: dict[str, Any] = {}
        if "deviation" in batch and self.training:
            clean = clean + batch["deviation"] * torch.randn_like(clean)
        if "states" in batch:
            told["encoder_hidden_states"] = self._some_unprompted(batch["states"])
        if "label" in batch:
            told["class_labels"] = batch["label"]
        predicted = self.unet(scheduler.add_noise(clean, noise, steps), steps, **told).sample
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


def learner(maker: Maker, task: str, classes: Sequence[str], model: str) -> DiffusionLearner | None:
    """The model made ready for training; a U-Net on pixels gets new classes where the data's are not its own.

    Raises:
        UnsupportedModel: the data have prompts that are no classes, and the model takes none or classes alone; or the
            model needs what the data do not have.
    """
    if task not in {TO_IMAGE, UNCONDITIONAL}:
        return None
    if isinstance(maker, LatentMaker):
        if task == UNCONDITIONAL:
            raise UnsupportedModel(f"'{model}' makes pictures of prompts.", f"Name the task: --task {TO_IMAGE}")
        return DiffusionLearner(maker)
    wanted = tuple(classes) if task == TO_IMAGE else ()
    if task == TO_IMAGE and not wanted:
        raise UnsupportedModel(
            f"'{model}' learns classes of pictures, and these data have none, but a text for each picture.",
            "Sort the pictures into class folders, or train a model of latent diffusion.",
        )
    if wanted == maker.classes:
        return DiffusionLearner(maker)
    return DiffusionLearner(_with_classes(maker, wanted), new=True)


def _with_classes(maker: PixelMaker, classes: Sequence[str]) -> PixelMaker:
    """The same model with other classes, or with none; all else keeps its weights."""
    with quiet():
        settings = {name: value for name, value in maker.unet.config.items() if not name.startswith("_")}
        unet = diffusers.UNet2DModel(**{**settings, "num_class_embeds": len(classes) or None})
    known = {name: tensor for name, tensor in maker.unet.state_dict().items() if "class_embedding" not in name}
    unet.load_state_dict(known, strict=False)
    if classes:
        # Classes begin as next to nothing, so that the model sets out from what it makes without them.
        nn.init.normal_(unet.class_embedding.weight, std=0.02)
    return PixelMaker(unet.to(maker.device).eval(), maker.schedule, classes, maker.device)


def _pixels(image: Image.Image) -> torch.Tensor:
    """Channels x height x width, -1 to 1."""
    values = np.asarray(image, dtype=np.float32) / 127.5 - 1
    return torch.from_numpy(values[None] if values.ndim == 2 else values.transpose(2, 0, 1).copy())
